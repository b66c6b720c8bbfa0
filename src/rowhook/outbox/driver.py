"""pgqueuer's Driver over a psycopg pool, with one connection apart that listens and reconnects.

It never holds a pool connection between two statements.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any, Self

from pgqueuer.core.tm import TaskManager
from pgqueuer.ports.driver import NotifyCallback
from psycopg import AsyncRawCursor
from psycopg.rows import dict_row

from rowhook import postgres

CHANNEL = "rowhook"


def envelope(kind: str, **fields: object) -> str:
    """A payload in pgqueuer's own form; anything else it logs as critical and drops."""
    stamp = {"channel": CHANNEL, "sent_at": datetime.now(UTC).isoformat(), "type": kind}
    return json.dumps(stamp | fields)


class PoolDriver:
    """Satisfies pgqueuer.ports.driver.Driver. `listen_dsn` None means: poll alone.

    Whoever runs `listener` hears of every NOTIFY.
    """

    def __init__(self, pool: postgres.Pool, listen_dsn: str | None) -> None:
        self.pool = pool
        self.listener = None
        if listen_dsn is not None:
            self.listener = postgres.Listener(listen_dsn, CHANNEL, lambda _: self.wake())
        self._shutdown = asyncio.Event()
        self._tm = TaskManager()
        self._callbacks: list[NotifyCallback] = []
        self._entered = 0

    @property
    def listening(self) -> bool:
        """Whether a NOTIFY would be heard now."""
        return self.listener is not None and self.listener.listening

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

    def hand_on(self, payload: str) -> None:
        """Gives an envelope to pgqueuer."""
        for callback in self._callbacks:
            callback(payload)

    def wake(self) -> None:
        """Ends the queue manager's wait."""
        self.hand_on(envelope("table_changed_event", operation="insert", table="outbox"))

    async def __aenter__(self) -> Self:
        self._entered += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        # The queue manager and the scheduler both enter: the last one out ends it.
        self._entered -= 1
        if self._entered:
            return
        self._shutdown.set()
        self._callbacks.clear()
        await self._tm.gather_tasks()
