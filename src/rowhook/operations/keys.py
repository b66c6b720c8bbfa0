"""API keys and authentication. Keys are stored as their SHA-256."""

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
from rowhook.operations.office import NotFound, Rejected, ServiceContext

SCOPES: tuple[Scope, ...] = ("read", "write", "secrets", "replay", "admin")
_MAX_NAME_LENGTH = 200
_ADMIN_KEY_NAME = "ROWHOOK_ADMIN_KEY"
_MAX_YEAR = 9998


class Caller(Struct, frozen=True, kw_only=True):
    """An authenticated caller. Without an organization, an operator with access to all.

    With a `session`, a web page of that session until `until` (seconds since 1970).
    """

    id: str
    name: str
    organization: UUID | None
    scopes: frozenset[str]
    session: str | None = None
    until: float | None = None

    @property
    def actor(self) -> str:
        """The actor in the audit log."""
        return f"key:{self.name}"


class NotAuthenticated(PermissionError):
    """The key is missing, unknown or expired; the message contains the reason."""


async def authenticate(pool: postgres.Pool, key: str | None, admin_key: str | None) -> Caller:
    """Returns the caller with this key. Raises NotAuthenticated."""
    if not key:
        raise NotAuthenticated("An API key is required. Send Authorization: Bearer rhk_….")
    return await authenticate_hash(pool, digest_of(key), admin_key)


def digest_of(key: str) -> bytes:
    """Returns the SHA-256 of a key or a sign-in token, as it is stored."""
    return hashlib.sha256(key.encode()).digest()


async def authenticate_hash(pool: postgres.Pool, digest: bytes, admin_key: str | None) -> Caller:
    """Returns the caller whose key has this SHA-256. Raises NotAuthenticated."""
    if admin_key is not None and hmac.compare_digest(digest, digest_of(admin_key)):
        scopes = frozenset[str](SCOPES)
        return Caller(id="admin", name=_ADMIN_KEY_NAME, organization=None, scopes=scopes)
    found = await postgres.authenticate(pool, digest)
    if found is None or not hmac.compare_digest(found.hash, digest):
        raise NotAuthenticated("Unknown API key. Check the key, or create a new one.")
    if found.expires_at is not None and found.expires_at <= datetime.now(UTC):
        raise NotAuthenticated("The API key has expired. Create a new one.")
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
    """Creates a key for the caller, with no other scopes than its own. Raises Rejected."""
    granted = ", ".join(scope for scope in SCOPES if scope in caller.scopes)
    faults = [
        Fault(
            pointer=f"/scopes/{index}",
            message=f"This key has the scopes {granted} and cannot grant {scope}.",
        )
        for index, scope in enumerate(scopes)
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
    """Creates a key, by default an operator key. Raises Rejected, NotFound."""
    _check(name, scopes, expires_at)
    if organization is not None and await postgres.first_missing(
        ctx.pool, organization=organization
    ):
        raise NotFound(f"Organization {organization} does not exist.")
    key = "rhk_" + secrets.token_urlsafe(32)
    digest = digest_of(key)
    granted = sorted(set(scopes), key=SCOPES.index)
    key_id = await postgres.create_key(
        ctx.pool, organization, name, digest, list(granted), expires_at
    )
    platform_id = None
    if organization is not None:
        platform_id = await postgres.organization_platform_id(ctx.pool, organization)
    return NewApiKey(
        id=key_id,
        organization_id=platform_id,
        name=name,
        scopes=granted,
        expires_at=expires_at,
        created_at=datetime.now(UTC),
        key=key,
    )


def _check(name: str, scopes: list[Scope], expires_at: datetime | None) -> None:
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
    if faults:
        raise Rejected(*faults)


def _is_future(moment: datetime) -> bool:
    if moment.tzinfo is None or moment.year > _MAX_YEAR:
        return False
    return moment > datetime.now(UTC)


async def delete_key(ctx: ServiceContext, key: UUID) -> None:
    """Deletes a key. Raises NotFound."""
    if not await postgres.delete_key(ctx.pool, key):
        raise NotFound(f"Key {key} does not exist.")


async def list_keys(
    ctx: ServiceContext,
    organization: UUID | None = None,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> ApiKeys:
    """Lists keys by id, without the keys themselves."""
    after = paging.place(cursor, tuple[UUID])
    found = await postgres.key_page(ctx.pool, organization, after[0] if after else None, limit + 1)
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
    """Lists audit entries, newest first, filtered by actor, action and subject."""
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
