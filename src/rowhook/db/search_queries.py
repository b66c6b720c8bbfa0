"""Search by id or name, and the counts and names that every page of the dashboard shows."""

from __future__ import annotations

from uuid import UUID

from rowhook.db.statements import ConnectionSource, documents, value


async def find_objects(pool: ConnectionSource, text: str, limit: int) -> list[str]:
    """Returns objects whose name or id matches, by kind; at most `limit` of each kind."""
    return await documents(
        pool, "select document::text from rowhook.find_objects(%s, %s) as document", text, limit
    )


async def organization_names(pool: ConnectionSource, ids: list[str]) -> list[str]:
    """Returns the names of organizations."""
    return await documents(
        pool, "select document::text from rowhook.organization_names(%s) as document", ids
    )


async def names_of_webhooks(pool: ConnectionSource, ids: list[UUID]) -> list[str]:
    """Returns the names of webhooks, of deleted ones the last."""
    return await documents(
        pool, "select document::text from rowhook.names_of_webhooks(%s) as document", ids
    )


async def navigation_counts(pool: ConnectionSource, limit: int) -> str:
    """Counts webhooks and waiting deliveries, up to `limit` of each."""
    result: str = await value(pool, "select rowhook.navigation_counts(%s)::text", limit)
    return result
