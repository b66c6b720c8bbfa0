"""A minimal receiver process that returns 204 and records the time of arrival of each key.

`python -m bench.instant_receiver` prints its port. `GET /arrivals` returns and clears the times,
`GET /count` returns the number of requests and the CPU seconds that the process has used.
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


def _field(head: bytes, lower: bytes, name: bytes) -> bytes:
    """Returns the value of a header. `lower` is the head in lower case; each line has its end."""
    start = lower.find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    return head[start : head.find(b"\r\n", start)].strip()


class _Log:
    """The requests of all connections."""

    def __init__(self) -> None:
        self.arrivals: dict[str, float] = {}
        self.count = 0


def _usual_response() -> bytes:
    return _USUAL_RESPONSE.format(date=formatdate(usegmt=True), request_id=uuid4()).encode()


class _Receiver(asyncio.Protocol):
    def __init__(self, log: _Log, *, has_usual_headers: bool) -> None:
        self.log = log
        self.has_usual_headers = has_usual_headers
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop transports do not subclass asyncio.Transport.
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(_END)) >= 0:
            head = self.buffer[: end + 2]
            lower = head.lower()
            length = end + 4 + int(_field(head, lower, b"content-length") or 0)
            if len(self.buffer) < length:
                return
            self.buffer = self.buffer[length:]
            if head.startswith(b"GET "):
                self._report(head)
                continue
            self.log.count += 1
            if key := _field(head, lower, b"idempotency-key"):
                self.log.arrivals[key.decode()] = time.time()
            self.transport.write(_usual_response() if self.has_usual_headers else _RESPONSE)

    def _report(self, head: bytes) -> None:
        if head.startswith(b"GET /arrivals"):
            body = json.dumps(self.log.arrivals).encode()
            self.log.arrivals.clear()
        else:
            body = json.dumps([self.log.count, time.process_time()]).encode()
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def _serve(*, has_usual_headers: bool) -> None:
    log = _Log()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Receiver(log, has_usual_headers=has_usual_headers), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  # the parent reads it
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(has_usual_headers="usual" in sys.argv))
