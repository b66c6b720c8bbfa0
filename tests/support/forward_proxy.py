"""A forward proxy on loopback that connects every name to this machine, on the requested port.

`async with running_proxy() as proxy:` gives `proxy.url`; `proxy.requests` has its requests.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from tests.support.receiver import Received, Receiver, read_request


@dataclass(slots=True, kw_only=True)
class Proxy:
    """Opens a tunnel for CONNECT, and forwards absolute-form requests in origin form.

    `canned_response` is sent to each request instead; if it is empty, the connection is closed.
    `silent` never responds.
    """

    canned_response: bytes | None = None
    silent: bool = False
    url: str = ""
    requests: list[Received] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        request = await read_request(self.connections, reader)
        self.requests.append(request)
        if self.silent:
            await asyncio.Event().wait()
        if self.canned_response is not None:
            writer.write(self.canned_response)
        elif request.method == "CONNECT":
            await _tunnel(request, reader, writer)
        else:
            await _pass_on(request, writer)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def running_proxy(proxy: Proxy | None = None) -> AsyncIterator[Proxy]:
    """Runs a proxy."""
    running = proxy or Proxy()
    async with Receiver(on_connect=running.serve) as server:
        running.url = server.url
        yield running


def basic(user: str, password: str) -> str:
    """Returns the value of Proxy-Authorization (RFC 7617)."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


async def _tunnel(
    request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    port = int(request.path.rpartition(":")[2])
    there, back = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    pumps = [asyncio.create_task(_pump(reader, back)), asyncio.create_task(_pump(there, writer))]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        back.transport.abort()
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        sink.write(data)
        await sink.drain()


async def _pass_on(request: Received, writer: asyncio.StreamWriter) -> None:
    target = httpx.URL(request.path)
    there, back = await asyncio.open_connection("127.0.0.1", target.port)
    headers = [
        f"{name}: {value}" for name, value in request.headers if "proxy-" not in name.lower()
    ]
    lines = [f"{request.method} {target.raw_path.decode()} HTTP/1.1", *headers, "", ""]
    back.write("\r\n".join(lines).encode("latin-1") + request.body)
    head = await there.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    writer.write(head[:-2] + b"Connection: close\r\n\r\n" + await there.readexactly(int(length)))
    back.transport.abort()
