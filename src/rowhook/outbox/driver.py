"""pgqueuer's Driver over a psycopg pool, with one connection apart that listens and reconnects.

It never holds a pool connection between two statements.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import UTC, datetime
from typing import Any, Self

import structlog
from pgqueuer.core.tm import TaskManager
from pgqueuer.ports.driver import NotifyCallback
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.rows import dict_row

from rowhook import postgres

log = structlog.get_logger()
CHANNEL = "rowhook"
_PROBE_S = 10.0
_BACKOFF_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


def envelope(kind: str, **fields: object) -> str:
    """A payload in pgqueuer's own form; anything else it logs as critical and drops."""
    stamp = {"channel": CHANNEL, "sent_at": datetime.now(UTC).isoformat(), "type": kind}
    return json.dumps(stamp | fields)


class PoolDriver:
    """Satisfies pgqueuer.ports.driver.Driver. `listen_dsn` None means: poll alone."""

    def __init__(self, pool: postgres.Pool, listen_dsn: str | None) -> None:
        self.pool = pool
        self.listening = False
        self._listen_dsn = listen_dsn
        self._shutdown = asyncio.Event()
        self._tm = TaskManager()
        self._callbacks: list[NotifyCallback] = []
        self._listener: asyncio.Task[None] | None = None
        self._entered = 0

    @property
    def shutdown(self) -> asyncio.Event:
        """Set once the last one in has left."""
        return self._shutdown

    @property
    def tm(self) -> TaskManager:
        """Tasks of pgqueuer's that the exit waits for."""
        return self._tm

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """The rows of one statement, with `$1` placeholders."""
        async with self.pool.connection() as connection:
            cursor = AsyncRawCursor[dict[str, Any]](connection, row_factory=dict_row)
            await cursor.execute(query.encode(), args or None)
            return await cursor.fetchall()

    async def execute(self, query: str, *args: object) -> str:
        """Runs one statement; its command tag."""
        async with self.pool.connection() as connection:
            cursor = AsyncRawCursor(connection)
            await cursor.execute(query.encode(), args or None)
            return cursor.statusmessage or ""

    async def notify(self, channel: str, payload: str) -> None:
        """Answers locally: every NOTIFY takes a lock of the whole database."""
        if channel == CHANNEL:
            self.hand_on(payload)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Every callback hears of our own channel, whatever pgqueuer's is called."""
        self._callbacks.append(callback)
        if self._listener is None and self._listen_dsn is not None:
            self._listener = asyncio.create_task(self._listen(self._listen_dsn), name="listen")

    def hand_on(self, payload: str) -> None:
        """Gives an envelope to pgqueuer."""
        for callback in self._callbacks:
            callback(payload)

    def wake(self) -> None:
        """Ends the queue manager's wait."""
        self.hand_on(envelope("table_changed_event", operation="insert", table="outbox"))

    async def _listen(self, dsn: str) -> None:
        failures = 0
        while True:
            try:
                async with await postgres.connect(dsn) as connection:
                    failures = 0
                    await self._hear(connection)
            except postgres.Failed as error:
                log.warning("listener.lost", error=type(error).__name__)
            finally:
                self.listening = False
            await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
            failures += 1

    async def _hear(self, connection: AsyncConnection) -> None:
        await connection.execute(f"listen {CHANNEL}")
        self.listening = True
        self.wake()
        while True:
            async for _ in connection.notifies(timeout=_PROBE_S, stop_after=1):
                self.wake()
            with postgres.deadline(connection, _PROBE_S):
                await connection.execute("select 1")

    async def __aenter__(self) -> Self:
        self._entered += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        # The queue manager and the scheduler both enter: the last one out ends it.
        self._entered -= 1
        if self._entered:
            return
        self._shutdown.set()
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
            self._listener = None
        self._callbacks.clear()
        await self._tm.gather_tasks()
