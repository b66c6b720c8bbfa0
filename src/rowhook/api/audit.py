"""The audit: `/v1/audit`."""

from __future__ import annotations

from typing import Annotated

from litestar import Router
from litestar.params import QueryParameter

from rowhook import operations
from rowhook.api.admission import among
from rowhook.api.examples import audit as examples
from rowhook.api.parameters import ContextDependency, Cursor, Limit, OrganizationId, TheCaller
from rowhook.api.route import reads
from rowhook.operations.documents import Audit


@reads("/", scope="admin", gets=examples.AUDIT)
async def list_audit(
    ctx: ContextDependency,
    caller: TheCaller,
    actor: Annotated[
        str | None, QueryParameter(max_length=1000, description="Done by: `key:ci`, `cli:ann`.")
    ] = None,
    action: Annotated[
        str | None, QueryParameter(max_length=1000, description="As in `webhook.changed`.")
    ] = None,
    subject: Annotated[
        str | None, QueryParameter(max_length=1000, description="Done to: the id of a webhook, …")
    ] = None,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Audit:
    """Who changed what, before and after, newest first; no secret is in it."""
    organization = await among(ctx, caller, organization_id)
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
    """All calls of this noun."""
    return Router(path="/audit", tags=["Audit"], route_handlers=[list_audit])
