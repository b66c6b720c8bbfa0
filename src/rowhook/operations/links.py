"""Links: which agent's finished jobs and which goal's commits go to which webhook."""

from __future__ import annotations

from uuid import UUID

from rowhook import postgres
from rowhook.operations.documents import Link, Links
from rowhook.operations.office import NotFound, Office, StillLinked


async def link_agent(office: Office, webhook: UUID, agent: UUID) -> None:
    """From now on the agent's finished jobs go to the webhook; idempotent. Raises NotFound."""
    if not await postgres.link_agent(office.pool, webhook, agent):
        raise NotFound(f"agent {agent} or webhook {webhook} is not one of this organization")


async def link_goal(office: Office, webhook: UUID, goal: str) -> None:
    """From now on the goal's commits go to the webhook; idempotent. Raises NotFound."""
    if not await postgres.link_goal(office.pool, webhook, goal):
        raise NotFound(f"goal {goal} or webhook {webhook} is not one of this organization")


async def unlink_agent(office: Office, webhook: UUID, agent: UUID) -> bool:
    """Holds for jobs whose completing statement starts after it; False if it was not linked."""
    return await postgres.unlink(office.pool, webhook, agent, None)


async def unlink_goal(office: Office, webhook: UUID, goal: str) -> bool:
    """Holds for commits whose statement starts after it; False if it was not linked."""
    return await postgres.unlink(office.pool, webhook, None, goal)


async def links_of(office: Office, webhook: UUID) -> Links:
    """All links of a webhook, oldest first."""
    found = await postgres.links_of(office.pool, webhook)
    return Links([Link(one.kind, one.id, one.name, one.created_at) for one in found])  # type: ignore[arg-type]


async def still_linked(office: Office, webhook: UUID) -> StillLinked | None:
    """What holds a webhook back from being deleted; None if nothing does any more."""
    links = await postgres.links_of(office.pool, webhook)
    if not links:
        return None
    errors = [
        {
            "pointer": "", "message": f"{one.kind} {one.name} ({one.id}) is linked to it",
            "kind": one.kind, "id": one.id, "name": one.name,
        }
        for one in links
    ]  # fmt: skip
    count = f"{len(links)} agents or goals are" if len(links) > 1 else "1 agent or goal is"
    return StillLinked(f"{count} still linked to this webhook: unlink them first", errors)
