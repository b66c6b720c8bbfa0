"""Webhook health: `/v1/webhooks/health`, `/v1/webhooks/worst`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router
from litestar.params import QueryParameter

from rowhook import operations
from rowhook.api.admission import organization_filter
from rowhook.api.examples import failures as examples
from rowhook.api.parameters import CallerDependency, ContextDependency, Limit, OrganizationId
from rowhook.api.route import get_route
from rowhook.api.window import Window, parse_window
from rowhook.operations.documents import FailingWebhooks, HealthList
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


@get_route("/health", errors=(422,), response_example=examples.HEALTH)
async def read_health(ctx: ContextDependency, webhook_ids: WebhookIds) -> HealthList:
    """Get the backlog of webhooks and their results of the last 24 hours, in total and per hour.

    In the order of `webhook_id`; webhooks that do not exist are left out.
    """
    return HealthList(await operations.health_of(ctx, webhook_ids))


@get_route("/worst", errors=(422,), response_example=examples.TROUBLES)
async def list_worst(
    ctx: ContextDependency,
    caller: CallerDependency,
    window: Window = "1h",
    organization_id: OrganizationId = None,
    limit: Limit = 10,
) -> FailingWebhooks:
    """List the webhooks with the most held, retrying and dead deliveries.

    Dead deliveries count if they were created in the window; held and retrying ones always count.
    """
    worst = await operations.worst_webhooks(
        ctx,
        organization=await organization_filter(ctx, caller, organization_id),
        span=parse_window(window),
        limit=limit,
    )
    return FailingWebhooks(worst)


def router() -> Router:
    """The router of this resource."""
    return Router(path="/webhooks", tags=["Webhooks"], route_handlers=[read_health, list_worst])
