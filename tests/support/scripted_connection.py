"""A connection of the HTTP client without a socket, on a clock that a test moves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from rowhook.egress.connection import Connection
from rowhook.egress.origin_pool import Deadlines, OriginPool

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowhook.egress.exchange import Response


class Clock:
    """The parts of an event loop that the client's deadlines use."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._loop = asyncio.get_running_loop()
        self._timers: list[tuple[float, Callable[[], None], asyncio.Handle]] = []

    def time(self) -> float:
        return self.now

    def create_future(self) -> asyncio.Future[Response]:
        return self._loop.create_future()

    def call_at(self, when: float, callback: Callable[[], None]) -> asyncio.Handle:
        handle = asyncio.Handle(callback, (), self._loop)
        self._timers.append((when, callback, handle))
        return handle

    async def advance(self, seconds: float) -> None:
        """Lets time pass: runs the due deadlines, then the event loop."""
        self.now += seconds
        due = [timer for timer in self._timers if timer[0] <= self.now]
        self._timers = [timer for timer in self._timers if timer[0] > self.now]
        for _, callback, handle in due:
            if not handle.cancelled():
                callback()
        await run_callbacks()


class Wire(asyncio.Transport):
    """The bytes that the connection has sent; `unwritten` bytes are still in its buffer."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.sent = b""
        self.unwritten = 0
        self.is_aborted = False
        self._is_closing = False
        self._connection = connection

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def get_write_buffer_size(self) -> int:
        return self.unwritten

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        self._is_closing = True
        if not self.unwritten:
            self._lose()

    def abort(self) -> None:
        self._is_closing = self.is_aborted = True
        self._lose()

    def _lose(self) -> None:
        asyncio.get_running_loop().call_soon(self._connection.connection_lost, None)


class ScriptedConnection:
    """A connection and its surroundings."""

    def __init__(self) -> None:
        self.clock = Clock()
        loop = cast("asyncio.AbstractEventLoop", self.clock)
        deadlines = Deadlines(loop)
        self.pool = OriginPool(deadlines, limit=4)
        self.connection = Connection(("http", "a.example", 80), deadlines, self.pool)
        self.connection._loop = loop
        self.wire = Wire(self.connection)
        self.pool.add(self.connection)
        self.connection.connection_made(self.wire)

    async def begin(self, timeout_s: float = 15.0) -> asyncio.Task[Response]:
        """Begins an exchange."""
        exchange = self.connection.exchange(b"request", self.clock.now + timeout_s)
        task = asyncio.create_task(exchange)
        await run_callbacks()
        return task

    async def receive(self, *segments: bytes) -> None:
        """Receives each segment, unless the connection is closed."""
        for segment in segments:
            if not self.wire.is_closing():
                self.connection.data_received(segment)
        await run_callbacks()


async def run_callbacks() -> None:
    """Runs the event loop until it has nothing to do."""
    for _ in range(3):
        await asyncio.sleep(0)
