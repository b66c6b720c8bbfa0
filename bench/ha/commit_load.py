"""Commits at a constant rate, and their arrivals at a receiver."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import psycopg

GOAL = "failover"
_INSERT = "insert into rowhook.commit (id, goal_id, data) values (%s, %s, '{\"n\": 1}')"
_RESPONSE = b"HTTP/1.1 204 No Content\r\n\r\n"
_END = b"\r\n\r\n"


@dataclass(slots=True)
class Load:
    """The ids of the commits that PostgreSQL acknowledged, with the time."""

    dsn: str
    rate_per_s: float
    acknowledged: dict[str, float] = field(default_factory=dict)
    errors: int = 0
    stopped: bool = False

    async def run(self) -> None:
        """Commits until `stopped`. A commit without an answer is not repeated."""
        number = 0
        due = time.monotonic()
        while not self.stopped:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self.dsn, autocommit=True, connect_timeout=2
                ) as connection:
                    while not self.stopped:
                        number += 1
                        await connection.execute(_INSERT, (f"commit-{number}", GOAL))
                        self.acknowledged[f"commit-{number}"] = time.monotonic()
                        # After an outage the load goes on at its rate.
                        due = max(due + 1 / self.rate_per_s, time.monotonic() - 1)
                        await asyncio.sleep(max(due - time.monotonic(), 0))
            except psycopg.OperationalError:
                self.errors += 1
                await asyncio.sleep(0.05)


@asynccontextmanager
async def load(dsn: str, rate_per_s: float) -> AsyncIterator[Load]:
    """Runs a load during the block."""
    running = Load(dsn, rate_per_s)
    task = asyncio.create_task(running.run())
    try:
        yield running
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()


@dataclass(slots=True)
class Receiver:
    """The times at which each key arrived."""

    port: int = 0
    arrivals: dict[str, list[float]] = field(default_factory=dict)
    newest_at: float = 0.0

    def add(self, key: str) -> None:
        """Records an arrival."""
        times = self.arrivals.setdefault(key, [])
        times.append(time.monotonic())
        if len(times) == 1:
            self.newest_at = times[0]

    async def first_after(self, moment: float, patience_s: float = 60.0) -> float:
        """Returns the seconds from a time to the first arrival of a new key after it."""
        async with asyncio.timeout(patience_s):
            while self.newest_at <= moment:
                await asyncio.sleep(0.002)
        return min(times[0] for times in self.arrivals.values() if times[0] > moment) - moment

    @property
    def repeated(self) -> int:
        """The requests beyond the first of each key."""
        return sum(len(times) - 1 for times in self.arrivals.values())


class _Connection(asyncio.Protocol):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(_END)) >= 0:
            lines = self._buffer[:end].decode("latin-1").split("\r\n")[1:]
            fields = dict(line.lower().split(": ", 1) for line in lines)
            rest = self._buffer[end + len(_END) :]
            length = int(fields.get("content-length", 0))
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            self._receiver.add(fields["idempotency-key"])
            # So that requests are always on the wire when a node dies.
            asyncio.get_running_loop().call_later(0.05, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(_RESPONSE)


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """Runs a receiver on a free port."""
    log = Receiver()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(log), "127.0.0.1", 0)
    log.port = server.sockets[0].getsockname()[1]
    try:
        yield log
    finally:
        server.close()
