"""Implements pgqueuer's Driver on a psycopg pool, with a separate connection that listens.

A pool connection is only held during a statement.
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
    """Return a notification payload in pgqueuer's format; it drops others with a critical log."""
    stamp = {"channel": CHANNEL, "sent_at": datetime.now(UTC).isoformat(), "type": kind}
    return json.dumps(stamp | fields)


class PoolDriver:
    """Implements pgqueuer.ports.driver.Driver. Without `listen_dsn` the worker only polls.

    The caller runs `listener`, which wakes the queue manager on every NOTIFY.
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
        """Whether the listener is connected."""
        return self.listener is not None and self.listener.listening

    @property
    def shutdown(self) -> asyncio.Event:
        """Set when the last context has exited."""
        return self._shutdown

    @property
    def tm(self) -> TaskManager:
        """Pgqueuer's tasks, which the exit waits for."""
        return self._tm

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """Run a statement with `$1` placeholders and return its rows."""
        async with self.pool.connection() as connection:
            cursor = AsyncRawCursor[dict[str, Any]](connection, row_factory=dict_row)
            await cursor.execute(query.encode(), args or None)
            return await cursor.fetchall()

    async def execute(self, query: str, *args: object) -> str:
        """Run a statement and return its command tag."""
        async with self.pool.connection() as connection:
            cursor = AsyncRawCursor(connection)
            await cursor.execute(query.encode(), args or None)
            return cursor.statusmessage or ""

    async def notify(self, channel: str, payload: str) -> None:
        """Dispatch locally, because every NOTIFY takes a lock on the whole database."""
        if channel == CHANNEL:
            self.dispatch(payload)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Register a callback for the channel of Rowhook, regardless of pgqueuer's channel."""
        self._callbacks.append(callback)

    def dispatch(self, payload: str) -> None:
        """Pass an envelope to pgqueuer's callbacks."""
        for callback in self._callbacks:
            callback(payload)

    def wake(self) -> None:
        """End the wait of the queue manager."""
        self.dispatch(envelope("table_changed_event", operation="insert", table="outbox"))

    async def __aenter__(self) -> Self:
        self._entered += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        # The queue manager and the scheduler both enter; the last one to exit shuts it down.
        self._entered -= 1
        if self._entered:
            return
        self._shutdown.set()
        self._callbacks.clear()
        await self._tm.gather_tasks()
