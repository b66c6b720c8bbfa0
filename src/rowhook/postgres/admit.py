"""API keys, idempotent requests, the rate limit of test sends, and the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from rowhook.postgres.connection import ConnectionSource, documents, records, rows, value


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """An API key. An operator key has no organization."""

    id: UUID
    name: str
    organization_id: UUID | None
    scopes: list[str]
    expires_at: datetime | None
    hash: bytes


class IdempotentRequest(NamedTuple):
    """State of a request with an Idempotency-Key: begun, busy, answered or other."""

    state: str
    sealed_answer: bytes | None


async def authenticate(pool: ConnectionSource, key_hash: bytes) -> KeyRow | None:
    """Returns the API key with this SHA-256, expired or not."""
    result = await records(pool, "select * from rowhook.authenticate(%s)", key_hash)
    return KeyRow(**result[0]) if result else None


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
    """Returns the kind of the first of these objects that the caller cannot see.

    The kind is the name of the parameter, such as `webhook`. None: all of them exist.
    """
    result: str | None = await value(
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
    return result


async def session_owner(pool: ConnectionSource, session: str) -> UUID | None:
    """Returns the organization of a session; None if the caller cannot see it."""
    result: UUID | None = await value(pool, "select rowhook.session_owner(%s)", session)
    return result


async def create_key(
    pool: ConnectionSource,
    organization: UUID | None,
    name: str,
    key_hash: bytes,
    scopes: list[str],
    expires_at: datetime | None,
) -> UUID:
    """Creates an API key and returns its id."""
    key_id: UUID = await value(
        pool,
        "select rowhook.create_key(%s, %s, %s, %s, %s)",
        organization,
        name,
        key_hash,
        scopes,
        expires_at,
    )
    return key_id


async def delete_key(pool: ConnectionSource, key: UUID) -> bool:
    """Deletes an API key; False if there was none."""
    return bool(await value(pool, "select rowhook.delete_key(%s)", key))


async def key_page(
    pool: ConnectionSource, organization: UUID | None, after: UUID | None, limit: int
) -> list[str]:
    """Returns the public properties of API keys as JSON documents, ordered by id."""
    return await documents(
        pool,
        "select document::text from rowhook.key_page(%s, %s, %s) as document",
        organization,
        after,
        limit,
    )


async def begin_request(
    pool: ConnectionSource, caller: str, key: str, fingerprint: bytes
) -> IdempotentRequest:
    """Starts a request with an Idempotency-Key, or returns the state of an earlier one."""
    result = await rows(
        pool,
        "select state, sealed_answer from rowhook.begin_request(%s, %s, %s)",
        caller,
        key,
        fingerprint,
    )
    return IdempotentRequest(*result[0])


async def end_request(pool: ConnectionSource, caller: str, key: str, sealed: bytes | None) -> None:
    """Stores the encrypted answer; None forgets the request."""
    await rows(pool, "select rowhook.end_request(%s, %s, %s)", caller, key, sealed)


async def allow_test(pool: ConnectionSource, webhook: UUID) -> float:
    """Returns 0 if a test may be sent now, otherwise the seconds to wait."""
    return float(await value(pool, "select rowhook.allow_test(%s)", webhook))


async def audit_page(
    pool: ConnectionSource,
    organization: UUID | None,
    before: int | None,
    limit: int,
    *,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
) -> list[str]:
    """Returns rows of the audit log as JSON documents, newest first."""
    return await documents(
        pool,
        "select document::text from rowhook.audit_page(%s, %s, %s, %s, %s, %s) as document",
        organization,
        before,
        limit,
        actor,
        action,
        subject,
    )
