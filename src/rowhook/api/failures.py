"""Failed deliveries in groups: `/v1/failures`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from litestar import Router
from litestar.params import QueryParameter

from rowhook import operations
from rowhook.api.admission import organization_filter
from rowhook.api.examples import failures as examples
from rowhook.api.parameters import CallerDependency, ContextDependency, Limit, OrganizationId
from rowhook.api.route import get_route
from rowhook.api.window import TIME, parse_timestamp
from rowhook.operations.documents import Failures

_DAY = timedelta(hours=24)


@get_route("/", errors=(422,), response_example=examples.FAILURES)
async def list_failures(
    ctx: ContextDependency,
    caller: CallerDependency,
    since: Annotated[
        str | None,
        QueryParameter(
            description="Created at or after this time (RFC 3339). Default: 24 hours ago.",
            schema_extra=TIME,
        ),
    ] = None,
    webhook_id: Annotated[
        UUID | None, QueryParameter(description="The webhook, which may have been deleted.")
    ] = None,
    organization_id: OrganizationId = None,
    limit: Limit = 100,
) -> Failures:
    """Group dead, held and retrying deliveries by webhook and error.

    The group with the newest delivery comes first. At most the newest 10,000 deliveries of each
    webhook and status are examined; `capped` is true if there were more.
    """
    return await operations.list_failures(
        ctx,
        organization=await organization_filter(ctx, caller, organization_id),
        webhook=webhook_id,
        since=parse_timestamp("/since", since) or datetime.now(UTC) - _DAY,
        limit=limit,
    )


def router() -> Router:
    """The router of this resource."""
    return Router(path="/failures", tags=["Deliveries"], route_handlers=[list_failures])
