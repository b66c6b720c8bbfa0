"""`Idempotency-Key` for POST requests (IETF draft idempotency-key-header).

A request is executed once, with the same response for 24 hours. The response is stored encrypted,
since it may contain a signing secret. If the process dies before the response is stored, the
request can be repeated after a minute and is executed again.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import Any
from uuid import UUID

import msgspec
import structlog
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import Struct

from rowhook.api.auth import ctx_of_connection
from rowhook.db import access_queries
from rowhook.db.statements import StatementError, Unreachable
from rowhook.render.configuration import Fault
from rowhook.security.vault import NO_ORGANIZATION, DecryptionFailed, response_name
from rowhook.services.access import Caller
from rowhook.services.context import Conflict, InProgress, KeyringContext, Rejected

log = structlog.get_logger()
_KEY = re.compile(r"[!-~]{1,255}")
_STORED_HEADERS = frozenset({"content-type", "etag", "location"})
_LARGEST_SUCCESS = 299
_RELEASE_DEADLINE_S = 1.0


class IdempotentRequest(Struct, frozen=True, kw_only=True):
    """A request with an Idempotency-Key; `fingerprint` is the SHA-256 of its content."""

    caller: Caller
    key: str
    fingerprint: bytes


class StoredResponse(Struct, frozen=True, kw_only=True):
    """A stored response: status, some headers, and the body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


async def begin_request(ctx: KeyringContext, request: IdempotentRequest) -> StoredResponse | None:
    """Returns the stored response; None if the request must be executed, then `end_request` called.

    Raises InProgress, Rejected if the key was used for another request, Conflict if the stored
    response cannot be decrypted.
    """
    lookup = await access_queries.begin_request(
        ctx.pool, request.caller.id, request.key, request.fingerprint
    )
    if lookup.state == "busy":
        raise InProgress("The same request is in progress. Repeat it to get its response.")
    if lookup.state == "other":
        message = "Used for another request within 24 hours. Use a new key for a new request."
        raise Rejected(Fault(pointer="/Idempotency-Key", message=message))
    return None if lookup.sealed_answer is None else _decrypt(ctx, request, lookup.sealed_answer)


async def end_request(
    ctx: KeyringContext, request: IdempotentRequest, response: StoredResponse | None
) -> None:
    """Stores the response; None discards the request, so that its key can be used again."""
    sealed = None
    if response is not None:
        text = msgspec.json.encode(response).decode()
        sealed = ctx.keyring.seal(
            text, organization_id=_owner(request), name=_name(request), version=1
        )
    await access_queries.end_request(ctx.pool, request.caller.id, request.key, sealed)


def _decrypt(ctx: KeyringContext, request: IdempotentRequest, sealed: bytes) -> StoredResponse:
    try:
        text = ctx.keyring.open(
            sealed, organization_id=_owner(request), name=_name(request), version=1
        )
    except DecryptionFailed as error:
        message = "The request was executed, but its response cannot be decrypted."
        raise Conflict(message) from error
    return msgspec.json.decode(text, type=StoredResponse)


def _owner(request: IdempotentRequest) -> UUID:
    return request.caller.organization or NO_ORGANIZATION


def _name(request: IdempotentRequest) -> str:
    return response_name(request.caller.id, request.key, request.fingerprint)


def check_idempotency_key(
    connection: ASGIConnection[Any, Caller, Any, Any], _: BaseRouteHandler
) -> None:
    """Rejects an invalid Idempotency-Key with 422."""
    key = _idempotency_key(connection) if connection.scope["type"] == ScopeType.HTTP else None
    if key is not None and _KEY.fullmatch(key) is None:
        message = "Must be 1 to 255 visible ASCII characters, e.g. a random UUID."
        raise Rejected(Fault(pointer="/Idempotency-Key", message=message))


class IdempotencyMiddleware(ASGIMiddleware):
    """Answers a repeated POST with the first response. Raises InProgress and Rejected."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Handles a POST with a key; passes other requests on."""
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
        stored = await begin_request(ctx, repeatable)
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
            await end_request(ctx, repeatable, answer)
    except (*Unreachable, StatementError, TimeoutError) as error:
        # The caller gets the response. A repetition gets 409 for a minute, then is executed again.
        log.warning("api.response_not_stored", error=type(error).__name__)


async def _send_stored(answer: StoredResponse, send: Send) -> None:
    headers = [*answer.headers, ("content-length", str(len(answer.body)))]
    headers.append(("idempotency-replayed", "true"))
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
