"""The functions that find Rowhook's rows by the ids that callers write."""

from __future__ import annotations

from uuid import UUID

from rowhook.postgres.connection import ConnectionSource, rows, value


async def identify_organization(pool: ConnectionSource, written: str) -> UUID | None:
    """The organization with this id, the platform's or Rowhook's; None if this caller sees none."""
    found: UUID | None = await value(pool, "select rowhook.identify_organization(%s)", written)
    return found


async def identify_agent(
    pool: ConnectionSource, organization: UUID | None, written: str
) -> list[UUID]:
    """The agents with this id; at most two, of two organizations, if none is named."""
    found = await rows(
        pool, "select agent from rowhook.identify_agent(%s, %s) as agent", organization, written
    )
    return [row[0] for row in found]


async def organization_platform_id(pool: ConnectionSource, organization: UUID) -> str:
    """The id of an organization as the platform writes it."""
    found: str = await value(pool, "select rowhook.organization_platform_id(%s)", organization)
    return found


async def webhook_owner(pool: ConnectionSource, webhook: UUID) -> UUID | None:
    """The organization of a webhook; None if this caller sees no such webhook."""
    found: UUID | None = await value(pool, "select rowhook.webhook_owner(%s)", webhook)
    return found
