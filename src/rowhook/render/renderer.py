"""Renders requests: inline when small, in a worker thread when large."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from rowhook.render.request import render_request

if TYPE_CHECKING:
    from rowhook.egress.policy import EgressPolicy
    from rowhook.model import Event, Outcome, Request
    from rowhook.render.webhook_compiler import Webhook


# PostgreSQL compresses large values, so the size is only known here.
MAX_INLINE_CHARACTERS = 1 << 15


class Renderer:
    """Renders requests at the database's time: `offset_s` is its clock minus the local clock."""

    def __init__(self, policy: EgressPolicy, offset_s: Callable[[], float]) -> None:
        self._policy = policy
        self._offset_s = offset_s
        # Because of the GIL, more threads would only add latency to the event loop.
        self._thread_slot = asyncio.Semaphore(1)

    async def render(self, webhook: Webhook, event: Event) -> Request | Outcome:
        """Return the request of this attempt, or the outcome that prevents it."""
        is_expensive = webhook.schema is not None and webhook.schema.branches
        size = len(event.data or "") + len(event.context or "")
        if not is_expensive and size < MAX_INLINE_CHARACTERS:
            return self._render(webhook, event)
        async with self._thread_slot:
            return await asyncio.to_thread(self._render, webhook, event)

    def _render(self, webhook: Webhook, event: Event) -> Request | Outcome:
        epoch_s = time.time() + self._offset_s()
        return render_request(webhook, event, epoch_s=epoch_s, policy=self._policy)
