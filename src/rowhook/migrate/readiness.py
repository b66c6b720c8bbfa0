"""Whether a process can work: the database is reachable and migrated."""

from __future__ import annotations

import asyncio
import time

from rowhook.db.statements import StatementError, Unreachable
from rowhook.migrate import runner
from rowhook.migrate.steps import MigrationRejected

_CACHE_S = 1.0
_DEADLINE_S = 6.0


class Readiness:
    """Checks the database, on one connection at a time, and caches the result."""

    def __init__(self, direct_dsn: str, *, deadline_s: float = _DEADLINE_S) -> None:
        self._dsn = direct_dsn
        self._deadline_s = deadline_s
        self._lock = asyncio.Lock()
        self._checked_at = float("-inf")
        self._reason: str | None = None
        self._late: set[asyncio.Task[list[str]]] = set()

    async def reason(self) -> str | None:
        """The reason why the process is not ready, at most a second old; None if it is ready."""
        async with self._lock:
            if time.monotonic() - self._checked_at >= _CACHE_S:
                self._reason = await self._check()
                self._checked_at = time.monotonic()
            return self._reason

    async def _check(self) -> str | None:
        reading = asyncio.create_task(runner.plan(self._dsn, repairs="none"))
        try:
            # Its end is not awaited: a cancelled statement waits for the same network.
            done, _ = await asyncio.wait({reading}, timeout=self._deadline_s)
        finally:
            if not reading.done():
                self._abandon(reading)
        if not done:
            return f"The database did not answer within {self._deadline_s:g} s."
        try:
            pending = reading.result()
        except Unreachable:
            return "The database cannot be reached."
        except (MigrationRejected, StatementError) as error:
            return str(error)
        if pending:
            return f"Migrations are pending: {', '.join(pending)}. Run rowhook migrate."
        return None

    def _abandon(self, reading: asyncio.Task[list[str]]) -> None:
        reading.cancel()
        self._late.add(reading)
        reading.add_done_callback(self._forget)

    def _forget(self, reading: asyncio.Task[list[str]]) -> None:
        self._late.discard(reading)
        if not reading.cancelled():
            # Retrieved, so that it is not logged.
            reading.exception()
