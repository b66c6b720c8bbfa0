"""What people choose from: organizations, agents and goals with their webhooks."""

from __future__ import annotations

from uuid import UUID

from rowhook import postgres
from rowhook.operations import paging
from rowhook.operations.documents import (
    Agent,
    Agents,
    Goal,
    Goals,
    Organization,
    Organizations,
)
from rowhook.operations.office import Registry


async def list_organizations(
    office: Registry, *, cursor: str | None = None, limit: int = 50
) -> Organizations:
    """The organizations that this caller sees, by id."""
    after = paging.place(cursor, tuple[UUID])
    found = await postgres.organization_page(office.pool, after[0] if after else None, limit + 1)
    items, last = paging.cut(paging.read(found, Organization), limit)
    return Organizations(items, None if last is None else paging.cursor(last.id))


async def list_agents(
    office: Registry, organization: UUID | None = None, *, search: str | None = None,
    cursor: str | None = None, limit: int = 50,
) -> Agents:  # fmt: skip
    """Agents with their linked webhooks, by id; without an organization all that one sees.

    `search` is a part of the name or the id, in any case.
    """
    after = paging.place(cursor, tuple[UUID])
    found = await postgres.agent_page(
        office.pool, organization, after[0] if after else None, limit + 1, search
    )
    items, last = paging.cut(paging.read(found, Agent), limit)
    return Agents(items, None if last is None else paging.cursor(last.id))


async def list_goals(
    office: Registry, organization: UUID | None = None, *, search: str | None = None,
    cursor: str | None = None, limit: int = 50,
) -> Goals:  # fmt: skip
    """Goals with their linked webhooks, by id; without an organization all that one sees.

    `search` is a part of the name or the id, in any case.
    """
    after = paging.place(cursor, tuple[str])
    found = await postgres.goal_page(
        office.pool, organization, after[0] if after else None, limit + 1, search
    )
    items, last = paging.cut(paging.read(found, Goal), limit)
    return Goals(items, None if last is None else paging.cursor(last.id))
