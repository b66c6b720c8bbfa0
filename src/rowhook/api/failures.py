"""What failed, grouped: `/v1/failures`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from litestar import Router
from litestar.params import QueryParameter

from rowhook import operations
from rowhook.api.admission import among
from rowhook.api.examples import failures as examples
from rowhook.api.parameters import ContextDependency, Limit, OrganizationId, TheCaller
from rowhook.api.route import reads
from rowhook.api.window import TIME, moment
from rowhook.operations.documents import Failures

_DAY = timedelta(hours=24)


@reads("/", refuses=(422,), gets=examples.FAILURES)
async def list_failures(
    ctx: ContextDependency,
    caller: TheCaller,
    since: Annotated[
        str | None,
        QueryParameter(
            description="Created then or later: RFC 3339; without it, in the last 24 hours.",
            schema_extra=TIME,
        ),
    ] = None,
    webhook_id: Annotated[
        UUID | None, QueryParameter(description="To this webhook, deleted or not.")
    ] = None,
    organization_id: OrganizationId = None,
    limit: Limit = 100,
) -> Failures:
    """Deliveries that are dead, held, or wait after a failed try, by webhook and error.

    The group with the newest delivery first. Of each webhook and status the newest 10,000 are
    looked at; `capped` says that there were more.
    """
    return await operations.list_failures(
        ctx,
        organization=await among(ctx, caller, organization_id),
        webhook=webhook_id,
        since=moment("/since", since) or datetime.now(UTC) - _DAY,
        limit=limit,
    )


def router() -> Router:
    """All calls of this noun."""
    return Router(path="/failures", tags=["Deliveries"], route_handlers=[list_failures])
