"""httpx's transport straight on one aiohttp session: parse, guard, dial, send. Never retries.

It adds Host, Content-Length and nothing else, keeps no cookie, decompresses nothing.
"""

from __future__ import annotations

import functools
import io
from time import monotonic
from typing import TYPE_CHECKING

import aiohttp
import httpx

from rowhook.egress.dial import make_connector
from rowhook.egress.failure import CAUGHT, failure_of, unwelcome
from rowhook.egress.head import MAX_HEAD
from rowhook.egress.marks import ExchangeTimer, current
from rowhook.egress.proxy import ProxyPolicy
from rowhook.egress.target import parse_target

if TYPE_CHECKING:
    import ssl

    from rowhook.egress.addresses import EgressPolicy
    from rowhook.egress.resolve import Lookup

# Name resolution, TCP and TLS together.
CONNECT_S = 5.0
TARGETS_KEPT = 2048
MOST_AT_ONCE = 1 << 18
# Outside a tunnel only ever a proxy's own answer (RFC 9110 section 15.5.8): no target was reached.
PROXY_REFUSES = 407
# aiohttp would add these itself.
NOT_OURS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends each request once, to a target that the policy permits.

    `request.extensions["url"]` is the exact URL; without it `str(request.url)`, which httpx may
    have normalised. `request.extensions["timer"]` receives the times. Raises Failure only.
    Deadlines but the connect one are the caller's. Open it inside the event loop. With `proxy` all
    of them leave through it; `connector` then belongs to its policy.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        connector: aiohttp.BaseConnector,
        *,
        proxy: ProxyPolicy | None = None,
    ) -> None:
        self._proxied = proxy is not None
        self._parse = functools.lru_cache(TARGETS_KEPT)(
            functools.partial(parse_target, policy=policy)
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            proxy=None if proxy is None else proxy.url,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=NOT_OURS,
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S),
            max_line_size=MAX_HEAD,
            max_field_size=MAX_HEAD,
            max_headers=1024,
        )
        # aiohttp sends PUT, GET and DELETE again on a connection that was just closed: the receiver
        # might see one attempt twice. No public switch; test_send holds it in place.
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
        """Return the answer once its head is there. Raises Failure."""
        timer = request.extensions.get("timer") or ExchangeTimer()
        secure = request.url.scheme == "https"
        current.set(timer)
        try:
            answer = await self._exchange(request)
        except CAUGHT as error:
            raise failure_of(error, timer, secure=secure, proxied=self._proxied) from error
        if self._proxied and not secure and answer.status == PROXY_REFUSES:
            answer.close()
            raise unwelcome(answer.status)
        timer.answered = monotonic()
        return httpx.Response(
            answer.status, headers=list(answer.raw_headers), stream=_body_of(answer)
        )

    async def _exchange(self, request: httpx.Request) -> aiohttp.ClientResponse:
        target = self._parse(request.extensions.get("url") or str(request.url))
        body = await _join(request.stream)
        return await self._session.request(
            request.method,
            target.url,
            data=_payload(body),
            headers=_spell(request.headers.raw),
            allow_redirects=False,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._session.close()


class BodyStream(httpx.AsyncByteStream):
    """An answer's body as it arrives, undecoded. Closing it early closes the connection."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    def __aiter__(self) -> BodyStream:
        return self

    async def __anext__(self) -> bytes:
        """Return the next bytes. Raises httpx.ReadError when the body breaks."""
        try:
            chunk = await self._answer.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise httpx.ReadError("the body broke") from error
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Close the connection, unless the body ended and it went back to the pool."""
        self._answer.close()


def _body_of(answer: aiohttp.ClientResponse) -> httpx.AsyncByteStream:
    content = answer.content
    if not content.is_eof() or content.exception() is not None:
        return BodyStream(answer)
    body = content.read_nowait()
    # Still held after the body's end: an upgrade, or a request body that is not sent whole yet.
    if answer.connection is not None:
        answer.close()
    return httpx.ByteStream(body)


def _spell(raw: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    # aiohttp keeps both of two headers with one name only if the names are spelled alike.
    spelled: dict[bytes, str] = {}
    return [
        (spelled.setdefault(name.lower(), name.decode()), value.decode()) for name, value in raw
    ]


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    # aiohttp writes bytes in one go, however many, and warns of it; a file goes piece by piece.
    return io.BytesIO(body) if len(body) > MOST_AT_ONCE else body or None


async def _join(stream: httpx.SyncByteStream | httpx.AsyncByteStream) -> bytes:
    if isinstance(stream, httpx.SyncByteStream):
        return b"".join(stream)
    return b"".join([chunk async for chunk in stream])
