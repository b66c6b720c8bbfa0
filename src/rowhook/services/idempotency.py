"""Idempotent requests: executed once, with the same response for 24 hours.

The response is stored encrypted, since it may contain a signing secret. If the process dies before
the response is stored, the request can be repeated after a minute and is executed again.
"""

from __future__ import annotations

from uuid import UUID

import msgspec
from msgspec import Struct

from rowhook.db import access_queries
from rowhook.render.configuration import Fault
from rowhook.security.vault import NO_ORGANIZATION, DecryptionFailed
from rowhook.services.access import Caller
from rowhook.services.context import Conflict, KeyringContext, Rejected


class InProgress(RuntimeError):
    """The same request is in progress, or was interrupted less than a minute ago."""


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


def response_name(caller: str, key: str, fingerprint: bytes) -> str:
    """Returns the name that a stored response is sealed with."""
    # All parts but the last have a fixed width, so that names are unambiguous.
    return f"answer:{fingerprint.hex()}:{caller}:{key}"
