"""Links between webhooks and agents or goals."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from rowhook.postgres.connection import ConnectionSource, rows, value


class LinkRow(NamedTuple):
    """An agent or a goal that a webhook is linked to; `kind` says which."""

    kind: str
    id: str
    name: str
    created_at: datetime


async def link_agent(pool: ConnectionSource, webhook: UUID, agent: UUID) -> bool:
    """Links them; False if they belong to different organizations."""
    return bool(await value(pool, "select rowhook.link_agent(%s, %s)", webhook, agent))


async def link_goal(pool: ConnectionSource, webhook: UUID, goal: str) -> bool:
    """Links them; False if they belong to different organizations."""
    return bool(await value(pool, "select rowhook.link_goal(%s, %s)", webhook, goal))


async def unlink(
    pool: ConnectionSource, webhook: UUID, agent: UUID | None, goal: str | None
) -> bool:
    """Removes the link to the agent or goal; False if there was none."""
    return bool(await value(pool, "select rowhook.unlink(%s, %s, %s)", webhook, agent, goal))


async def link_page(
    pool: ConnectionSource, webhook: UUID, after: int, limit: int
) -> list[tuple[int, LinkRow]]:
    """Returns (position, link) for the links of a webhook after a position, oldest first."""
    result = await rows(
        pool,
        "select place, kind, id, name, created_at from rowhook.link_page(%s, %s, %s)",
        webhook,
        after,
        limit,
    )
    return [(row[0], LinkRow(*row[1:])) for row in result]


async def links_of(pool: ConnectionSource, webhook: UUID) -> list[LinkRow]:
    """Returns the links of a webhook, oldest first."""
    result = await rows(
        pool, "select kind, id, name, created_at from rowhook.links_of(%s)", webhook
    )
    return [LinkRow(*row) for row in result]
