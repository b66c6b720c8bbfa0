"""Figures: `/v1/stats`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router
from litestar.params import QueryParameter

from rowhook import operations
from rowhook.api.admission import among
from rowhook.api.examples import stats as examples
from rowhook.api.parameters import ContextDependency, OrganizationId, TheCaller
from rowhook.api.route import reads
from rowhook.api.window import Window, span_of
from rowhook.operations.documents import Series, Stats
from rowhook.operations.numbers import MAX_POINTS


@reads("/", refuses=(422,), gets=examples.STATS)
async def read_stats(
    ctx: ContextDependency,
    caller: TheCaller,
    window: Window = "24h",
    organization_id: OrganizationId = None,
) -> Stats:
    """What came of the deliveries created in the window."""
    return await operations.stats(ctx, await among(ctx, caller, organization_id), span_of(window))


@reads("/series", refuses=(422,), gets=examples.SERIES)
async def read_series(
    ctx: ContextDependency,
    caller: TheCaller,
    window: Window = "24h",
    points: Annotated[
        int, QueryParameter(ge=1, le=MAX_POINTS, description="How many equal steps.")
    ] = 48,
    webhook_id: Annotated[
        UUID | None, QueryParameter(description="To this webhook, deleted or not.")
    ] = None,
    organization_id: OrganizationId = None,
) -> Series:
    """The deliveries created in each step of the window, by what they are now; the oldest first."""
    return await operations.series(
        ctx,
        organization=await among(ctx, caller, organization_id),
        webhook=webhook_id,
        span=span_of(window),
        points=points,
    )


def router() -> Router:
    """All calls of this noun."""
    return Router(path="/stats", tags=["Stats"], route_handlers=[read_stats, read_series])
