"""The limit for Python: an asyncio protocol over httptools that posts one request, nothing else.

`python -m bench.httptools_loop URL COUNT BYTES` prints the elapsed seconds and the CPU seconds.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop

_CONCURRENCY = 64


class _Requests:
    """The request that all connections send, and the number of requests left to send and answer."""

    def __init__(self, request: bytes, count: int) -> None:
        self.request = request
        self.unsent = count
        self.unanswered = count
        self.finished = asyncio.get_running_loop().create_future()


class _Connection(asyncio.Protocol):
    """Sends the next request when the response to the last one is complete."""

    def __init__(self, requests: _Requests) -> None:
        self.requests = requests

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop transports do not subclass asyncio.Transport.
        self.transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        if self.requests.unsent > 0:
            self.requests.unsent -= 1
            self.parser = httptools.HttpResponseParser(self)
            self.transport.write(self.requests.request)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Counts the response; httptools calls it."""
        self.requests.unanswered -= 1
        if self.requests.unanswered == 0:
            self.requests.finished.set_result(None)
        # Not in the callback of the parser, which _send replaces.
        asyncio.get_running_loop().call_soon(self._send)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.requests.finished.done():
            self.requests.finished.set_exception(exc or ConnectionError("closed by the receiver"))


async def _run(url: str, count: int, size: int) -> tuple[float, float]:
    target = urlsplit(url)
    host, _, port = target.netloc.partition(":")
    request = (
        f"POST {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\nAccept: */*\r\n"
        "Accept-Encoding: gzip, deflate\r\nUser-Agent: rowhook-bench\r\n"
        f"Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    ).encode()
    requests = _Requests(request + b"x" * size, count)
    started, cpu = time.perf_counter(), time.process_time()
    loop = asyncio.get_running_loop()
    for _ in range(_CONCURRENCY):
        await loop.create_connection(lambda: _Connection(requests), host, int(port))
    await requests.finished
    return time.perf_counter() - started, time.process_time() - cpu


if __name__ == "__main__":
    print(*uvloop.run(_run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201  # the parent reads it
