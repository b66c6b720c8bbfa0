"""A TCP proxy that simulates latency, low bandwidth, fragmentation, silence and resets."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConditions:
    """The conditions of both directions. `silent` holds them back until the conditions change."""

    latency_s: float = 0.0
    bytes_per_s: float | None = None
    max_piece_bytes: int | None = None
    silent: bool = False


NORMAL = NetworkConditions()


class Proxy:
    """`async with Proxy(port) as proxy`: connections to `proxy.port` are forwarded to `port`.

    The target may also be the path of a socket.
    """

    def __init__(self, target: int | str) -> None:
        self.target = target
        self.port = 0
        self.conditions = NORMAL
        self.refuses = False
        self.dropped = 0
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: set[asyncio.Task[None]] = set()
        self._random = random.Random(3)  # noqa: S311  # the sizes of pieces

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def set_conditions(self, conditions: NetworkConditions) -> None:
        """Applies conditions from now on, to open connections too."""
        self.conditions = conditions
        self._changed.set()
        self._changed = asyncio.Event()

    def reset(self) -> None:
        """Resets every open connection on both sides (RST)."""
        for pair in list(self._pairs):
            self.dropped += 1
            for writer in pair:
                _abort(writer)
        self._pairs.clear()

    def drop_packets(self) -> None:
        """Stops forwarding on every open connection without notifying either side."""
        for task in self._tasks:
            task.cancel()
        self.dropped += len(self._pairs)

    def drop_responses(self) -> None:
        """Forwards requests of every open connection but no responses."""
        for task in self._answers:
            task.cancel()
        self.dropped += len(self._pairs)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            _abort(writer)
            return
        try:
            far_reader, far_writer = await self._open_target()
        except OSError:
            _abort(writer)
            return
        pair = (writer, far_writer)
        self._pairs.add(pair)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._carry(source, sink, pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _open_target(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, str):
            return await asyncio.open_unix_connection(self.target)
        return await asyncio.open_connection("127.0.0.1", self.target)

    async def _carry(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    ) -> None:
        with suppress(OSError, RuntimeError):
            while data := await source.read(_CHUNK):
                await self._pass_on(data, sink)
        self._pairs.discard(pair)
        for writer in pair:
            writer.close()

    async def _pass_on(self, data: bytes, sink: asyncio.StreamWriter) -> None:
        while data:
            size = self._most()
            await self._delay(len(data[:size]))
            sink.write(data[:size])
            await sink.drain()
            data = data[size:]

    def _most(self) -> int:
        # Evaluated when the data is sent, since the conditions may have changed meanwhile.
        pieces = self.conditions.max_piece_bytes
        return _CHUNK if pieces is None else self._random.randint(1, pieces)

    async def _delay(self, size: int) -> None:
        while self.conditions.silent:
            await self._changed.wait()
        seconds = self.conditions.latency_s
        if self.conditions.bytes_per_s is not None:
            seconds += size / self.conditions.bytes_per_s
        if seconds:
            await asyncio.sleep(seconds)


def _abort(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, RuntimeError, AttributeError):
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
