"""Links between webhooks and agents or goals."""

from __future__ import annotations

from uuid import UUID

from rowhook.db import webhook_queries
from rowhook.db.statements import StillReferenced
from rowhook.services import paging
from rowhook.services.context import NotFound, ServiceContext, StillLinked
from rowhook.services.lookups import Id, agent_of_webhook
from rowhook.services.webhook_documents import Link, Links


async def link_agent(ctx: ServiceContext, webhook: UUID, agent: Id) -> None:
    """Links an agent to a webhook; idempotent. Raises NotFound."""
    agent_id = await agent_of_webhook(ctx, webhook, agent)
    try:
        is_linked = await webhook_queries.link_agent(ctx.pool, webhook, agent_id)
    except StillReferenced as error:
        raise _gone(webhook, f"agent {agent}") from error
    if not is_linked:
        raise _gone(webhook, f"agent {agent}")


async def link_goal(ctx: ServiceContext, webhook: UUID, goal: str) -> None:
    """Links a goal to a webhook; idempotent. Raises NotFound."""
    try:
        is_linked = await webhook_queries.link_goal(ctx.pool, webhook, goal)
    except StillReferenced as error:
        raise _gone(webhook, f"goal {goal}") from error
    if not is_linked:
        raise NotFound(f"Goal {goal} and webhook {webhook} belong to different organizations.")


def _gone(webhook: UUID, linked: str) -> NotFound:
    # One of them was deleted while they were being linked.
    return NotFound(f"Webhook {webhook} or {linked} does not exist.")


async def unlink_agent(ctx: ServiceContext, webhook: UUID, agent: Id) -> bool:
    """Unlinks an agent; returns False if it was not linked. Raises NotFound.

    It takes effect for jobs that are completed by later statements.
    """
    agent_id = await agent_of_webhook(ctx, webhook, agent)
    return await webhook_queries.unlink(ctx.pool, webhook, agent_id, None)


async def unlink_goal(ctx: ServiceContext, webhook: UUID, goal: str) -> bool:
    """Unlinks a goal for later commits; returns False if it was not linked."""
    return await webhook_queries.unlink(ctx.pool, webhook, None, goal)


async def unlink_all(ctx: ServiceContext, webhook: UUID) -> int:
    """Removes all current links of a webhook; returns the count."""
    links = await links_of(ctx, webhook)
    for link in links.items:
        if link.kind == "agent":
            await unlink_agent(ctx, webhook, link.id)
        else:
            await unlink_goal(ctx, webhook, link.id)
    return len(links.items)


async def links_of(ctx: ServiceContext, webhook: UUID) -> Links:
    """Returns all links of a webhook, oldest first."""
    rows = await webhook_queries.links_of(ctx.pool, webhook)
    return Links([Link(row.kind, row.id, row.name, row.created_at) for row in rows])  # type: ignore[arg-type]


async def list_links(
    ctx: ServiceContext, webhook: UUID, *, cursor: str | None = None, limit: int = 50
) -> Links:
    """Lists a page of the links of a webhook, oldest first."""
    after = paging.decode_cursor(cursor, tuple[paging.RowId])
    rows = await webhook_queries.link_page(ctx.pool, webhook, after[0] if after else 0, limit + 1)
    items, last = paging.cut(rows, limit)
    links = [Link(row.kind, row.id, row.name, row.created_at) for _, row in items]  # type: ignore[arg-type]
    return Links(links, None if last is None else paging.cursor(last[0]))


async def still_linked(ctx: ServiceContext, webhook: UUID) -> StillLinked | None:
    """Returns the error for deleting a linked webhook; None if it has no links."""
    links = await webhook_queries.links_of(ctx.pool, webhook)
    if not links:
        return None
    errors = [
        {
            "pointer": "",
            "message": f"{link.kind.capitalize()} {link.name} ({link.id}) is linked to it.",
            "kind": link.kind,
            "id": link.id,
            "name": link.name,
        }
        for link in links
    ]
    count = f"{len(links)} agents or goals are" if len(links) > 1 else "1 agent or goal is"
    return StillLinked(f"{count} linked to this webhook. Remove the links first.", errors)
