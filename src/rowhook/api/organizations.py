"""Organizations: `/v1/organizations`."""

from __future__ import annotations

from litestar import Router

from rowhook import operations
from rowhook.api.examples import pickers as examples
from rowhook.api.parameters import ContextDependency, Cursor, Limit
from rowhook.api.route import reads
from rowhook.operations.documents import Organizations


@reads("/", gets=examples.ORGANIZATIONS, operators_only=True)
async def list_organizations(
    ctx: ContextDependency, limit: Limit = 50, cursor: Cursor = None
) -> Organizations:
    """Every organization of the platform, by id. For operator keys."""
    return await operations.list_organizations(ctx, cursor=cursor, limit=limit)


def router() -> Router:
    """All calls of this noun."""
    return Router(
        path="/organizations", tags=["Organizations"], route_handlers=[list_organizations]
    )
