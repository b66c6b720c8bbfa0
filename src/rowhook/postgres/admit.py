"""The functions of who may come in: keys, repeated requests, allowances, the audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from rowhook.postgres.connection import ConnectionSource, documents, records, rows, value


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """An API key as the database keeps it; no organization: an operator key."""

    id: UUID
    name: str
    organization_id: UUID | None
    scopes: list[str]
    expires_at: datetime | None
    hash: bytes


class IdempotentRequest(NamedTuple):
    """What is known of a request with this key: begun, busy, answered or other."""

    state: str
    sealed_answer: bytes | None


async def authenticate(pool: ConnectionSource, key_hash: bytes) -> KeyRow | None:
    """The key with this SHA-256, expired or not."""
    found = await records(pool, "select * from rowhook.authenticate(%s)", key_hash)
    return KeyRow(**found[0]) if found else None


async def first_missing(
    pool: ConnectionSource,
    *,
    webhook: UUID | None = None,
    agent: UUID | None = None,
    goal: str | None = None,
    delivery: int | None = None,
    key: UUID | None = None,
    organization: UUID | None = None,
    session: str | None = None,
) -> str | None:
    """What of these does not exist for this caller: `webhook`, `agent`, …; None if all do."""
    found: str | None = await value(
        pool,
        "select rowhook.first_missing(%s, %s, %s, %s, %s, %s, %s)",
        webhook,
        agent,
        goal,
        delivery,
        key,
        organization,
        session,
    )
    return found


async def session_owner(pool: ConnectionSource, session: str) -> UUID | None:
    """The organization of a session; None if this caller sees no such."""
    found: UUID | None = await value(pool, "select rowhook.session_owner(%s)", session)
    return found


async def create_key(
    pool: ConnectionSource,
    organization: UUID | None,
    name: str,
    key_hash: bytes,
    scopes: list[str],
    expires_at: datetime | None,
) -> UUID:
    """The id of the new key."""
    made: UUID = await value(
        pool,
        "select rowhook.create_key(%s, %s, %s, %s, %s)",
        organization,
        name,
        key_hash,
        scopes,
        expires_at,
    )
    return made


async def delete_key(pool: ConnectionSource, key: UUID) -> bool:
    """False if there was none."""
    return bool(await value(pool, "select rowhook.delete_key(%s)", key))


async def key_page(
    pool: ConnectionSource, organization: UUID | None, after: UUID | None, most: int
) -> list[str]:
    """What may be known of keys, by id."""
    return await documents(
        pool, "select one::text from rowhook.key_page(%s, %s, %s) as one", organization, after, most
    )


async def begin_request(
    pool: ConnectionSource, caller: str, key: str, fingerprint: bytes
) -> IdempotentRequest:
    """Takes a request with an Idempotency-Key, or says what became of it."""
    found = await rows(
        pool,
        "select state, sealed_answer from rowhook.begin_request(%s, %s, %s)",
        caller,
        key,
        fingerprint,
    )
    return IdempotentRequest(*found[0])


async def end_request(pool: ConnectionSource, caller: str, key: str, sealed: bytes | None) -> None:
    """Keeps the answer; None forgets the request."""
    await rows(pool, "select rowhook.end_request(%s, %s, %s)", caller, key, sealed)


async def allow_test(pool: ConnectionSource, webhook: UUID) -> float:
    """0 if a test may be sent now, else the seconds to wait."""
    return float(await value(pool, "select rowhook.allow_test(%s)", webhook))


async def audit_page(
    pool: ConnectionSource,
    organization: UUID | None,
    before: int | None,
    most: int,
    *,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
) -> list[str]:
    """Who did what, newest first."""
    return await documents(
        pool,
        "select one::text from rowhook.audit_page(%s, %s, %s, %s, %s, %s) as one",
        organization,
        before,
        most,
        actor,
        action,
        subject,
    )
