"""Organizations: `/v1/organizations`."""

from __future__ import annotations

from litestar import Router

from rowhook import operations
from rowhook.api.examples import pickers as examples
from rowhook.api.parameters import ContextDependency, Cursor, Limit
from rowhook.api.route import get_route
from rowhook.operations.documents import Organizations


@get_route("/", response_example=examples.ORGANIZATIONS, operators_only=True)
async def list_organizations(
    ctx: ContextDependency, limit: Limit = 50, cursor: Cursor = None
) -> Organizations:
    """List all organizations, ordered by id. Requires an operator key."""
    return await operations.list_organizations(ctx, cursor=cursor, limit=limit)


def router() -> Router:
    """The router of this resource."""
    return Router(
        path="/organizations", tags=["Organizations"], route_handlers=[list_organizations]
    )
