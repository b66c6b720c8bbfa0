"""The functions of links: which completions go to which webhook."""

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
    """False if the two are not of one organization."""
    return bool(await value(pool, "select rowhook.link_agent(%s, %s)", webhook, agent))


async def link_goal(pool: ConnectionSource, webhook: UUID, goal: str) -> bool:
    """False if the two are not of one organization."""
    return bool(await value(pool, "select rowhook.link_goal(%s, %s)", webhook, goal))


async def unlink(
    pool: ConnectionSource, webhook: UUID, agent: UUID | None, goal: str | None
) -> bool:
    """Ends the link to the agent or the goal; False if there was none."""
    return bool(await value(pool, "select rowhook.unlink(%s, %s, %s)", webhook, agent, goal))


async def link_page(
    pool: ConnectionSource, webhook: UUID, after: int, most: int
) -> list[tuple[int, LinkRow]]:
    """(place, link) of a webhook's links that come after a place, oldest first."""
    found = await rows(
        pool,
        "select place, kind, id, name, created_at from rowhook.link_page(%s, %s, %s)",
        webhook,
        after,
        most,
    )
    return [(row[0], LinkRow(*row[1:])) for row in found]


async def links_of(pool: ConnectionSource, webhook: UUID) -> list[LinkRow]:
    """The links of a webhook, oldest first."""
    found = await rows(pool, "select kind, id, name, created_at from rowhook.links_of(%s)", webhook)
    return [LinkRow(*row) for row in found]
