"""Resolves ids of organizations, agents and webhook owners.

An id is the platform's (`external_id`) or Rowhook's uuid. REST, dashboard and command line resolve
ids here.
"""

from __future__ import annotations

from uuid import UUID

from rowhook import postgres
from rowhook.compose import Fault
from rowhook.operations.office import NotFound, Rejected, ServiceContext

Id = UUID | str
_NUL = "\0"


async def organization_id(ctx: ServiceContext, identifier: Id) -> UUID:
    """Returns the uuid of an organization. Raises NotFound."""
    text = str(identifier)
    if _NUL not in text:
        found = await postgres.identify_organization(ctx.pool, text)
        if found is not None:
            return found
    raise NotFound(f"Organization {text} does not exist.")


async def find_agent(
    ctx: ServiceContext, identifier: Id, organization: UUID | None = None
) -> UUID | None:
    """Returns the uuid of an agent, by default of any visible organization, or None.

    Raises Rejected if several organizations have an agent with this id.
    """
    text = str(identifier)
    if _NUL in text:
        return None
    found = await postgres.identify_agent(ctx.pool, organization, text)
    if len(found) > 1:
        message = f"Several organizations have an agent {text}. Pass organization_id."
        raise Rejected(Fault(pointer="/agent_id", message=message))
    return found[0] if found else None


async def agent_id(ctx: ServiceContext, identifier: Id, organization: UUID | None = None) -> UUID:
    """Returns the uuid of an agent. Raises NotFound, Rejected."""
    found = await find_agent(ctx, identifier, organization)
    if found is None:
        raise NotFound(f"Agent {identifier} does not exist.")
    return found


async def webhook_owner(ctx: ServiceContext, webhook: UUID) -> UUID:
    """Returns the organization of a webhook. Raises NotFound."""
    found = await postgres.webhook_owner(ctx.pool, webhook)
    if found is None:
        raise NotFound(f"Webhook {webhook} does not exist.")
    return found


async def agent_of_webhook(ctx: ServiceContext, webhook: UUID, identifier: Id) -> UUID:
    """Returns the uuid of an agent in the organization of a webhook. Raises NotFound."""
    return await agent_id(ctx, identifier, await webhook_owner(ctx, webhook))
