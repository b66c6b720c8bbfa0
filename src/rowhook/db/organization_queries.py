"""Organizations: quotas, alert thresholds, portal sessions, erasure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rowhook.db.connection_pool import Pool
from rowhook.db.statements import ConnectionSource, documents, records, rows, value


async def organization_details(pool: ConnectionSource, organization: UUID) -> str | None:
    """Returns an organization with quotas and usage as a JSON document; None if not found."""
    result = await documents(pool, "select rowhook.organization_details(%s)::text", organization)
    return result[0]


async def set_quotas(pool: ConnectionSource, organization: UUID, changes: str) -> None:
    """Changes the quotas that a JSON object names; null is no limit."""
    await rows(pool, "select rowhook.set_quotas(%s, %s::jsonb)", organization, changes)


async def note_export(pool: ConnectionSource, organization: UUID) -> None:
    """Writes into the audit that the data of an organization is exported."""
    await rows(
        pool,
        "select rowhook.write_audit(%s::uuid, 'organization.exported', %s)",
        organization,
        str(organization),
    )


async def erase_configuration(pool: ConnectionSource, organization: UUID) -> dict[str, int]:
    """Deletes links, webhooks, secrets and keys; returns the counts by kind."""
    result = await rows(
        pool, "select kind, erased from rowhook.erase_configuration(%s)", organization
    )
    return dict(result)


async def erase_batch(pool: ConnectionSource, organization: UUID) -> dict[str, int]:
    """Deletes a batch of events, deliveries and attempts; returns the counts by kind."""
    result = await rows(pool, "select kind, erased from rowhook.erase_batch(%s)", organization)
    return dict(result)


async def has_events(pool: ConnectionSource, organization: UUID) -> bool:
    """Returns whether an organization has events that are not erased."""
    return bool(await value(pool, "select rowhook.has_events(%s)", organization))


async def end_erasure(pool: ConnectionSource, organization: UUID, erased: str) -> None:
    """Deletes the rest, and writes the counts into the audit."""
    await rows(pool, "select rowhook.end_erasure(%s, %s::json)", organization, erased)


async def alert_webhooks(pool: ConnectionSource, organization: UUID, limit: int) -> list[str]:
    """Returns the alerts of an organization, newest first, as JSON documents."""
    return await documents(
        pool,
        "select document::text from rowhook.alert_webhooks(%s, %s) as document",
        organization,
        limit,
    )


async def alert_thresholds(pool: ConnectionSource, organization: UUID) -> tuple[int, int, int]:
    """Returns the thresholds: held deliveries, due deliveries, age of the oldest in seconds."""
    query = "select held, backlog, backlog_age_s from rowhook.alert_thresholds(%s)"
    (thresholds,) = await rows(pool, query, organization)
    held, backlog, age_s = thresholds
    return held, backlog, age_s


async def set_alert_thresholds(
    pool: ConnectionSource, organization: UUID, held: int, backlog: int, age_s: int
) -> None:
    """Stores the thresholds."""
    await value(
        pool,
        "select rowhook.set_alert_thresholds(%s, %s, %s, %s)",
        organization,
        held,
        backlog,
        age_s,
    )


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
