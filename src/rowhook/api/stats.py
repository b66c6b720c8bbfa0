"""Statistics: `/v1/stats`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router
from litestar.params import QueryParameter

from rowhook import operations
from rowhook.api.admission import organization_filter
from rowhook.api.examples import stats as examples
from rowhook.api.parameters import CallerDependency, ContextDependency, OrganizationId
from rowhook.api.route import get_route
from rowhook.api.window import Window, parse_window
from rowhook.operations.documents import Series, Stats
from rowhook.operations.numbers import MAX_POINTS


@get_route("/", errors=(422,), response_example=examples.STATS)
async def read_stats(
    ctx: ContextDependency,
    caller: CallerDependency,
    window: Window = "24h",
    organization_id: OrganizationId = None,
) -> Stats:
    """Get statistics of the deliveries created in the window."""
    return await operations.stats(
        ctx, await organization_filter(ctx, caller, organization_id), parse_window(window)
    )


@get_route("/series", errors=(422,), response_example=examples.SERIES)
async def read_series(
    ctx: ContextDependency,
    caller: CallerDependency,
    window: Window = "24h",
    points: Annotated[
        int, QueryParameter(ge=1, le=MAX_POINTS, description="The number of equal steps.")
    ] = 48,
    webhook_id: Annotated[
        UUID | None, QueryParameter(description="The webhook, which may have been deleted.")
    ] = None,
    organization_id: OrganizationId = None,
) -> Series:
    """Count the deliveries created in each step of the window by current status, oldest first."""
    return await operations.series(
        ctx,
        organization=await organization_filter(ctx, caller, organization_id),
        webhook=webhook_id,
        span=parse_window(window),
        points=points,
    )


def router() -> Router:
    """The router of this resource."""
    return Router(path="/stats", tags=["Stats"], route_handlers=[read_stats, read_series])
