"""`Idempotency-Key` for POST requests (IETF draft idempotency-key-header)."""

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

from rowhook.api.auth import ctx_of_connection
from rowhook.db.statements import StatementError, Unreachable
from rowhook.render.configuration import Fault
from rowhook.services import idempotency
from rowhook.services.access import Caller
from rowhook.services.context import KeyringContext, Rejected
from rowhook.services.idempotency import IdempotentRequest, StoredResponse

log = structlog.get_logger()
_KEY = re.compile(r"[!-~]{1,255}")
_STORED_HEADERS = frozenset({"content-type", "etag", "location"})
_LARGEST_SUCCESS = 299
_RELEASE_DEADLINE_S = 1.0


def check_idempotency_key(
    connection: ASGIConnection[Any, Caller, Any, Any], _: BaseRouteHandler
) -> None:
    """Reject an invalid Idempotency-Key with 422."""
    key = _idempotency_key(connection) if connection.scope["type"] == ScopeType.HTTP else None
    if key is not None and _KEY.fullmatch(key) is None:
        message = "Must be 1 to 255 visible ASCII characters, e.g. a random UUID."
        raise Rejected(Fault(pointer="/Idempotency-Key", message=message))


class IdempotencyMiddleware(ASGIMiddleware):
    """Answers a repeated POST with the first response. Raises InProgress and Rejected."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Handle a POST with a key; pass other requests on."""
        request: Request[Caller, Any, Any] = Request(scope, receive)
        key = _idempotency_key(request)
        if key is None or _KEY.fullmatch(key) is None:
            await next_app(scope, receive, send)
            return
        # Litestar caches the body in the scope for the handler. More than 1 MiB is 413.
        body = await request.body()
        repeatable = IdempotentRequest(
            caller=request.user, key=key, fingerprint=_fingerprint(request, body)
        )
        ctx = ctx_of_connection(request)
        stored = await idempotency.begin_request(ctx, repeatable)
        if stored is not None:
            await _send_stored(stored, send)
            return
        response = _BufferedResponse()
        await next_app(scope, receive, response)
        await _store(ctx, repeatable, response.answer())
        for message in response.messages:
            await send(message)


def _idempotency_key(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    is_post = connection.scope.get("method") == "POST"
    return connection.headers.get("idempotency-key") if is_post else None


def _fingerprint(request: Request[Any, Any, Any], body: bytes) -> bytes:
    digest = hashlib.sha256()
    query = request.scope["query_string"]
    for part in (request.method.encode(), request.scope["path"].encode(), query, body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


class _BufferedResponse:
    """Buffers a response until it is stored, so that a client that has it can repeat at once."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    def answer(self) -> StoredResponse | None:
        """The response to store, if it is complete and successful."""
        if not self.messages or self.messages[-1].get("more_body", False):
            return None
        start, *rest = self.messages
        if start["type"] != "http.response.start" or start["status"] > _LARGEST_SUCCESS:
            return None
        headers = [
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in start["headers"]
        ]
        return StoredResponse(
            status=start["status"],
            headers=[header for header in headers if header[0] in _STORED_HEADERS],
            body=b"".join(part["body"] for part in rest if part["type"] == "http.response.body"),
        )


async def _store(
    ctx: KeyringContext, repeatable: IdempotentRequest, answer: StoredResponse | None
) -> None:
    try:
        async with asyncio.timeout(None if answer else _RELEASE_DEADLINE_S):
            await idempotency.end_request(ctx, repeatable, answer)
    except (*Unreachable, StatementError, TimeoutError) as error:
        # The caller gets the response. A repetition gets 409 for a minute, then is executed again.
        log.warning("api.response_not_stored", error=type(error).__name__)


async def _send_stored(answer: StoredResponse, send: Send) -> None:
    headers = [*answer.headers, ("content-length", str(len(answer.body)))]
    headers.append(("idempotency-replayed", "true"))
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
