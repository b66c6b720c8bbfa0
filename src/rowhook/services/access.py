"""API keys and the audit."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from rowhook.db import access_queries, list_queries
from rowhook.db.connection_pool import Pool
from rowhook.render.configuration import Fault
from rowhook.services import paging
from rowhook.services.context import NotFound, Rejected, ServiceContext

Scope = Literal["read", "write", "secrets", "replay", "admin"]


class ApiKey(Struct, frozen=True, kw_only=True):
    """An API key without the key itself. Without an organization, it is an operator key."""

    id: UUID
    organization_id: str | None
    name: str
    scopes: list[Scope]
    expires_at: datetime | None
    last_used_at: datetime | None = None
    created_at: datetime | None = None


class NewApiKey(ApiKey, frozen=True, kw_only=True):
    """A new API key. `key` is returned only once."""

    key: str


class ApiKeys(Struct, frozen=True):
    """A page of API keys, by id."""

    items: list[ApiKey]
    next_cursor: str | None


class AuditEntry(Struct, frozen=True, kw_only=True):
    """An entry of the audit log. `before` and `after` contain no secrets."""

    id: int
    organization_id: str | None
    actor: str
    action: str
    subject: str
    before: Any
    after: Any
    created_at: datetime


class Audit(Struct, frozen=True):
    """A page of the audit log, newest first."""

    items: list[AuditEntry]
    next_cursor: str | None


SCOPES: tuple[Scope, ...] = ("read", "write", "secrets", "replay", "admin")
_MAX_NAME_LENGTH = 200
_ADMIN_KEY_NAME = "ROWHOOK_ADMIN_KEY"
_MAX_YEAR = 9998


class Caller(Struct, frozen=True, kw_only=True):
    """An authenticated caller. Without an organization, an operator with access to all.

    With a `session`, a web page of that session until `until` (seconds since 1970). With a
    `portal`, a customer who opened the portal link of this id. `key_hash` is that of an API key.
    """

    id: str
    name: str
    organization: UUID | None
    scopes: frozenset[str]
    session: str | None = None
    until: float | None = None
    portal: UUID | None = None
    key_hash: bytes | None = None

    @property
    def actor(self) -> str:
        """The actor in the audit log."""
        return f"key:{self.name}" if self.portal is None else f"portal:{self.portal}"


class NotAuthenticated(PermissionError):
    """The key is missing, unknown or expired; the message contains the reason."""


async def authenticate(pool: Pool, key: str | None, admin_key: str | None) -> Caller:
    """Returns the caller with this key. Raises NotAuthenticated."""
    if not key:
        raise NotAuthenticated("An API key is required. Send Authorization: Bearer rhk_….")
    return await authenticate_hash(pool, digest_of(key), admin_key)


def digest_of(key: str) -> bytes:
    """Returns the SHA-256 of a key or a sign-in token, as it is stored."""
    return hashlib.sha256(key.encode()).digest()


async def authenticate_hash(pool: Pool, digest: bytes, admin_key: str | None) -> Caller:
    """Returns the caller whose key has this SHA-256. Raises NotAuthenticated."""
    if admin_key is not None and hmac.compare_digest(digest, digest_of(admin_key)):
        scopes = frozenset[str](SCOPES)
        return Caller(
            id="admin", name=_ADMIN_KEY_NAME, organization=None, scopes=scopes, key_hash=digest
        )
    key_row = await access_queries.authenticate(pool, digest)
    if key_row is None or not hmac.compare_digest(key_row.hash, digest):
        raise NotAuthenticated("Unknown API key. Check the key, or create a new one.")
    if key_row.expires_at is not None and key_row.expires_at <= datetime.now(UTC):
        raise NotAuthenticated("The API key has expired. Create a new one.")
    return Caller(
        id=str(key_row.id),
        name=key_row.name,
        organization=key_row.organization_id,
        scopes=frozenset(key_row.scopes),
        key_hash=digest,
    )


async def grant_key(
    ctx: ServiceContext,
    caller: Caller,
    organization: UUID | None,
    name: str,
    scopes: list[Scope],
    expires_at: datetime | None = None,
) -> NewApiKey:
    """Creates a key for the caller, with no other scopes than its own. Raises Rejected."""
    if faults := scope_faults(caller, scopes):
        raise Rejected(*faults, *key_faults(name, scopes, expires_at))
    return await create_key(ctx, organization, name, scopes, expires_at)


def scope_faults(caller: Caller, scopes: Sequence[str]) -> list[Fault]:
    """Returns a fault for each scope that the caller lacks and so cannot grant."""
    granted = ", ".join(scope for scope in SCOPES if scope in caller.scopes)
    return [
        Fault(
            pointer=f"/scopes/{index}",
            message=f"This key has the scopes {granted} and cannot grant {scope}.",
        )
        for index, scope in enumerate(scopes)
        if scope not in caller.scopes
    ]


async def create_key(
    ctx: ServiceContext,
    organization: UUID | None,
    name: str,
    scopes: list[Scope],
    expires_at: datetime | None = None,
) -> NewApiKey:
    """Creates a key, by default an operator key. Raises Rejected, NotFound."""
    if faults := key_faults(name, scopes, expires_at):
        raise Rejected(*faults)
    if organization is not None and await access_queries.first_missing(
        ctx.pool, organization=organization
    ):
        raise NotFound(f"Organization {organization} does not exist.")
    key = "rhk_" + secrets.token_urlsafe(32)
    digest = digest_of(key)
    granted = sorted(set(scopes), key=SCOPES.index)
    key_id = await access_queries.create_key(
        ctx.pool, organization, name, digest, list(granted), expires_at
    )
    platform_id = None
    if organization is not None:
        platform_id = await list_queries.organization_platform_id(ctx.pool, organization)
    return NewApiKey(
        id=key_id,
        organization_id=platform_id,
        name=name,
        scopes=granted,
        expires_at=expires_at,
        created_at=datetime.now(UTC),
        key=key,
    )


def key_faults(name: str, scopes: list[Scope], expires_at: datetime | None) -> list[Fault]:
    """Returns all faults of a new key."""
    faults: list[Fault] = []
    if not name.strip() or len(name) > _MAX_NAME_LENGTH:
        faults.append(Fault(pointer="/name", message=f"Use 1 to {_MAX_NAME_LENGTH} characters."))
    if name.strip() == _ADMIN_KEY_NAME:
        # The audit log identifies the actor by the name of the key.
        faults.append(Fault(pointer="/name", message="This name is reserved. Use another one."))
    if not scopes:
        faults.append(Fault(pointer="/scopes", message=f"Use at least one of {', '.join(SCOPES)}."))
    if expires_at is not None and not _is_future(expires_at):
        message = (
            "Use a future time before the year 9999 with an offset, e.g. 2027-01-31T12:00:00Z."
        )
        faults.append(Fault(pointer="/expires_at", message=message))
    return faults


def _is_future(moment: datetime) -> bool:
    if moment.tzinfo is None or moment.year > _MAX_YEAR:
        return False
    return moment > datetime.now(UTC)


async def delete_key(ctx: ServiceContext, key: UUID) -> None:
    """Deletes a key. Raises NotFound."""
    if not await access_queries.delete_key(ctx.pool, key):
        raise NotFound(f"Key {key} does not exist.")


async def list_keys(
    ctx: ServiceContext,
    organization: UUID | None = None,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> ApiKeys:
    """Lists keys by id, without the keys themselves."""
    after = paging.decode_cursor(cursor, tuple[UUID])
    rows = await access_queries.key_page(
        ctx.pool, organization, after[0] if after else None, limit + 1
    )
    return ApiKeys(*paging.page(rows, ApiKey, limit, "id"))


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
    """Lists audit entries, newest first, filtered by actor, action and subject."""
    before = paging.decode_cursor(cursor, tuple[paging.RowId])
    rows = await access_queries.audit_page(
        ctx.lists,
        organization,
        before[0] if before else None,
        limit + 1,
        actor=actor,
        action=action,
        subject=subject,
    )
    return Audit(*paging.page(rows, AuditEntry, limit, "id"))
