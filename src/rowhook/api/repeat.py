"""`Idempotency-Key` on our own POSTs (IETF draft idempotency-key-header), behind Admission."""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import Any

import structlog
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from rowhook import operations, postgres
from rowhook.api.admission import entered
from rowhook.compose import Fault
from rowhook.operations import Answer, Caller, Office, Rejected, Repeatable

log = structlog.get_logger()
_KEY = re.compile(r"[!-~]{1,255}")
_KEPT_HEADERS = frozenset({"content-type", "etag", "location"})
_LARGEST_SUCCESS = 299
_FORGET_S = 1.0


def well_keyed(connection: ASGIConnection[Any, Caller, Any, Any], _: BaseRouteHandler) -> None:
    """422 for an Idempotency-Key that is none."""
    given = _given(connection) if connection.scope["type"] == ScopeType.HTTP else None
    if given is not None and _KEY.fullmatch(given) is None:
        message = "Must be 1 to 255 visible ASCII characters, e.g. a random UUID."
        raise Rejected(Fault(pointer="/Idempotency-Key", message=message))


class Repeats(ASGIMiddleware):
    """Answers a repeated POST as the first time. Raises InProgress, Rejected."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """What is not a POST with a key passes by."""
        request: Request[Caller, Any, Any] = Request(scope, receive)
        key = _given(request)
        if key is None or _KEY.fullmatch(key) is None:
            await next_app(scope, receive, send)
            return
        # Read once here; the handler finds it in the scope. More than 1 MiB is 413.
        body = await request.body()
        repeatable = Repeatable(
            caller=request.user, key=key, fingerprint=_fingerprint(request, body)
        )
        office = entered(request)
        known = await operations.begin_request(office, repeatable)
        if known is not None:
            await _replay(known, send)
            return
        held = _Held()
        await next_app(scope, receive, held)
        await _end(office, repeatable, held.answer())
        for message in held.messages:
            await send(message)


def _given(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    is_post = connection.scope.get("method") == "POST"
    return connection.headers.get("idempotency-key") if is_post else None


def _fingerprint(request: Request[Any, Any, Any], body: bytes) -> bytes:
    digest = hashlib.sha256()
    query = request.scope["query_string"]
    for part in (request.method.encode(), request.scope["path"].encode(), query, body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


class _Held:
    """Keeps an answer back until it is stored: who has it may repeat at once."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    def answer(self) -> Answer | None:
        """What is worth to be kept: a success that is whole."""
        if not self.messages or self.messages[-1].get("more_body", False):
            return None
        start, *rest = self.messages
        if start["type"] != "http.response.start" or start["status"] > _LARGEST_SUCCESS:
            return None
        headers = [
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in start["headers"]
        ]
        return Answer(
            status=start["status"],
            headers=[one for one in headers if one[0] in _KEPT_HEADERS],
            body=b"".join(one["body"] for one in rest if one["type"] == "http.response.body"),
        )


async def _end(office: Office, repeatable: Repeatable, answer: Answer | None) -> None:
    try:
        async with asyncio.timeout(None if answer else _FORGET_S):
            await operations.end_request(office, repeatable, answer)
    except (*postgres.Unreachable, postgres.Refused, TimeoutError) as error:
        # Who called gets the true answer. A repetition is 409 for a minute, then it is done anew.
        log.warning("api.answer_not_kept", error=type(error).__name__)


async def _replay(known: Answer, send: Send) -> None:
    headers = [*known.headers, ("content-length", str(len(known.body)))]
    headers.append(("idempotency-replayed", "true"))
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": known.status, "headers": encoded})
    await send({"type": "http.response.body", "body": known.body, "more_body": False})
