"""Which organization, agent or webhook owner a caller means.

An id is written as the platform writes it (`external_id`) or as Rowhook's own uuid. Every caller,
be it REST, the dashboard or the command line, resolves ids here.
"""

from __future__ import annotations

from uuid import UUID

from rowhook import postgres
from rowhook.compose import Fault
from rowhook.operations.ctx import NotFound, ServiceContext, Rejected

Id = UUID | str
_KEPT_BY_NO_TEXT = "\0"


async def organization_id(ctx: ServiceContext, written: Id) -> UUID:
    """Rowhook's uuid of an organization. Raises NotFound."""
    text = str(written)
    if _KEPT_BY_NO_TEXT not in text:
        found = await postgres.identify_organization(ctx.pool, text)
        if found is not None:
            return found
    raise NotFound(f"organization {text} does not exist")


async def find_agent(
    ctx: ServiceContext, written: Id, organization: UUID | None = None
) -> UUID | None:
    """Rowhook's uuid of an agent, of any organization that this caller sees if none is named.

    None if there is no such agent. Raises Rejected if several organizations have one.
    """
    text = str(written)
    if _KEPT_BY_NO_TEXT in text:
        return None
    found = await postgres.identify_agent(ctx.pool, organization, text)
    if len(found) > 1:
        message = f"Several organizations have an agent {text}. Name its organization_id."
        raise Rejected(Fault(pointer="/agent_id", message=message))
    return found[0] if found else None


async def agent_id(ctx: ServiceContext, written: Id, organization: UUID | None = None) -> UUID:
    """Rowhook's uuid of an agent, as `find_agent`. Raises NotFound, Rejected."""
    found = await find_agent(ctx, written, organization)
    if found is None:
        raise NotFound(f"agent {written} does not exist")
    return found


async def webhook_owner(ctx: ServiceContext, webhook: UUID) -> UUID:
    """The organization of a webhook. Raises NotFound."""
    found = await postgres.webhook_owner(ctx.pool, webhook)
    if found is None:
        raise NotFound(f"webhook {webhook} does not exist")
    return found


async def agent_of_webhook(ctx: ServiceContext, webhook: UUID, written: Id) -> UUID:
    """Rowhook's uuid of an agent of the webhook's organization. Raises NotFound."""
    return await agent_id(ctx, written, await webhook_owner(ctx, webhook))
