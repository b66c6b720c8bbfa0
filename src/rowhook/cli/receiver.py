"""A local receiver: keeps or prints each request and verifies both signatures."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from rowhook.verify import VerificationFailed, verify

Answer = Callable[["Received"], int]


@dataclass(slots=True, kw_only=True)
class Received:
    """One request as it arrived; `verified` is None where no secret was known to check it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.time)
    verified: bool | None = None
    fault: str | None = None


def check(received: Received, secret: str | None, brand: str) -> None:
    """Verifies both signatures in place."""
    if secret is None:
        return
    try:
        verify(
            secret=secret, headers=received.headers, body=received.body, now=time.time(),
            brand=brand,
        )  # fmt: skip
        received.verified = True
    except VerificationFailed as failed:
        received.verified, received.fault = False, str(failed)


def receiver(take: Answer) -> Callable[..., Awaitable[None]]:
    """An ASGI application that hands each request to `take` and answers its status code."""

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
            headers={
                name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]
            },
            body=body,
        )
        status = take(received)
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-length", b"0")],
            }
        )
        await send({"type": "http.response.body", "body": b""})

    return application
