"""Hands a request on to an application, as it came, and brings back its answer. Never follows."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx

from rowhook.cli.receiver import Pairs, Received, Reply
from rowhook.settings import SettingsRejected

# No webhook waits longer for an answer.
DEADLINE_S = 30.0
_BODY_S = 5.0
_MOST = 1 << 20
_BAD_GATEWAY = 502
_LAST_PORT = 65535
# Names and addresses alone that the resolver takes without an exception of its own.
_URL = re.compile(
    r"https?://(\[[0-9a-f:.]+\]|[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*)"
    r"(:(?P<port>[0-9]{1,5}))?(/[!\"$->@-~]*)?",
    re.IGNORECASE,
)
# What belongs to one connection (RFC 9110, 7.6.1), and what each connection says of itself.
_OF_A_CONNECTION = frozenset(
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """What is answered to Rowhook, and what to say of it on the terminal."""

    reply: Reply
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Where requests are handed on to: all to the path of `url`, or each to its own without one.

    It has `deadline_s` for the head of an answer.
    """

    client: httpx.AsyncClient
    url: httpx.URL
    deadline_s: float = DEADLINE_S


def where(text: str) -> httpx.URL:
    """The URL to forward to. Raises SettingsRejected for one that cannot be used as it is."""
    found = _URL.fullmatch(text)
    if found is not None and 0 < int(found["port"] or 80) <= _LAST_PORT:
        with contextlib.suppress(httpx.InvalidURL):
            return httpx.URL(text)
    raise SettingsRejected(
        "--forward-to: write http://localhost:3000/hook, or http://localhost:3000 to keep the path"
        " of each request; no query, no fragment, no user"
    )


@contextlib.asynccontextmanager
async def application(url: httpx.URL) -> AsyncIterator[Application]:
    """An application to forward to, each time over a new connection: it may be restarted."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=0)
    async with httpx.AsyncClient(trust_env=False, timeout=None, limits=limits) as client:  # noqa: S113  # its deadline is around each request
        yield Application(client=client, url=url)


async def forward_until(stop: asyncio.Event, received: Received, to: Application) -> Forwarded:
    """As `forward`, but given up as soon as `stop` is set."""
    handing = asyncio.create_task(forward(received, to))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({handing, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if handing.done():
        stopped.cancel()
        return await handing
    handing.cancel()
    await asyncio.wait({handing})
    return _unanswered(to.url, "had not answered yet when this receiver was stopped")


async def forward(received: Received, to: Application) -> Forwarded:
    """The application's answer with up to 1 MiB of its body; 502 where it has none."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(to.deadline_s):
            answer = await to.client.send(_request(received, to.url), stream=True)
    except TimeoutError:
        return _unanswered(to.url, f"did not answer within {to.deadline_s:g} s")
    except httpx.ConnectError as error:
        return _unanswered(to.url, f"is not reachable ({error})")
    except httpx.TransportError as error:
        return _unanswered(to.url, f"broke off ({error})")
    try:
        body = await _body(answer)
    finally:
        await answer.aclose()
    reply = Reply(
        status=answer.status_code, fields=_handed_on(tuple(answer.headers.raw)), body=body
    )
    return Forwarded(reply=reply, said=f"{reply.status} in {_ms(began)} ms from {to.url}")


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _request(received: Received, url: httpx.URL) -> httpx.Request:
    # The path goes out letter for letter: httpx would tidy it up.
    target = {"target": _target(received.path, url).encode()}
    return httpx.Request(
        received.method,
        url,
        headers=_handed_on(received.fields),
        content=received.body,
        extensions=target,
    )


def _target(path: str, url: httpx.URL) -> str:
    if url.path == "/":
        return path
    _, mark, query = path.partition("?")
    return url.raw_path.decode() + mark + query


def _handed_on(fields: Pairs) -> Pairs:
    """Without what belongs to the connection, by its own word (RFC 9110, 7.6.1) or by ours."""
    named = {
        one.strip().lower()
        for name, value in fields
        if name.lower() == b"connection"
        for one in value.split(b",")
    }
    left = _OF_A_CONNECTION | named
    return tuple((name, value) for name, value in fields if name.lower() not in left)


async def _body(answer: httpx.Response) -> bytes:
    """What comes of it within 5 s: its status stands, whatever its body does."""
    body = b""
    with contextlib.suppress(httpx.TransportError, TimeoutError):
        async with asyncio.timeout(_BODY_S):
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) >= _MOST:
                    break
    return body[:_MOST]


def _unanswered(url: httpx.URL, why: str) -> Forwarded:
    said = f"{url} {why}: answered {_BAD_GATEWAY}"
    plain: Pairs = ((b"content-type", b"text/plain; charset=utf-8"),)
    return Forwarded(
        reply=Reply(status=_BAD_GATEWAY, fields=plain, body=f"rowhook listen: {said}\n".encode()),
        said=said,
    )
