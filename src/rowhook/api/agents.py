"""Agents: `/v1/agents`."""

from __future__ import annotations

from litestar import Router

from rowhook import operations
from rowhook.api.admission import among
from rowhook.api.examples import pickers as examples
from rowhook.api.parameters import Cursor, Limit, OrganizationId, Search, TheCaller, TheOffice
from rowhook.api.route import reads
from rowhook.operations.documents import Agents


@reads("/", gets=examples.AGENTS)
async def list_agents(
    office: TheOffice,
    caller: TheCaller,
    search: Search = None,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Agents:
    """List agents with their linked webhooks, ordered by id. `search` matches name and id."""
    organization = await among(office, caller, organization_id)
    return await operations.list_agents(
        office, organization, search=search, cursor=cursor, limit=limit
    )


def router() -> Router:
    """All calls of this noun."""
    return Router(path="/agents", tags=["Agents"], route_handlers=[list_agents])
