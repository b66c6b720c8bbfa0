"""Three HTTP clients with one interface: Rowhook's, httpx with h11, and aiohttp."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import httpx
import msgspec

from rowhook.egress.errors import Failure
from rowhook.egress.transport import GuardedTransport
from tests.support.deadline import DEADLINE_S
from tests.support.local_transport import LOCAL

BODY = b'{"a":1}'


class Reading(msgspec.Struct, frozen=True):
    """The response read by a client: none without a status, an invalid one without a body."""

    status: int | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes | None = None


# The URL, and how long to wait for a body that never ends, in seconds.
Client = Callable[[str, float], Awaitable[Reading]]
NOTHING = Reading()


def _pairs(headers: object) -> tuple[tuple[bytes, bytes], ...]:
    pairs: list[tuple[bytes, bytes]] = list(headers)  # type: ignore[call-overload]
    return tuple((name.lower(), value) for name, value in pairs)


@asynccontextmanager
async def own_client() -> AsyncIterator[Client]:
    """Rowhook's client, with its connection pool."""
    async with GuardedTransport(LOCAL, limit=64) as transport:

        async def read(url: str, _: float) -> Reading:
            try:
                response = await transport.exchange("POST", url, (), BODY, timeout_s=DEADLINE_S)
            except Failure:
                return NOTHING
            return Reading(response.status, _pairs(response.headers), response.body)

        yield read


@asynccontextmanager
async def httpx_client() -> AsyncIterator[Client]:
    """httpx's transport, on httpcore and h11, with a connection for each request."""
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=0)
    async with httpx.AsyncHTTPTransport(verify=False, limits=limits) as transport:

        async def read(url: str, _: float) -> Reading:
            try:
                response = await transport.handle_async_request(
                    httpx.Request("POST", url, content=BODY)
                )
            except httpx.TransportError:
                return NOTHING
            try:
                body = await response.aread()
            except httpx.TransportError:
                body = None
            finally:
                await response.aclose()
            return Reading(response.status_code, _pairs(response.headers.raw), body)

        yield read


@asynccontextmanager
async def aiohttp_client() -> AsyncIterator[Client]:
    """aiohttp's client, with a connection for each request."""
    connector = aiohttp.TCPConnector(limit=64, force_close=True)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:

        async def read(url: str, patience_s: float) -> Reading:
            try:
                response = await session.post(
                    url, data=BODY, allow_redirects=False, timeout=aiohttp.ClientTimeout(patience_s)
                )
            except (aiohttp.ClientError, TimeoutError):
                return NOTHING
            try:
                body = await response.read()
            except (aiohttp.ClientError, TimeoutError):
                body = None
            finally:
                response.close()
            return Reading(response.status, _pairs(response.raw_headers), body)

        yield read
