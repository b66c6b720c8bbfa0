"""How webhooks fare: `/v1/webhooks/health`, `/v1/webhooks/worst`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router
from litestar.params import QueryParameter

from rowhook import operations
from rowhook.api.admission import among
from rowhook.api.examples import failures as examples
from rowhook.api.parameters import ContextDependency, Limit, OrganizationId, TheCaller
from rowhook.api.route import reads
from rowhook.api.window import Window, span_of
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


@reads("/health", refuses=(422,), gets=examples.HEALTH)
async def read_health(ctx: ContextDependency, webhook_ids: WebhookIds) -> HealthList:
    """What waits for these webhooks, and what came of the last 24 hours, in all and by the hour.

    In the order in which they are asked for; what does not exist is left out.
    """
    return HealthList(await operations.health_of(ctx, webhook_ids))


@reads("/worst", refuses=(422,), gets=examples.TROUBLES)
async def list_worst(
    ctx: ContextDependency,
    caller: TheCaller,
    window: Window = "1h",
    organization_id: OrganizationId = None,
    limit: Limit = 10,
) -> FailingWebhooks:
    """Webhooks with deliveries that are held, wait after a failed try, or died in the window.

    The one with most of them first. What is held or waits counts however old it is.
    """
    found = await operations.worst_webhooks(
        ctx,
        organization=await among(ctx, caller, organization_id),
        span=span_of(window),
        limit=limit,
    )
    return FailingWebhooks(found)


def router() -> Router:
    """All calls of this noun."""
    return Router(path="/webhooks", tags=["Webhooks"], route_handlers=[read_health, list_worst])
