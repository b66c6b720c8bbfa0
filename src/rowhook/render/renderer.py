"""Renders requests in the event loop or in threads, invalid ones as far as possible."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from rowhook.model import Event, RedactedRequest
from rowhook.render.payload import default_payload, rfc3339, variables
from rowhook.render.request import render_request
from rowhook.render.webhook_compiler import Webhook
from rowhook.template.compiler import Template
from rowhook.template.faults import RenderFault, StepsExceeded
from rowhook.template.limits import INLINE_STEPS, MAX_STEPS, Budget

if TYPE_CHECKING:
    from rowhook.egress.policy import EgressPolicy
    from rowhook.model import Outcome, Request

T = TypeVar("T")

# PostgreSQL compresses large values, so the size is only known here.
MAX_INLINE_CHARACTERS = 1 << 15


class Renderer:
    """Renders the requests of deliveries, tests, previews and proposed commits.

    `clock` returns the time of sending, in seconds since 1970; `at` replaces it. With `inline`,
    small requests are rendered in the event loop, and those of large events or of more than
    INLINE_STEPS in a thread, one at a time: for the throughput of a worker. Otherwise each request
    is rendered in a thread of its own, so that a costly draft delays no other caller of the API.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        clock: Callable[[], float] = time.time,
        *,
        inline: bool = False,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._inline = inline
        # Because of the GIL, more threads would only add latency to the event loop of a worker.
        self._thread_slot = asyncio.Semaphore(1)

    async def render(
        self,
        webhook: Webhook,
        event: Event,
        *,
        at: datetime | None = None,
        traceparent: str | None = None,
    ) -> Request | Outcome:
        """Returns the request of this attempt, or the outcome that prevents it."""
        if self._inline and _is_small(webhook, event):
            try:
                return self._render(webhook, event, at, traceparent, steps=INLINE_STEPS)
            except StepsExceeded:
                pass  # the templates loop over much; again, off the event loop
        return await self._in_thread(partial(self._render, webhook, event, at, traceparent))

    async def render_partial(
        self, webhook: Webhook, event: Event, *, at: datetime
    ) -> RedactedRequest | None:
        """Returns the redacted request without the parts that fail, or None if all fail."""
        return await self._in_thread(
            partial(render_partial, webhook, event, epoch_s=at.timestamp())
        )

    def _render(
        self,
        webhook: Webhook,
        event: Event,
        at: datetime | None,
        traceparent: str | None,
        steps: int = MAX_STEPS,
    ) -> Request | Outcome:
        # The clock is read here, because the thread may have been waited for.
        epoch_s = self._clock() if at is None else at.timestamp()
        return render_request(
            webhook,
            event,
            epoch_s=epoch_s,
            policy=self._policy,
            steps=steps,
            traceparent=traceparent,
        )

    async def _in_thread(self, call: Callable[[], T]) -> T:
        if not self._inline:
            return await asyncio.to_thread(call)
        async with self._thread_slot:
            return await asyncio.to_thread(call)


def _is_small(webhook: Webhook, event: Event) -> bool:
    has_branches = webhook.schema is not None and webhook.schema.branches
    size = len(event.data or "") + len(event.context or "")
    return not has_branches and size < MAX_INLINE_CHARACTERS


def render_partial(webhook: Webhook, event: Event, *, epoch_s: float) -> RedactedRequest | None:
    """Returns the redacted request without the parts that fail, or None if all fail.

    It is not signed. A URL that fails is empty.
    """
    timestamp, budget = rfc3339(epoch_s), Budget()
    names = variables(event, timestamp)
    url = "" if webhook.url is None else _redacted(webhook.url, names, budget)
    is_complete = event.oversize_bytes is None
    body = _body(webhook, event, timestamp, names, budget) if is_complete else None
    if body is None and not url:
        return None
    rendered = ((name, _redacted(template, names, budget)) for name, template in webhook.headers)
    headers = tuple((name, value) for name, value in rendered if value is not None)
    return RedactedRequest(
        method=webhook.method, url=url or "", headers=webhook.fixed_headers + headers, body=body
    )


def _body(
    webhook: Webhook, event: Event, timestamp: str, names: Mapping[str, object], budget: Budget
) -> str | None:
    if not webhook.sends_body:
        return None
    if webhook.raw_payload:
        return event.data if event.data is not None else "null"
    if webhook.body is not None:
        return _redacted(webhook.body, names, budget)
    return default_payload(event, timestamp)


def _redacted(template: Template, names: Mapping[str, object], budget: Budget) -> str | None:
    try:
        return template.render(names, budget).redacted()
    except RenderFault:
        return None
