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

    def __init__(self, direct_dsn: str) -> None:
        self._dsn = direct_dsn
        self._lock = asyncio.Lock()
        self._checked_at = float("-inf")
        self._reason: str | None = None

    async def reason(self) -> str | None:
        """The reason why the process is not ready, at most a second old; None if it is ready."""
        async with self._lock:
            if time.monotonic() - self._checked_at >= _CACHE_S:
                self._reason = await self._check()
                self._checked_at = time.monotonic()
            return self._reason

    async def _check(self) -> str | None:
        try:
            async with asyncio.timeout(_DEADLINE_S):
                pending = await runner.plan(self._dsn, repairs="none")
        except Unreachable:
            return "The database cannot be reached."
        except TimeoutError:
            return f"The database did not answer within {_DEADLINE_S:g} s."
        except (MigrationRejected, StatementError) as error:
            return str(error)
        if pending:
            return f"Migrations are pending: {', '.join(pending)}. Run rowhook migrate."
        return None
