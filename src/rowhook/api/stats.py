"""Figures: `/v1/stats`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router
from litestar.params import QueryParameter

from rowhook import operations
from rowhook.api.admission import among
from rowhook.api.examples import stats as examples
from rowhook.api.parameters import OrganizationId, TheCaller, TheOffice
from rowhook.api.route import reads
from rowhook.api.window import Window, span_of
from rowhook.operations.documents import Series, Stats
from rowhook.operations.numbers import MOST_POINTS


@reads("/", refuses=(422,), gets=examples.STATS)
async def read_stats(
    office: TheOffice,
    caller: TheCaller,
    window: Window = "24h",
    organization_id: OrganizationId = None,
) -> Stats:
    """Get statistics of the deliveries created in the window."""
    return await operations.stats(
        office, await among(office, caller, organization_id), span_of(window)
    )


@reads("/series", refuses=(422,), gets=examples.SERIES)
async def read_series(
    office: TheOffice,
    caller: TheCaller,
    window: Window = "24h",
    points: Annotated[
        int, QueryParameter(ge=1, le=MOST_POINTS, description="The number of equal steps.")
    ] = 48,
    webhook_id: Annotated[
        UUID | None, QueryParameter(description="The webhook, which may have been deleted.")
    ] = None,
    organization_id: OrganizationId = None,
) -> Series:
    """Count the deliveries created in each step of the window by current status, oldest first."""
    return await operations.series(
        office,
        organization=await among(office, caller, organization_id),
        webhook=webhook_id,
        span=span_of(window),
        points=points,
    )


def router() -> Router:
    """All calls of this noun."""
    return Router(path="/stats", tags=["Stats"], route_handlers=[read_stats, read_series])
