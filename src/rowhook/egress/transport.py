"""An httpx transport on an aiohttp session that enforces the egress policy.

It adds only Host and Content-Length. There are no retries, cookies or decompression.
"""

from __future__ import annotations

import io
from time import monotonic
from typing import TYPE_CHECKING

import aiohttp
import httpx

from rowhook.egress.connection_guard import ProxyPolicy, make_connector
from rowhook.egress.errors import CAUGHT, failure_of, proxy_response
from rowhook.egress.response_head import MAX_HEAD
from rowhook.egress.target_url import parse_target
from rowhook.egress.timings import ExchangeTimer, current

if TYPE_CHECKING:
    import ssl

    from rowhook.egress.policy import EgressPolicy
    from rowhook.egress.resolver import Lookup


# Name resolution, TCP and TLS together.
CONNECT_S = 5.0
MAX_UNCHUNKED_BODY = 1 << 18
# Outside a tunnel, only a proxy responds with this status (RFC 9110 section 15.5.8).
PROXY_AUTHENTICATION_REQUIRED = 407
# aiohttp would add these itself.
SKIPPED_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends each request once, if the policy allows its target.

    `request.extensions["url"]` is the exact URL; the default is `str(request.url)`, which httpx may
    have normalized. `request.extensions["timer"]` receives the times. Only Failure is raised. The
    caller enforces the total timeout. Create it in the event loop. With `proxy`, all requests are
    sent through it, and `connector` must have its policy.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        connector: aiohttp.BaseConnector,
        *,
        proxy: ProxyPolicy | None = None,
    ) -> None:
        self._proxied = proxy is not None
        self._policy = policy
        self._session = aiohttp.ClientSession(
            connector=connector,
            proxy=None if proxy is None else proxy.url,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=SKIPPED_HEADERS,
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S),
            max_line_size=MAX_HEAD,
            max_field_size=MAX_HEAD,
            max_headers=1024,
        )
        # aiohttp repeats PUT, GET and DELETE on a connection that was just closed, so the receiver
        # might get an attempt twice. There is no public option; test_send tests this one.
        self._session._retry_connection = False  # noqa: SLF001

    @classmethod
    def open(
        cls,
        policy: EgressPolicy,
        *,
        limit: int,
        resolver: Lookup | None = None,
        trust: ssl.SSLContext | None = None,
        proxy: str | None = None,
    ) -> GuardedTransport:
        """Return a transport with its own connector (see `make_connector` and `ProxyPolicy`)."""
        proxy_policy = None if proxy is None else ProxyPolicy(proxy)
        connector = make_connector(
            proxy_policy or policy, limit=limit, resolver=resolver, trust=trust
        )
        return cls(policy, connector, proxy=proxy_policy)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the response when its head has arrived. Raises Failure."""
        timer = request.extensions.get("timer") or ExchangeTimer()
        secure = request.url.scheme == "https"
        current.set(timer)
        try:
            response = await self._exchange(request)
        except CAUGHT as error:
            raise failure_of(error, timer, secure=secure, proxied=self._proxied) from error
        if self._proxied and not secure and response.status == PROXY_AUTHENTICATION_REQUIRED:
            response.close()
            raise proxy_response(response.status)
        timer.responded = monotonic()
        return httpx.Response(
            response.status, headers=list(response.raw_headers), stream=_body_of(response)
        )

    async def _exchange(self, request: httpx.Request) -> aiohttp.ClientResponse:
        target = parse_target(request.extensions.get("url") or str(request.url), self._policy)
        body = await _join(request.stream)
        return await self._session.request(
            request.method,
            target.url,
            data=_payload(body),
            headers=_unify_case(request.headers.raw),
            allow_redirects=False,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._session.close()


class BodyStream(httpx.AsyncByteStream):
    """The undecoded body of a response. Closing it early closes the connection."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    def __aiter__(self) -> BodyStream:
        return self

    async def __anext__(self) -> bytes:
        """Return the next bytes. Raises httpx.ReadError if the body is incomplete."""
        try:
            chunk = await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise httpx.ReadError("the body is incomplete") from error
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Close the connection, unless the body ended and it went back to the pool."""
        self._response.close()


def _body_of(response: aiohttp.ClientResponse) -> httpx.AsyncByteStream:
    content = response.content
    if not content.is_eof() or content.exception() is not None:
        return BodyStream(response)
    body = content.read_nowait()
    # The connection is still in use: an upgrade, or the request body is not completely sent yet.
    if response.connection is not None:
        response.close()
    return httpx.ByteStream(body)


def _unify_case(raw: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    # aiohttp keeps two headers of the same name only if their case is equal.
    spelled: dict[bytes, str] = {}
    return [
        (spelled.setdefault(name.lower(), name.decode()), value.decode()) for name, value in raw
    ]


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    # aiohttp writes bytes in one piece and warns if they are large; a file is written in chunks.
    return io.BytesIO(body) if len(body) > MAX_UNCHUNKED_BODY else body or None


async def _join(stream: httpx.SyncByteStream | httpx.AsyncByteStream) -> bytes:
    if isinstance(stream, httpx.SyncByteStream):
        return b"".join(stream)
    return b"".join([chunk async for chunk in stream])
