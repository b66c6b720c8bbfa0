"""A local receiver, which verifies each request and answers it or forwards it to an application."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from rowhook.model import MAX_BODY_BYTES
from rowhook.settings import SettingsRejected
from rowhook.verify import VerificationFailed, verify

Pairs = tuple[tuple[bytes, bytes], ...]
Responder = Callable[["Received"], Awaitable["Reply"]]
# The longest timeout that a webhook can have.
DEADLINE_S = 30.0
_BODY_TIMEOUT_S = 5.0
_BAD_GATEWAY = 502
_LAST_PORT = 65535
# Only host names and addresses that the resolver accepts without raising its own errors.
_URL = re.compile(
    r"https?://(\[[0-9a-f:.]+\]|[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*)"
    r"(:(?P<port>[0-9]{1,5}))?(/[!\"$->@-~]*)?",
    re.IGNORECASE,
)
# Hop-by-hop fields (RFC 9110, 7.6.1), and fields that each hop sets itself.
_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"expect",
        b"content-length",
        b"host",
        b"date",
        b"server",
    }
)


@dataclass(slots=True, kw_only=True)
class Received:
    """A received request; `verified` is None if there was no secret to check it with.

    `path` includes the query; `fields` are the headers in order, with repeated ones.
    """

    method: str
    path: str
    fields: Pairs
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.time)
    verified: bool | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A response; `fields` are the headers without Content-Length."""

    status: int
    fields: Pairs = ()
    body: bytes = b""


def check(received: Received, secret: str | None, brand: str) -> None:
    """Verifies both signatures and sets `verified` and `fault`."""
    if secret is None:
        return
    try:
        verify(
            secret=secret,
            headers=received.headers,
            body=received.body,
            now=time.time(),
            brand=brand,
        )
        received.verified = True
    except VerificationFailed as error:
        received.verified, received.fault = False, str(error)


def receiver(respond: Responder) -> Callable[..., Awaitable[None]]:
    """Returns an ASGI application that passes each request to `respond` and sends its reply."""

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        query = f"?{scope['query_string'].decode()}" if scope["query_string"] else ""
        received = Received(
            method=scope["method"],
            path=scope["raw_path"].decode() + query,
            fields=tuple(scope["headers"]),
            headers={
                name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]
            },
            body=body,
        )
        reply = await respond(received)
        fields = [*reply.fields, (b"content-length", str(len(reply.body)).encode())]
        start = {"type": "http.response.start", "status": reply.status, "headers": fields}
        await send(start)
        await send({"type": "http.response.body", "body": reply.body})

    return application


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """The reply to the sender, and a summary for the terminal."""

    reply: Reply
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The target of forwarded requests.

    With a path in `url`, every request goes to that path; without one, each keeps its own.
    `deadline_s` limits the time to the response headers.
    """

    client: httpx.AsyncClient
    url: httpx.URL
    deadline_s: float = DEADLINE_S


def forward_url(text: str) -> httpx.URL:
    """Parses the URL of --forward-to. Raises SettingsRejected."""
    match = _URL.fullmatch(text)
    if match is not None and 0 < int(match["port"] or 80) <= _LAST_PORT:
        with contextlib.suppress(httpx.InvalidURL):
            return httpx.URL(text)
    raise SettingsRejected(
        "--forward-to: Use e.g. http://localhost:3000/hook, or http://localhost:3000 to keep the"
        " path of each request. A query, a fragment or a user name is not allowed."
    )


@contextlib.asynccontextmanager
async def application(url: httpx.URL) -> AsyncIterator[Application]:
    """Opens a client with a connection for each request, since the application may restart."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=0)
    async with httpx.AsyncClient(trust_env=False, timeout=None, limits=limits) as client:  # noqa: S113  # forward() sets a deadline
        yield Application(client=client, url=url)


async def forward_until(stop: asyncio.Event, received: Received, to: Application) -> Forwarded:
    """Forwards a request; replies 502 as soon as `stop` is set."""
    forwarding = asyncio.create_task(forward(received, to))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({forwarding, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if forwarding.done():
        stopped.cancel()
        return await forwarding
    forwarding.cancel()
    await asyncio.wait({forwarding})
    return _bad_gateway(to.url, "had not responded when this receiver was stopped")


async def forward(received: Received, to: Application) -> Forwarded:
    """Returns the application's response with up to 1 MiB of its body, or a 502."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(to.deadline_s):
            response = await to.client.send(_request(received, to.url), stream=True)
    except TimeoutError:
        return _bad_gateway(to.url, f"did not respond within {to.deadline_s:g} s")
    except httpx.ConnectError as error:
        return _bad_gateway(to.url, f"is not reachable ({error})")
    except httpx.TransportError as error:
        return _bad_gateway(to.url, f"closed the connection ({error})")
    try:
        body = await _read_body(response)
    finally:
        await response.aclose()
    reply = Reply(
        status=response.status_code, fields=_end_to_end(tuple(response.headers.raw)), body=body
    )
    return Forwarded(
        reply=reply, summary=f"{reply.status} in {_elapsed_ms(began)} ms from {to.url}"
    )


def _elapsed_ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _request(received: Received, url: httpx.URL) -> httpx.Request:
    # The path is sent unchanged; httpx would normalize it.
    target = {"target": _target(received.path, url).encode()}
    return httpx.Request(
        received.method,
        url,
        headers=_end_to_end(received.fields),
        content=received.body,
        extensions=target,
    )


def _target(path: str, url: httpx.URL) -> str:
    if url.path == "/":
        return path
    _, separator, query = path.partition("?")
    return url.raw_path.decode() + separator + query


def _end_to_end(fields: Pairs) -> Pairs:
    """Drops hop-by-hop fields, including those that Connection names (RFC 9110, 7.6.1)."""
    listed = {
        option.strip().lower()
        for name, value in fields
        if name.lower() == b"connection"
        for option in value.split(b",")
    }
    dropped = _HOP_BY_HOP | listed
    return tuple((name, value) for name, value in fields if name.lower() not in dropped)


async def _read_body(response: httpx.Response) -> bytes:
    """Reads the body for up to 5 s; an incomplete body does not change the status."""
    body = b""
    with contextlib.suppress(httpx.TransportError, TimeoutError):
        async with asyncio.timeout(_BODY_TIMEOUT_S):
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) >= MAX_BODY_BYTES:
                    break
    return body[:MAX_BODY_BYTES]


def _bad_gateway(url: httpx.URL, reason: str) -> Forwarded:
    summary = f"{_BAD_GATEWAY}: {url} {reason}"
    fields: Pairs = ((b"content-type", b"text/plain; charset=utf-8"),)
    body = f"rowhook listen: {url} {reason}.\n".encode()
    return Forwarded(reply=Reply(status=_BAD_GATEWAY, fields=fields, body=body), summary=summary)
