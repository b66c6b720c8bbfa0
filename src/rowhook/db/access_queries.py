"""API keys, sign-in tokens, idempotency keys, rate limits and the audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from rowhook.db.connection_pool import Pool
from rowhook.db.statements import ConnectionSource, documents, records, rows, value


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


class SignInSession(NamedTuple):
    """A browser session: SHA-256 of its API key (None: access to the database), and its end."""

    key_hash: bytes | None
    ends_at: datetime


async def sign_in(
    pool: Pool, token_hash: bytes, key_hash: bytes | None, ends_at: datetime, *, once: bool
) -> None:
    """Stores a session, or with `once` a link that opens one."""
    query = "select rowhook.sign_in(%s, %s, %s, %s)"
    await rows(pool, query, token_hash, once, key_hash, ends_at)


async def open_sign_in(pool: Pool, link_hash: bytes, token_hash: bytes, ends_at: datetime) -> bool:
    """Exchanges a link for a session; False if it was used or has expired."""
    query = "select rowhook.open_sign_in(%s, %s, %s)"
    return bool(await value(pool, query, link_hash, token_hash, ends_at))


async def signed_in(pool: Pool, token_hash: bytes) -> SignInSession | None:
    """Returns the session with this SHA-256, unless it has expired."""
    result = await rows(pool, "select key_hash, ends_at from rowhook.signed_in(%s)", token_hash)
    return SignInSession(*result[0]) if result else None


async def sign_out(pool: Pool, token_hash: bytes) -> None:
    """Ends a session."""
    await rows(pool, "select rowhook.sign_out(%s)", token_hash)
