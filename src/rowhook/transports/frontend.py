"""Stores outputs for the web pages of a session, which read them as callbacks.

A callback is staged first; it gets its position in the session once all earlier outputs of the
session are staged or final.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from rowhook.db import callback_queries, connection_errors
from rowhook.db.connection_pool import Pool
from rowhook.db.statements import PostgresError
from rowhook.model import Outcome, Verdict
from rowhook.render.payload import session_of
from rowhook.transports.registry import NoOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from rowhook.model import Claim, Request
    from rowhook.transports.registry import Resources

log = structlog.get_logger()
# Most callbacks wait for a transaction that takes milliseconds.
_SHORT_PAUSE_S = 0.05
_LONG_PAUSE_S = 1.0
# Finds callbacks that another worker staged before it died.
_IDLE_PAUSE_S = 5.0
# Limits the work for many waiting sessions to a tenth of the database's time.
_PAUSE_PER_ROUND = 9
_SESSIONS = 100


class FrontendTransport:
    """Delivers to the pages of the commit's session, which fetch their callbacks."""

    def __init__(self, resources: Resources) -> None:
        self._pool = resources.pool
        self._ttl = resources.callback_ttl
        self._sequencer = CallbackSequencer(resources.pool)

    async def deliver(
        self, claim: Claim, request: Request, redact: Callable[[str], str]
    ) -> Outcome | NoOutcome:
        """Stages the callback; skips a commit without a session."""
        session = session_of(claim.event)
        if session is None:
            message = "The commit has no session, so there is no page to deliver to."
            return Outcome(verdict=Verdict.SKIPPED, error=message)
        body = (request.body or b"null").decode()
        try:
            await callback_queries.stage(self._pool, claim, session, body, self._ttl)
        except PostgresError as error:
            log.warning(
                "callback.staging_failed", delivery=claim.outbox_id, error=type(error).__name__
            )
            return NoOutcome.NOT_STARTED
        self._sequencer.wake()
        return NoOutcome.STAGED

    def background_work(self) -> Coroutine[Any, Any, None]:
        """Returns the assignment of positions to waiting callbacks."""
        return self._sequencer.run()


class CallbackSequencer:
    """Processes the waiting sessions in rounds, with short pauses after a callback was staged."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._staged = asyncio.Event()

    def wake(self) -> None:
        """Starts the next round soon, because a callback was staged."""
        self._staged.set()

    async def run(self) -> None:
        """Runs until cancelled."""
        pause_s = shortest_s = _SHORT_PAUSE_S
        while True:
            if await self._is_woken(pause_s):
                pause_s = shortest_s
                await asyncio.sleep(pause_s)
            started = time.monotonic()
            is_waiting = await self._run_round()
            shortest_s = max(_SHORT_PAUSE_S, _PAUSE_PER_ROUND * (time.monotonic() - started))
            if is_waiting:
                pause_s = max(min(2 * pause_s, _LONG_PAUSE_S), shortest_s)
            else:
                pause_s = _IDLE_PAUSE_S

    async def _is_woken(self, pause_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._staged.wait()
        is_woken = self._staged.is_set()
        self._staged.clear()
        return is_woken

    async def _run_round(self) -> bool:
        """Processes all waiting sessions once; returns whether some may still wait."""
        session: str | None = ""
        try:
            while session := await callback_queries.place_waiting(
                self._pool, session or "", _SESSIONS
            ):
                pass
        except PostgresError as error:
            log.warning(
                "callbacks.placement_failed",
                error=type(error).__name__,
                reason=connection_errors.reason(error),
            )
            return True
        return session is not None
