"""Organizations: quotas, and the erasure of what is stored about one."""

from __future__ import annotations

from uuid import UUID

from rowhook.db.statements import ConnectionSource, documents, rows, value


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
