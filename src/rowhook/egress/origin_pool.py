"""The open connections of a transport: idle ones by origin, deadlines, and pending writes."""

from __future__ import annotations

import asyncio
import math
from asyncio import AbstractEventLoop, TimerHandle
from typing import TYPE_CHECKING, Protocol

from rowhook.egress.connection import ConnectionEnded

if TYPE_CHECKING:
    from rowhook.egress.connection import Connection

# A deadline passes up to two ticks late.
TICKS_PER_S = 20
# More would delay the first request by more than a millisecond.
MAX_WRITES = 32
# Scheme, host and port; for plain http through a proxy those of the proxy.
Origin = tuple[str, str, int]
# An aborted connection is gone in the next iteration of the event loop. Seconds.
_CLOSE_S = 1.0


class Expiring(Protocol):
    """An object with at most one deadline at a time. `tick` belongs to `Deadlines`."""

    tick: int

    def expire(self) -> None:
        """Reacts to the deadline, which has passed."""


class Deadlines:
    """A timer wheel: the deadlines of many connections on one timer of the event loop, in its time.

    A deadline is set and removed for each request and almost never passes, so both are one
    operation on a set; a timer of the event loop would cost a heap operation and an allocation.
    """

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._entries: dict[int, set[Expiring]] = {}
        self._timer: TimerHandle | None = None
        self._armed_for = math.inf

    def set(self, entry: Expiring, at: float) -> None:
        """Calls `entry.expire` at the time `at`, unless `remove` is called before."""
        tick = int(at * TICKS_PER_S) + 1
        entry.tick = tick
        entries = self._entries.get(tick)
        if entries is None:
            entries = self._entries[tick] = set()
            if tick < self._armed_for:
                self._arm(tick)
        entries.add(entry)

    def remove(self, entry: Expiring) -> None:
        """Removes the deadline of `entry`, if it has one."""
        entries = self._entries.get(entry.tick)
        if entries is not None:
            entries.discard(entry)

    def close(self) -> None:
        """Forgets all deadlines."""
        self._entries.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self, tick: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = tick
        self._timer = self._loop.call_at(tick / TICKS_PER_S, self._fire)

    def _fire(self) -> None:
        passed = max(int(self._loop.time() * TICKS_PER_S), self._armed_for)
        self._timer, self._armed_for = None, math.inf
        for tick in [tick for tick in self._entries if tick <= passed]:
            for entry in self._entries.pop(tick):
                entry.expire()
        self._entries = {tick: entries for tick, entries in self._entries.items() if entries}
        # Entries set by `expire` may have armed the timer already.
        if self._entries and (tick := min(self._entries)) < self._armed_for:
            self._arm(tick)


class Writer(Protocol):
    """A connection with a request to write."""

    def write_pending(self) -> None:
        """Writes the request, unless its exchange has ended."""


class WriteBatch:
    """Writes requests to reused connections together, in the next iteration of the event loop.

    While a batch of deliveries is rendered, a receiver on the same machine, or a proxy, answers
    each request before the next one is written, so each write has to wake it up; written one after
    the other they cost a third less CPU.
    """

    def __init__(self) -> None:
        self._writers: list[Writer] = []

    def add(self, writer: Writer) -> None:
        """Calls `writer.write_pending` soon, at the latest in the next iteration."""
        if not self._writers:
            asyncio.get_running_loop().call_soon(self._flush)
        self._writers.append(writer)
        if len(self._writers) >= MAX_WRITES:
            self._flush()

    def _flush(self) -> None:
        writers, self._writers = self._writers, []
        for writer in writers:
            writer.write_pending()


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
        """Adds a connection that is being opened."""
        self._open.add(connection)

    def take(self, origin: Origin) -> Connection | None:
        """Returns the idle connection to `origin` that was used last, or None.

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
        """Keeps a connection after its exchange, or closes it if it cannot be used again."""
        if not connection.is_reusable or connection.is_closing or not connection.idle_s:
            connection.close()
            return
        if self._idle_count >= self._limit:
            self._close_one()
        self._idle.setdefault(connection.origin, {})[connection] = None
        self._idle_count += 1
        self._deadlines.set(connection, now + connection.idle_s)

    def discard(self, connection: Connection) -> None:
        """Removes a connection from the idle ones, if it is there."""
        idle = self._idle.get(connection.origin)
        if idle is None or connection not in idle:
            return
        del idle[connection]
        self._idle_count -= 1
        if not idle:
            del self._idle[connection.origin]

    def forget(self, connection: Connection) -> None:
        """Removes a connection that is closed or was never opened."""
        self._open.discard(connection)
        self.discard(connection)

    async def close(self) -> None:
        """Closes every connection, and those that are being opened as soon as they are."""
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
