"""Renders requests, in the event loop or in threads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from rowhook.render.partial import render_partial
from rowhook.render.request import render_request
from rowhook.template.faults import StepsExceeded
from rowhook.template.limits import INLINE_STEPS, MAX_STEPS

if TYPE_CHECKING:
    from rowhook.egress.policy import EgressPolicy
    from rowhook.model import Event, Outcome, RedactedRequest, Request
    from rowhook.render.webhook_compiler import Webhook


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
        """Return the request of this attempt, or the outcome that prevents it."""
        if self._inline and _is_small(webhook, event):
            try:
                return self._render(webhook, event, at, traceparent, steps=INLINE_STEPS)
            except StepsExceeded:
                pass  # the templates loop over much; again, off the event loop
        return await self._in_thread(partial(self._render, webhook, event, at, traceparent))

    async def render_partial(
        self, webhook: Webhook, event: Event, *, at: datetime
    ) -> RedactedRequest | None:
        """Return the redacted request without the parts that fail, or None if all fail."""
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
