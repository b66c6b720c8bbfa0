"""How webhooks fare: `/v1/webhooks/health`, `/v1/webhooks/worst`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router
from litestar.params import QueryParameter

from rowhook import operations
from rowhook.api.admission import among
from rowhook.api.examples import failures as examples
from rowhook.api.parameters import Limit, OrganizationId, TheCaller, TheOffice
from rowhook.api.route import reads
from rowhook.api.window import Window, span_of
from rowhook.operations.documents import HealthList, Troubles
from rowhook.operations.paging import MOST

WebhookIds = Annotated[
    list[UUID],
    QueryParameter(
        name="webhook_id",
        min_items=1,
        max_items=MOST,
        description="May be repeated: `?webhook_id=…&webhook_id=…`.",
    ),
]


@reads("/health", refuses=(422,), gets=examples.HEALTH)
async def read_health(office: TheOffice, webhook_ids: WebhookIds) -> HealthList:
    """Get the backlog of webhooks and their results of the last 24 hours, in total and per hour.

    In the order of `webhook_id`; webhooks that do not exist are left out.
    """
    return HealthList(await operations.health_of(office, webhook_ids))


@reads("/worst", refuses=(422,), gets=examples.TROUBLES)
async def list_worst(
    office: TheOffice,
    caller: TheCaller,
    window: Window = "1h",
    organization_id: OrganizationId = None,
    limit: Limit = 10,
) -> Troubles:
    """List the webhooks with the most held, retrying and dead deliveries.

    Dead deliveries count if they were created in the window; held and retrying ones always count.
    """
    found = await operations.worst_webhooks(
        office,
        organization=await among(office, caller, organization_id),
        span=span_of(window),
        limit=limit,
    )
    return Troubles(found)


def router() -> Router:
    """All calls of this noun."""
    return Router(path="/webhooks", tags=["Webhooks"], route_handlers=[read_health, list_worst])
