"""Requests with an Idempotency-Key: done once, and answered the same for 24 hours.

The answer is kept sealed, for it may show a signing secret. If this process dies between the work
and the keeping, the request may be sent again after a minute, and is done again.
"""

from __future__ import annotations

from uuid import UUID

import msgspec
from msgspec import Struct

from rowhook import postgres
from rowhook.compose import Fault
from rowhook.operations.keys import Caller
from rowhook.operations.ctx import Conflict, KeyringContext, Rejected
from rowhook.vault import NOBODY, SealBroken


class InProgress(RuntimeError):
    """The same request is being worked on; or it was cut off less than a minute ago."""


class Repeatable(Struct, frozen=True, kw_only=True):
    """A request that may come again: who sends it, its key, the SHA-256 of what it says."""

    caller: Caller
    key: str
    fingerprint: bytes


class Answer(Struct, frozen=True, kw_only=True):
    """What was answered: the status, some headers, the body's bytes."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


async def begin_request(ctx: KeyringContext, request: Repeatable) -> Answer | None:
    """The answer of the first time; None: do it, then call `end_request`.

    Raises InProgress, Rejected if the key was used for another request, Conflict if the kept
    answer cannot be opened.
    """
    begun = await postgres.begin_request(
        ctx.pool, request.caller.id, request.key, request.fingerprint
    )
    if begun.state == "busy":
        raise InProgress("the same request is being worked on: ask again for its answer")
    if begun.state == "other":
        message = "was used for another request within 24 hours: take a new key for a new request"
        raise Rejected(Fault(pointer="/Idempotency-Key", message=message))
    return None if begun.sealed_answer is None else _opened(ctx, request, begun.sealed_answer)


async def end_request(ctx: KeyringContext, request: Repeatable, answer: Answer | None) -> None:
    """Keeps the answer; None forgets the request, so that a corrected one may use its key."""
    sealed = None
    if answer is not None:
        text = msgspec.json.encode(answer).decode()
        sealed = ctx.keyring.seal(
            text, organization_id=_owner(request), name=_name(request), version=1
        )
    await postgres.end_request(ctx.pool, request.caller.id, request.key, sealed)


def _opened(ctx: KeyringContext, request: Repeatable, sealed: bytes) -> Answer:
    try:
        text = ctx.keyring.open(
            sealed, organization_id=_owner(request), name=_name(request), version=1
        )
    except SealBroken as broken:
        message = "it was done; its answer cannot be shown again, for the master keys were changed"
        raise Conflict(message) from broken
    return msgspec.json.decode(text, type=Answer)


def _owner(request: Repeatable) -> UUID:
    return request.caller.organization or NOBODY


def _name(request: Repeatable) -> str:
    return answer_name(request.caller.id, request.key, request.fingerprint)


def answer_name(caller: str, key: str, fingerprint: bytes) -> str:
    """What a kept answer is sealed as."""
    # Of fixed widths but for the key, so that no two requests read the same.
    return f"answer:{fingerprint.hex()}:{caller}:{key}"
