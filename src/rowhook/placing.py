"""Gives places to callbacks that wait for earlier outputs of their session."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import structlog

from rowhook import postgres

log = structlog.get_logger()
# Most wait for a transaction of milliseconds.
_SHORT_PAUSE_S = 0.05
_LONG_PAUSE_S = 1.0
# What another worker staged, and left waiting when it died.
_LOOK_S = 5.0
# With many waiting sessions: at most a tenth of the database's time.
_PAUSE_PER_ROUND = 9
_SESSIONS = 100


class CallbackPlacing:
    """Looks at the waiting sessions in rounds, soon after a staging and less often later."""

    def __init__(self, pool: postgres.Pool) -> None:
        self._pool = pool
        self._staged = asyncio.Event()

    def wake(self) -> None:
        """Something was staged, and may wait."""
        self._staged.set()

    async def run(self) -> None:
        """Runs until it is cancelled."""
        pause_s = shortest_s = _SHORT_PAUSE_S
        while True:
            if await self._is_woken(pause_s):
                pause_s = shortest_s
                await asyncio.sleep(pause_s)
            began = time.monotonic()
            waiting = await self._place()
            shortest_s = max(_SHORT_PAUSE_S, _PAUSE_PER_ROUND * (time.monotonic() - began))
            pause_s = max(min(2 * pause_s, _LONG_PAUSE_S), shortest_s) if waiting else _LOOK_S

    async def _is_woken(self, pause_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._staged.wait()
        woken = self._staged.is_set()
        self._staged.clear()
        return woken

    async def _place(self) -> bool:
        """Looks at all waiting sessions once; whether some may still wait."""
        session: str | None = ""
        try:
            while session := await postgres.place_waiting(self._pool, session or "", _SESSIONS):
                pass
        except postgres.PostgresError as error:
            log.warning(
                "callbacks.not_placed", error=type(error).__name__, reason=postgres.reason(error)
            )
            return True
        return session is not None
