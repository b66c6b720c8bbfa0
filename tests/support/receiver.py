"""A local HTTP receiver on raw sockets that can respond normally or misbehave in any way.

`async with Receiver() as receiver:` gives `receiver.url`; `receiver.requests` has the requests.
`receiver.script(path, first, second)` responds with each behaviour once, then with the last.
A behaviour is an async function of the request and the writer; `answer`, `raw`, `stall`, `reset`,
`drip` and `flood` create the common ones. Listens only on loopback.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import time
from typing import TYPE_CHECKING, Self

from tests.support.deadline import DEADLINE_S

if TYPE_CHECKING:
    import ssl

Behaviour = Callable[["Received", asyncio.StreamWriter], Awaitable[None]]
Pairs = tuple[tuple[str, str], ...]
# The peer may close at any step; uvloop raises RuntimeError on a closed transport.
GONE = (OSError, RuntimeError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A received request with its headers in order; `at` is in Unix seconds."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    at: float
    connection: int

    def header(self, name: str) -> str | None:
        """Returns the first value of the header `name` (case-insensitive), or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(slots=True, kw_only=True)
class _Script:
    steps: tuple[Behaviour, ...]
    position: int = 0

    def next(self) -> Behaviour:
        step = self.steps[min(self.position, len(self.steps) - 1)]
        self.position += 1
        return step


@dataclass(slots=True)
class Receiver:
    """The server. Paths without a script get `default` (200 and a small JSON body).

    `on_connect` handles a connection before anything is read from it. With `tls` it is https.
    """

    default: Behaviour | None = None
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    port: int = 0
    on_connect: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] | None = (
        None
    )
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    _scripts: dict[str, _Script] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        """The origin, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def script(self, path: str, *steps: Behaviour) -> None:
        """Responds to `path` (without its query) with each step once, then with the last."""
        self._scripts[path] = _Script(steps=steps)

    async def wait_for(self, count: int, *, within: float = DEADLINE_S) -> list[Received]:
        """Waits until `count` requests have arrived and returns them. Raises TimeoutError."""
        async with asyncio.timeout(within), self._changed:
            await self._changed.wait_for(lambda: len(self.requests) >= count)
        return self.requests

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, self.host, self.port, ssl=self.tls, limit=1 << 20
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        with suppress(*GONE, asyncio.CancelledError):
            await self._serve(self.connections, reader, writer)
        writer.transport.abort()

    async def _serve(
        self, connection: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.on_connect is not None:
            await self.on_connect(reader, writer)
            return
        while not writer.is_closing():
            request = await read_request(connection, reader)
            self.requests.append(request)
            async with self._changed:
                self._changed.notify_all()
            await self._pick(request)(request, writer)
            await writer.drain()

    def _pick(self, request: Received) -> Behaviour:
        script = self._scripts.get(request.path.partition("?")[0])
        return script.next() if script else self.default or answer()


async def read_request(connection: int, reader: asyncio.StreamReader) -> Received:
    """Reads one request. Raises EOFError (IncompleteReadError) if the connection ends."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = head[:-4].split("\r\n")
    method, path, _ = line.split(" ")
    headers = [(name, value.strip()) for name, _, value in (row.partition(":") for row in fields)]
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Received(
        method=method,
        path=path,
        headers=headers,
        body=await reader.readexactly(length),
        at=time(),
        connection=connection,
    )


def answer(
    status: int = 200,
    body: bytes = b'{"ok":true}',
    headers: Pairs = (("Content-Type", "application/json"),),
) -> Behaviour:
    """Responds with `status` and `body`, and keeps the connection open."""
    lines = [f"HTTP/1.1 {status:03d} Answer", f"Content-Length: {len(body)}"]
    head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers), "", ""])
    return raw(head.encode("latin-1") + body, close=False)


def raw(data: bytes, *, close: bool = True) -> Behaviour:
    """Writes exactly `data`, then closes the connection (or keep it open)."""

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if close:
            writer.close()

    return behave


def stall(first: bytes = b"") -> Behaviour:
    """Writes `first`, then nothing."""

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        await asyncio.Event().wait()

    return behave


def reset(first: bytes = b"") -> Behaviour:
    """Writes `first`, then resets the connection (RST, not FIN)."""

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        await writer.drain()
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    return behave


def drip(first: bytes, drop: bytes, every: float = 0.02) -> Behaviour:
    """Writes `first`, then `drop` repeatedly, `every` seconds."""

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while not writer.is_closing():
            await writer.drain()
            await asyncio.sleep(every)
            writer.write(drop)

    return behave


def flood(first: bytes, wave: bytes) -> Behaviour:
    """Writes `first`, then `wave` repeatedly, as fast as it is read."""

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while not writer.is_closing():
            writer.write(wave)
            await writer.drain()
            # A TLS transport whose connection was reset accepts data without end.
            await asyncio.sleep(0)

    return behave
