"""What people choose from: organizations, webhooks by name, agents and goals with theirs."""

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
    WebhookName,
    WebhookNames,
)
from rowhook.operations.ctx import ServiceContext

MOST_NAMES = 1000


async def list_organizations(
    ctx: ServiceContext, *, cursor: str | None = None, limit: int = 50
) -> Organizations:
    """The organizations that this caller sees, by id."""
    after = paging.place(cursor, tuple[UUID])
    found = await postgres.organization_page(ctx.pool, after[0] if after else None, limit + 1)
    items, last = paging.cut(paging.read(found, Organization), limit)
    return Organizations(items, None if last is None else paging.cursor(last.id))


async def webhook_names(
    ctx: ServiceContext, organization: UUID | None = None, *, also: UUID | None = None
) -> WebhookNames:
    """The first 1,000 webhooks by name, `also` among them if it exists; nothing else of them."""
    found = await postgres.webhook_names(ctx.pool, organization, also, MOST_NAMES + 1)
    items, last = paging.cut(paging.read(found, WebhookName), MOST_NAMES)
    return WebhookNames(sorted(items, key=lambda one: one.name.casefold()), last is not None)


async def list_agents(
    ctx: ServiceContext,
    organization: UUID | None = None,
    *,
    search: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Agents:
    """Agents with their linked webhooks, by id; without an organization all that one sees.

    `search` is a part of the name or the id, in any case.
    """
    after = paging.place(cursor, tuple[UUID])
    found = await postgres.agent_page(
        ctx.pool, organization, after[0] if after else None, limit + 1, search
    )
    items, last = paging.cut(paging.read(found, Agent), limit)
    return Agents(items, None if last is None else paging.cursor(last.id))


async def list_goals(
    ctx: ServiceContext,
    organization: UUID | None = None,
    *,
    search: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Goals:
    """Goals with their linked webhooks, by id; without an organization all that one sees.

    `search` is a part of the name or the id, in any case.
    """
    after = paging.place(cursor, tuple[str])
    found = await postgres.goal_page(
        ctx.pool, organization, after[0] if after else None, limit + 1, search
    )
    items, last = paging.cut(paging.read(found, Goal), limit)
    return Goals(items, None if last is None else paging.cursor(last.id))
