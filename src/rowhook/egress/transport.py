"""An HTTP/1.1 client that connects only to permitted targets, also as a transport of httpx.

One request, one response: no redirects, cookies, decompression or environment proxies. It adds
only Host and Content-Length. A request is sent a second time only if its reused connection ended
before any byte of a response (RFC 9110 section 9.2.2 allows it for a request with an idempotency
key; a connection that the server closes while it is idle is the usual reason).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from rowhook.egress import errors
from rowhook.egress.connection import Connection, ConnectionEnded, ResponseInvalid
from rowhook.egress.dialer import PROXY_AUTHENTICATION_REQUIRED, Dialer, ProxyPolicy
from rowhook.egress.errors import TargetForbidden, UrlRejected
from rowhook.egress.exchange import ExchangeTimer, encode
from rowhook.egress.origin_pool import Deadlines, OriginPool
from rowhook.egress.target_url import parse_target

if TYPE_CHECKING:
    import ssl

    from rowhook.egress.dialer import OpenSocket
    from rowhook.egress.exchange import Response
    from rowhook.egress.origin_pool import Origin
    from rowhook.egress.policy import EgressPolicy, Lookup
    from rowhook.egress.target_url import Target
    from rowhook.model import Headers

# The time of a request that is sent through the interface of httpx without one.
DEFAULT_TIMEOUT_S = 15.0
# Headers of a request of httpx that the encoder writes itself.
_FRAMING = {b"host", b"content-length", b"transfer-encoding"}


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends each request once, if the policy allows its target. Create it in the event loop.

    At most `limit` exchanges run at once. With `proxy`, all requests are sent through it.
    `resolver`, `trust` and `open_socket`: see Dialer.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        *,
        limit: int,
        resolver: Lookup | None = None,
        trust: ssl.SSLContext | None = None,
        proxy: str | None = None,
        open_socket: OpenSocket | None = None,
    ) -> None:
        self._policy = policy
        self._proxy = None if proxy is None else ProxyPolicy(proxy)
        self._dialer = Dialer(
            self._proxy or policy,
            proxy=self._proxy,
            resolver=resolver,
            trust=trust,
            open_socket=open_socket,
        )
        self._loop = asyncio.get_running_loop()
        self._deadlines = Deadlines(self._loop)
        self._pool = OriginPool(self._deadlines, limit)
        self._slots = asyncio.Semaphore(limit)

    async def exchange(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes | None,
        *,
        timeout_s: float,
        timer: ExchangeTimer | None = None,
    ) -> Response:
        """Returns the response to one request, after at most `timeout_s` seconds.

        The body is read up to 64 KiB, and for 2 s after the head. Raises Failure.
        """
        deadline = self._loop.time() + timeout_s
        try:
            target = parse_target(url, self._policy)
        except (UrlRejected, TargetForbidden) as error:
            raise errors.forbidden() from error
        message = self._encode(method, target, headers, body)
        if self._slots.locked():
            await self._wait_for_slot(deadline, timeout_s)
        else:
            await self._slots.acquire()
        try:
            response = await self._exchange(target, message, deadline, timer)
        except TimeoutError as error:
            raise errors.no_response(timeout_s) from error
        except ResponseInvalid as error:
            raise errors.response_invalid() from error
        except ConnectionEnded as error:
            raise errors.connection_ended(error.__cause__) from error
        finally:
            self._slots.release()
        is_proxied = self._proxy is not None and target.scheme == "http"
        if is_proxied and response.status == PROXY_AUTHENTICATION_REQUIRED:
            raise errors.proxy_response(response.status)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request of httpx. Raises Failure."""
        response = await self.exchange(
            request.method,
            str(request.url),
            tuple(
                (name.decode(), value.decode())
                for name, value in request.headers.raw
                if name.lower() not in _FRAMING
            ),
            await request.aread(),
            timeout_s=request.extensions.get("timeout", {}).get("read") or DEFAULT_TIMEOUT_S,
        )
        return httpx.Response(response.status, headers=response.headers, content=response.body)

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._dialer.close()
        await self._pool.close()
        self._deadlines.close()

    async def _exchange(
        self, target: Target, message: bytes, deadline: float, timer: ExchangeTimer | None
    ) -> Response:
        origin = self._origin(target)
        connection = self._pool.take(origin)
        if connection is not None:
            try:
                return await self._exchange_on(connection, message, deadline, timer)
            except ConnectionEnded as error:
                if not error.is_stale:
                    raise
        connection = await self._connect(origin, target, deadline, timer or ExchangeTimer())
        return await self._exchange_on(connection, message, deadline, timer)

    async def _exchange_on(
        self, connection: Connection, message: bytes, deadline: float, timer: ExchangeTimer | None
    ) -> Response:
        response = await connection.exchange(message, deadline, timer)
        self._pool.put(connection, self._loop.time())
        return response

    async def _connect(
        self, origin: Origin, target: Target, deadline: float, timer: ExchangeTimer
    ) -> Connection:
        connection = Connection(origin, self._deadlines, self._pool)
        self._pool.add(connection)
        try:
            await self._dialer.connect(target, connection, deadline, timer)
        except BaseException:
            connection.abort()
            self._pool.forget(connection)
            raise
        return connection

    async def _wait_for_slot(self, deadline: float, timeout_s: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await self._slots.acquire()
        except TimeoutError as error:
            raise errors.no_response(timeout_s) from error

    def _origin(self, target: Target) -> Origin:
        if self._proxy is not None and target.scheme == "http":
            return ("proxy", self._proxy.host, self._proxy.port)
        return (target.scheme, target.host, target.port)

    def _encode(self, method: str, target: Target, headers: Headers, body: bytes | None) -> bytes:
        if self._proxy is None or target.scheme != "http":
            return encode(method, target.path, target.authority, headers, body)
        # RFC 9112 section 3.2.2: the absolute form.
        authorized = (*headers, *self._proxy.headers)
        return encode(method, target.url, target.authority, authorized, body)
