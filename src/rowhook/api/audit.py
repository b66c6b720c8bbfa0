"""The audit: `/v1/audit`."""

from __future__ import annotations

from typing import Annotated

from litestar import Router
from litestar.params import QueryParameter

from rowhook import operations
from rowhook.api.admission import organization_filter
from rowhook.api.examples import audit as examples
from rowhook.api.parameters import (
    CallerDependency,
    ContextDependency,
    Cursor,
    Limit,
    OrganizationId,
)
from rowhook.api.route import get_route
from rowhook.operations.documents import Audit


@get_route("/", scope="admin", response_example=examples.AUDIT)
async def list_audit(
    ctx: ContextDependency,
    caller: CallerDependency,
    actor: Annotated[
        str | None,
        QueryParameter(
            max_length=1000, description="Who made the change, e.g. `key:ci` or `cli:ann`."
        ),
    ] = None,
    action: Annotated[
        str | None,
        QueryParameter(max_length=1000, description="The kind of change, e.g. `webhook.changed`."),
    ] = None,
    subject: Annotated[
        str | None,
        QueryParameter(max_length=1000, description="What was changed, e.g. the id of a webhook."),
    ] = None,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Audit:
    """List changes with their state before and after, newest first. Secrets are never recorded."""
    organization = await organization_filter(ctx, caller, organization_id)
    return await operations.list_audit(
        ctx,
        organization,
        actor=actor,
        action=action,
        subject=subject,
        cursor=cursor,
        limit=limit,
    )


def router() -> Router:
    """The router of this resource."""
    return Router(path="/audit", tags=["Audit"], route_handlers=[list_audit])
