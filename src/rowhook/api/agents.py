"""Agents: `/v1/agents`."""

from __future__ import annotations

from litestar import Router

from rowhook import operations
from rowhook.api.admission import organization_filter
from rowhook.api.examples import pickers as examples
from rowhook.api.parameters import (
    CallerDependency,
    ContextDependency,
    Cursor,
    Limit,
    OrganizationId,
    Search,
)
from rowhook.api.route import get_route
from rowhook.operations.documents import Agents


@get_route("/", response_example=examples.AGENTS)
async def list_agents(
    ctx: ContextDependency,
    caller: CallerDependency,
    search: Search = None,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Agents:
    """List agents with their linked webhooks, ordered by id. `search` matches name and id."""
    organization = await organization_filter(ctx, caller, organization_id)
    return await operations.list_agents(
        ctx, organization, search=search, cursor=cursor, limit=limit
    )


def router() -> Router:
    """The router of this resource."""
    return Router(path="/agents", tags=["Agents"], route_handlers=[list_agents])
