"""A local receiver that verifies each request and answers."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from rowhook.verify import VerificationFailed, verify

Pairs = tuple[tuple[bytes, bytes], ...]
Responder = Callable[["Received"], Awaitable["Reply"]]


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
