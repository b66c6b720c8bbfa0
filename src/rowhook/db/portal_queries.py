"""Portal links and sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rowhook.db.connection_pool import Pool
from rowhook.db.statements import ConnectionSource, records, rows, value


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalRow:
    """A portal link, or the session that it became; `brand` is a JSON document.

    `key_hash` is the SHA-256 of the key that created it; None for access to the database.
    """

    id: UUID
    organization_id: UUID
    organization_name: str
    key_hash: bytes | None
    scopes: list[str]
    brand: str
    return_url: str | None
    is_opened: bool


async def create_portal_link(
    pool: ConnectionSource,
    organization: UUID,
    scopes: list[str],
    brand: str,
    return_url: str | None,
    key_hash: bytes | None,
    link_hash: bytes,
    ends_at: datetime,
) -> UUID:
    """Stores a portal link and returns its id."""
    link_id: UUID = await value(
        pool,
        "select rowhook.create_portal_link(%s, %s, %s::text::json, %s, %s, %s, %s)",
        organization,
        scopes,
        brand,
        return_url,
        key_hash,
        link_hash,
        ends_at,
    )
    return link_id


async def portal_access(pool: Pool, token_hash: bytes) -> PortalRow | None:
    """Returns the portal link or session with this SHA-256, unless it has expired."""
    result = await records(pool, "select * from rowhook.portal_access(%s)", token_hash)
    return PortalRow(**result[0]) if result else None


async def open_portal_link(
    pool: Pool, link_hash: bytes, session_hash: bytes, ends_at: datetime
) -> bool:
    """Turns a link into a session; False if it was used or has expired."""
    query = "select rowhook.open_portal_link(%s, %s, %s)"
    return bool(await value(pool, query, link_hash, session_hash, ends_at))


async def end_portal_session(pool: Pool, session_hash: bytes) -> None:
    """Ends a portal session."""
    await rows(pool, "select rowhook.end_portal_session(%s)", session_hash)
