"""Assigns positions to callbacks that wait for earlier outputs of their session."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import structlog

from rowhook.db import callback_queries, connection_errors
from rowhook.db.connection_pool import Pool
from rowhook.db.statements import PostgresError

log = structlog.get_logger()
# Most callbacks wait for a transaction that takes milliseconds.
_SHORT_PAUSE_S = 0.05
_LONG_PAUSE_S = 1.0
# Finds callbacks that another worker staged before it died.
_IDLE_PAUSE_S = 5.0
# Limits the work for many waiting sessions to a tenth of the database's time.
_PAUSE_PER_ROUND = 9
_SESSIONS = 100


class CallbackSequencer:
    """Processes the waiting sessions in rounds, with short pauses after a callback was staged."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._staged = asyncio.Event()

    def wake(self) -> None:
        """Start the next round soon, because a callback was staged."""
        self._staged.set()

    async def run(self) -> None:
        """Run until cancelled."""
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
        """Process all waiting sessions once; return whether some may still wait."""
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
