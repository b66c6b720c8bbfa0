"""API keys: who may come in, as what. A key is shown once and kept as its SHA-256."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct

from rowhook import postgres
from rowhook.compose import Fault
from rowhook.operations import paging
from rowhook.operations.documents import ApiKey, ApiKeys, Audit, AuditEntry, NewApiKey, Scope
from rowhook.operations.ctx import NotFound, ServiceContext, Rejected

SCOPES: tuple[Scope, ...] = ("read", "write", "secrets", "replay", "admin")
_LONGEST_NAME = 200
_FIRST_KEY = "ROWHOOK_ADMIN_KEY"
_LAST_YEAR = 9998


class Caller(Struct, frozen=True, kw_only=True):
    """Who calls. Without an organization it is an operator: all organizations.

    With a `session` it is a page of that session, until `until` (seconds since 1970).
    """

    id: str
    name: str
    organization: UUID | None
    scopes: frozenset[str]
    session: str | None = None
    until: float | None = None

    @property
    def actor(self) -> str:
        """What the audit calls it."""
        return f"key:{self.name}"


class NotAdmitted(PermissionError):
    """The key is missing, unknown or has expired; the message says which."""


async def admit(pool: postgres.Pool, key: str | None, admin_key: str | None) -> Caller:
    """Who holds this key. Raises NotAdmitted."""
    if not key:
        raise NotAdmitted("an API key is needed: Authorization: Bearer rhk_…")
    return await admit_hash(pool, digest_of(key), admin_key)


def digest_of(key: str) -> bytes:
    """What is kept of a key, or of a token of a sign-in: its SHA-256."""
    return hashlib.sha256(key.encode()).digest()


async def admit_hash(pool: postgres.Pool, digest: bytes, admin_key: str | None) -> Caller:
    """Who holds the key with this SHA-256. Raises NotAdmitted."""
    if admin_key is not None and hmac.compare_digest(digest, digest_of(admin_key)):
        scopes = frozenset[str](SCOPES)
        return Caller(id="admin", name=_FIRST_KEY, organization=None, scopes=scopes)
    found = await postgres.admit(pool, digest)
    if found is None or not hmac.compare_digest(found.hash, digest):
        raise NotAdmitted("this API key is not known: it was mistyped or deleted")
    if found.expires_at is not None and found.expires_at <= datetime.now(UTC):
        raise NotAdmitted("this API key has expired: ask for a new one")
    return Caller(
        id=str(found.id),
        name=found.name,
        organization=found.organization_id,
        scopes=frozenset(found.scopes),
    )


async def grant_key(
    ctx: ServiceContext,
    caller: Caller,
    organization: UUID | None,
    name: str,
    scopes: list[Scope],
    expires_at: datetime | None = None,
) -> NewApiKey:
    """`create_key` by the holder of another key, who grants no scope that it lacks."""
    held = ", ".join(one for one in SCOPES if one in caller.scopes)
    faults = [
        Fault(pointer=f"/scopes/{place}", message=f"this key has {held}: it cannot grant {scope}")
        for place, scope in enumerate(scopes)
        if scope not in caller.scopes
    ]
    if faults:
        raise Rejected(*faults)
    return await create_key(ctx, organization, name, scopes, expires_at)


async def create_key(
    ctx: ServiceContext,
    organization: UUID | None,
    name: str,
    scopes: list[Scope],
    expires_at: datetime | None = None,
) -> NewApiKey:
    """A new key, shown here only; without an organization an operator key. Raises Rejected."""
    _check(name, scopes, expires_at)
    if organization is not None and await postgres.unknown(ctx.pool, organization=organization):
        raise NotFound(f"organization {organization} does not exist")
    key = "rhk_" + secrets.token_urlsafe(32)
    digest = digest_of(key)
    granted = sorted(set(scopes), key=SCOPES.index)
    made = await postgres.create_key(
        ctx.pool, organization, name, digest, list(granted), expires_at
    )
    whose = None
    if organization is not None:
        whose = await postgres.organization_platform_id(ctx.pool, organization)
    return NewApiKey(
        id=made,
        organization_id=whose,
        name=name,
        scopes=granted,
        expires_at=expires_at,
        created_at=datetime.now(UTC),
        key=key,
    )


def _check(name: str, scopes: list[Scope], expires_at: datetime | None) -> None:
    faults: list[Fault] = []
    if not name.strip() or len(name) > _LONGEST_NAME:
        faults.append(Fault(pointer="/name", message=f"1 to {_LONGEST_NAME} characters"))
    if name.strip() == _FIRST_KEY:
        # The audit names who acted by the name of the key.
        faults.append(Fault(pointer="/name", message="the name of the first key: choose another"))
    if not scopes:
        faults.append(Fault(pointer="/scopes", message=f"at least one of {', '.join(SCOPES)}"))
    if expires_at is not None and not _is_to_come(expires_at):
        message = "a time to come, before the year 9999, with its offset: 2027-01-31T12:00:00Z"
        faults.append(Fault(pointer="/expires_at", message=message))
    if faults:
        raise Rejected(*faults)


def _is_to_come(moment: datetime) -> bool:
    if moment.tzinfo is None or moment.year > _LAST_YEAR:
        return False
    return moment > datetime.now(UTC)


async def delete_key(ctx: ServiceContext, key: UUID) -> None:
    """The key admits nobody from now on. Raises NotFound."""
    if not await postgres.delete_key(ctx.pool, key):
        raise NotFound(f"key {key} does not exist")


async def list_keys(
    ctx: ServiceContext,
    organization: UUID | None = None,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> ApiKeys:
    """What may be known of keys, by id."""
    after = paging.place(cursor, tuple[UUID])
    found = await postgres.key_page(
        ctx.pool, organization, after[0] if after else None, limit + 1
    )
    items, last = paging.cut(paging.read(found, ApiKey), limit)
    return ApiKeys(items, None if last is None else paging.cursor(last.id))


async def list_audit(
    ctx: ServiceContext,
    organization: UUID | None = None,
    *,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Audit:
    """Who did what to what, newest first; by this actor, of this action, to this subject."""
    before = paging.place(cursor, tuple[paging.RowId])
    found = await postgres.audit_page(
        ctx.pool,
        organization,
        before[0] if before else None,
        limit + 1,
        actor=actor,
        action=action,
        subject=subject,
    )
    items, last = paging.cut(paging.read(found, AuditEntry), limit)
    return Audit(items, None if last is None else paging.cursor(last.id))
