"""A minimal receiver process that returns 204 and records the time of arrival of each key.

`python -m bench.instant_receiver` prints its port. `GET /arrivals` returns and clears the times.
With the argument `usual`, responses have the headers of an application behind a proxy.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from email.utils import formatdate
from typing import cast
from uuid import uuid4

import uvloop

_RESPONSE = b"HTTP/1.1 204 No Content\r\n\r\n"
_USUAL_RESPONSE = (
    "HTTP/1.1 204 No Content\r\n"
    "Date: {date}\r\n"
    "Server: nginx\r\n"
    "Connection: keep-alive\r\n"
    "Vary: Accept, Cookie\r\n"
    "X-Request-Id: {request_id}\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: same-origin\r\n"
    "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"
    "\r\n"
)
_END = b"\r\n\r\n"


def _field(head: bytes, name: bytes) -> bytes:
    start = head.lower().find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else len(head)].strip()


def _usual_response() -> bytes:
    return _USUAL_RESPONSE.format(date=formatdate(usegmt=True), request_id=uuid4()).encode()


class _Receiver(asyncio.Protocol):
    def __init__(self, arrivals: dict[str, float], *, has_usual_headers: bool) -> None:
        self.arrivals = arrivals
        self.has_usual_headers = has_usual_headers
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop transports do not subclass asyncio.Transport.
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(_END)) >= 0:
            head = self.buffer[:end]
            length = end + 4 + int(_field(head, b"content-length") or 0)
            if len(self.buffer) < length:
                return
            self.buffer = self.buffer[length:]
            self._respond(head)

    def _respond(self, head: bytes) -> None:
        transport = self.transport
        if head.startswith(b"GET /arrivals"):
            body = json.dumps(self.arrivals).encode()
            self.arrivals.clear()
            transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            return
        self.arrivals[_field(head, b"idempotency-key").decode()] = time.time()
        transport.write(_usual_response() if self.has_usual_headers else _RESPONSE)


async def _serve(*, has_usual_headers: bool) -> None:
    arrivals: dict[str, float] = {}
    server = await asyncio.get_running_loop().create_server(
        lambda: _Receiver(arrivals, has_usual_headers=has_usual_headers), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  # the parent reads it
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(has_usual_headers="usual" in sys.argv))
