"""The open connections, and the idle ones among them by origin."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rowhook.egress.connection import ConnectionEnded
from rowhook.egress.write_batch import WriteBatch

if TYPE_CHECKING:
    from rowhook.egress.connection import Connection
    from rowhook.egress.deadlines import Deadlines

# Scheme, host and port; for plain http through a proxy those of the proxy.
Origin = tuple[str, str, int]
# An aborted connection is gone in the next iteration of the event loop. Seconds.
_CLOSE_S = 1.0


class OriginPool:
    """Keeps at most `limit` idle connections, each for its own idle time.

    `writes` are the requests of all connections that are not written yet.
    """

    def __init__(self, deadlines: Deadlines, limit: int) -> None:
        self.writes = WriteBatch()
        self._deadlines = deadlines
        self._limit = limit
        self._open: set[Connection] = set()
        # The connections of an origin are ordered by their last use.
        self._idle: dict[Origin, dict[Connection, None]] = {}
        self._idle_count = 0
        self._is_closed = False

    def add(self, connection: Connection) -> None:
        """Add a connection that is being opened."""
        self._open.add(connection)

    def take(self, origin: Origin) -> Connection | None:
        """Return the idle connection to `origin` that was used last, or None.

        Raises ConnectionEnded if the pool is closed.
        """
        if self._is_closed:
            raise ConnectionEnded(is_stale=False)
        while (idle := self._idle.get(origin)) is not None:
            connection, _ = idle.popitem()
            self._idle_count -= 1
            if not idle:
                del self._idle[origin]
            self._deadlines.remove(connection)
            if not connection.is_closing:
                return connection
        return None

    def put(self, connection: Connection, now: float) -> None:
        """Keep a connection after its exchange, or close it if it cannot be used again."""
        if not connection.is_reusable or connection.is_closing or not connection.idle_s:
            connection.close()
            return
        if self._idle_count >= self._limit:
            self._close_one()
        self._idle.setdefault(connection.origin, {})[connection] = None
        self._idle_count += 1
        self._deadlines.set(connection, now + connection.idle_s)

    def discard(self, connection: Connection) -> None:
        """Remove a connection from the idle ones, if it is there."""
        idle = self._idle.get(connection.origin)
        if idle is None or connection not in idle:
            return
        del idle[connection]
        self._idle_count -= 1
        if not idle:
            del self._idle[connection.origin]

    def forget(self, connection: Connection) -> None:
        """Remove a connection that is closed or was never opened."""
        self._open.discard(connection)
        self.discard(connection)

    async def close(self) -> None:
        """Close every connection, and those that are being opened as soon as they are."""
        self._is_closed = True
        for connection in list(self._open):
            connection.abort()
        if lost := [connection.lost for connection in self._open if connection.is_open]:
            await asyncio.wait(lost, timeout=_CLOSE_S)

    def _close_one(self) -> None:
        origin = next(iter(self._idle))
        connection = next(iter(self._idle[origin]))
        self.discard(connection)
        connection.close()
