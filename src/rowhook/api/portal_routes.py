"""`/v1/portal-links`."""

from __future__ import annotations

from typing import Any

from litestar import Request, Router
from litestar.params import JSONBody

from rowhook.api.auth import organization_of_new
from rowhook.api.examples import EXAMPLES
from rowhook.api.parameters import CallerDependency, ContextDependency
from rowhook.api.routing import create_route, site_url
from rowhook.services import portal
from rowhook.services.json_reader import ReadResult
from rowhook.services.portal import PortalLink, PortalLinkDraft


@create_route(
    "/",
    scope="write",
    body=ReadResult[PortalLinkDraft],
    request_example=EXAMPLES["portal_link_draft"],
    response_example=EXAMPLES["portal_link"],
)
async def create_portal_link(
    data: JSONBody[ReadResult[PortalLinkDraft]],
    request: Request[Any, Any, Any],
    ctx: ContextDependency,
    caller: CallerDependency,
) -> PortalLink:
    """Create a link that signs a customer in once to the dashboard of one organization.

    The session ends after twelve hours, or when the key of this request is deleted or expires.
    """
    draft, faults = data
    organization = await organization_of_new(ctx, caller, draft.organization_id, faults)
    return await portal.create_link(
        ctx, caller, organization, draft, faults, base_url=site_url(request)
    )


def router() -> Router:
    """The router of this resource."""
    return Router(path="/portal-links", tags=["Portal"], route_handlers=[create_portal_link])
