"""Goals: `/v1/goals`."""

from __future__ import annotations

from litestar import Router

from rowhook import operations
from rowhook.api.admission import among
from rowhook.api.examples import pickers as examples
from rowhook.api.parameters import Cursor, Limit, OrganizationId, TheCaller, TheOffice
from rowhook.api.route import reads
from rowhook.operations.documents import Goals


@reads("/", gets=examples.GOALS)
async def list_goals(
    office: TheOffice,
    caller: TheCaller,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Goals:
    """Goals with the webhooks that they are linked to, by id."""
    organization = among(caller, organization_id)
    return await operations.list_goals(office, organization, cursor=cursor, limit=limit)


def router() -> Router:
    """All calls of this noun."""
    return Router(path="/goals", tags=["Goals"], route_handlers=[list_goals])
