"""A receiver that records every request and responds as configured."""

from __future__ import annotations

import asyncio
import time
from typing import Self, cast

from tests.faults.delivery_history import Arrival
from tests.support.deadline import DEADLINE_S

_END = b"\r\n\r\n"


def _answer(status: int) -> bytes:
    return b"HTTP/1.1 %d Answer\r\nContent-Length: 0\r\n\r\n" % status


class RecordingReceiver:
    """`async with RecordingReceiver() as receiver`: `receiver.url`, `receiver.arrivals`.

    A body is `{"n": "<event>"}`. `status` is the response by path, `delay_s` delays it, and a path
    in `stalling` gets none.
    """

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.status: dict[str, int] = {}
        self.delay_s: dict[str, float] = {}
        self.stalling: set[str] = set()
        self.open_now: dict[str, int] = {}
        self.most_open: dict[str, int] = {}
        self.url = ""
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Transport] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for transport in list(self._open):
            transport.abort()

    def add_connection(self, transport: asyncio.Transport) -> None:
        self._open.add(transport)

    def remove_connection(self, transport: asyncio.Transport) -> None:
        self._open.discard(transport)

    async def seconds_to_first_arrival(self, moment: float) -> float:
        """Returns the seconds from a monotonic time to the next arrival. Raises TimeoutError."""
        async with asyncio.timeout(DEADLINE_S):
            while not self.arrivals or self.arrivals[-1].at < moment:
                await asyncio.sleep(0.002)
        return next(arrival.at for arrival in self.arrivals if arrival.at >= moment) - moment


class _Connection(asyncio.Protocol):
    def __init__(self, receiver: RecordingReceiver) -> None:
        self.receiver = receiver
        self.buffer = b""
        self.answering: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.receiver.add_connection(self.transport)

    def connection_lost(self, _: Exception | None) -> None:
        self.receiver.remove_connection(self.transport)
        self._finish_request()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(_END)) >= 0:
            head, rest = self.buffer[:end].decode("latin-1"), self.buffer[end + 4 :]
            fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
            length = int(fields.get("content-length", 0))
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            key = next(
                line.split(": ", 1)[1]
                for line in head.split("\r\n")
                if line.lower().startswith("idempotency-key:")
            )
            self._handle_request(head.split(" ", 2)[1], key, rest[:length].decode())

    def _handle_request(self, path: str, key: str, body: str) -> None:
        receiver = self.receiver
        event = body.split('"')[3]
        receiver.arrivals.append(Arrival(path=path, key=key, event=event, at=time.monotonic()))
        self.answering = path
        receiver.open_now[path] = receiver.open_now.get(path, 0) + 1
        receiver.most_open[path] = max(receiver.most_open.get(path, 0), receiver.open_now[path])
        if path in receiver.stalling:
            return
        delay_s = receiver.delay_s.get(path, 0)
        if delay_s:
            asyncio.get_running_loop().call_later(delay_s, self._reply)
        else:
            self._reply()

    def _reply(self) -> None:
        if self.answering is not None and not self.transport.is_closing():
            self.transport.write(_answer(self.receiver.status.get(self.answering, 200)))
        self._finish_request()

    def _finish_request(self) -> None:
        if self.answering is not None:
            self.receiver.open_now[self.answering] -= 1
            self.answering = None
