"""Resolution of the ids that callers write."""

from __future__ import annotations

from uuid import UUID

from rowhook.postgres.connection import ConnectionSource, rows, value


async def identify_organization(pool: ConnectionSource, text: str) -> UUID | None:
    """Returns the organization with this platform id or uuid; None if the caller cannot see it."""
    result: UUID | None = await value(pool, "select rowhook.identify_organization(%s)", text)
    return result


async def identify_agent(
    pool: ConnectionSource, organization: UUID | None, text: str
) -> list[UUID]:
    """Returns the agents with this id; without an organization at most two, of different ones."""
    result = await rows(
        pool, "select agent from rowhook.identify_agent(%s, %s) as agent", organization, text
    )
    return [row[0] for row in result]


async def organization_platform_id(pool: ConnectionSource, organization: UUID) -> str:
    """Returns the platform id of an organization."""
    result: str = await value(pool, "select rowhook.organization_platform_id(%s)", organization)
    return result


async def webhook_owner(pool: ConnectionSource, webhook: UUID) -> UUID | None:
    """Returns the organization of a webhook; None if the caller cannot see the webhook."""
    result: UUID | None = await value(pool, "select rowhook.webhook_owner(%s)", webhook)
    return result
