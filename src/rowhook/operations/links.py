"""Links: which agent's finished jobs and which goal's commits go to which webhook."""

from __future__ import annotations

from uuid import UUID

from rowhook import postgres
from rowhook.operations import paging
from rowhook.operations.documents import Link, Links
from rowhook.operations.identify import Id, agent_of_webhook
from rowhook.operations.ctx import NotFound, ServiceContext, StillLinked


async def link_agent(ctx: ServiceContext, webhook: UUID, agent: Id) -> None:
    """From now on the agent's finished jobs go to the webhook; idempotent. Raises NotFound."""
    known = await agent_of_webhook(ctx, webhook, agent)
    try:
        joined = await postgres.link_agent(ctx.pool, webhook, known)
    except postgres.StillReferenced as error:
        raise _gone(webhook, f"agent {agent}") from error
    if not joined:
        raise _gone(webhook, f"agent {agent}")


async def link_goal(ctx: ServiceContext, webhook: UUID, goal: str) -> None:
    """From now on the goal's commits go to the webhook; idempotent. Raises NotFound."""
    try:
        joined = await postgres.link_goal(ctx.pool, webhook, goal)
    except postgres.StillReferenced as error:
        raise _gone(webhook, f"goal {goal}") from error
    if not joined:
        raise NotFound(f"goal {goal} and webhook {webhook} are not of one organization")


def _gone(webhook: UUID, linked: str) -> NotFound:
    # The foreign key: one of them was deleted while they were being linked.
    return NotFound(f"webhook {webhook} or {linked} does not exist any more")


async def unlink_agent(ctx: ServiceContext, webhook: UUID, agent: Id) -> bool:
    """Holds for jobs whose completing statement starts after it; False if it was not linked.

    Raises NotFound.
    """
    known = await agent_of_webhook(ctx, webhook, agent)
    return await postgres.unlink(ctx.pool, webhook, known, None)


async def unlink_goal(ctx: ServiceContext, webhook: UUID, goal: str) -> bool:
    """Holds for commits whose statement starts after it; False if it was not linked."""
    return await postgres.unlink(ctx.pool, webhook, None, goal)


async def unlink_all(ctx: ServiceContext, webhook: UUID) -> int:
    """Unlinks every agent and goal that is linked now; how many."""
    found = await links_of(ctx, webhook)
    for one in found.items:
        if one.kind == "agent":
            await unlink_agent(ctx, webhook, one.id)
        else:
            await unlink_goal(ctx, webhook, one.id)
    return len(found.items)


async def links_of(ctx: ServiceContext, webhook: UUID) -> Links:
    """All links of a webhook, oldest first."""
    found = await postgres.links_of(ctx.pool, webhook)
    return Links([Link(one.kind, one.id, one.name, one.created_at) for one in found])  # type: ignore[arg-type]


async def list_links(
    ctx: ServiceContext, webhook: UUID, *, cursor: str | None = None, limit: int = 50
) -> Links:
    """A page of a webhook's links, oldest first."""
    after = paging.place(cursor, tuple[paging.RowId])
    found = await postgres.link_page(ctx.pool, webhook, after[0] if after else 0, limit + 1)
    items, last = paging.cut(found, limit)
    shown = [Link(one.kind, one.id, one.name, one.created_at) for _, one in items]  # type: ignore[arg-type]
    return Links(shown, None if last is None else paging.cursor(last[0]))


async def still_linked(ctx: ServiceContext, webhook: UUID) -> StillLinked | None:
    """What holds a webhook back from being deleted; None if nothing does any more."""
    links = await postgres.links_of(ctx.pool, webhook)
    if not links:
        return None
    errors = [
        {
            "pointer": "",
            "message": f"{one.kind} {one.name} ({one.id}) is linked to it",
            "kind": one.kind,
            "id": one.id,
            "name": one.name,
        }
        for one in links
    ]
    count = f"{len(links)} agents or goals are" if len(links) > 1 else "1 agent or goal is"
    return StillLinked(f"{count} still linked to this webhook: unlink them first", errors)
