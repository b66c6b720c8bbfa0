"""Composes beside a loop that must not stand still: in it what is soon done, else in a thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from rowhook.compose import compose

if TYPE_CHECKING:
    from rowhook.compose import Webhook
    from rowhook.delivery import Event, Outcome, Request
    from rowhook.egress import Egress

# Characters. Postgres keeps some of them compressed, so that they do not come as large.
HEAVY = 1 << 15


class Composer:
    """Requests at the database's time: `offset_s` is how far its clock is before ours."""

    def __init__(self, policy: Egress, offset_s: Callable[[], float]) -> None:
        self._policy = policy
        self._offset_s = offset_s
        # Python runs one thread, and each more makes the loop wait longer.
        self._one = asyncio.Semaphore(1)

    async def compose(self, webhook: Webhook, event: Event) -> Request | Outcome:
        """The request of this attempt, or the outcome that stopped it."""
        branches = webhook.schema is not None and webhook.schema.branches
        if not branches and len(event.data or "") + len(event.context or "") < HEAVY:
            return self._compose(webhook, event)
        async with self._one:
            return await asyncio.to_thread(self._compose, webhook, event)

    def _compose(self, webhook: Webhook, event: Event) -> Request | Outcome:
        epoch_s = time.time() + self._offset_s()
        return compose(webhook, event, epoch_s=epoch_s, policy=self._policy)
