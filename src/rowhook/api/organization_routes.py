"""`/v1/organizations/{id}`: quotas, thresholds of alerts, export and erasure."""

from __future__ import annotations

from collections.abc import AsyncIterator

from litestar import Router
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody
from litestar.response import Stream

from rowhook.api.examples import EXAMPLES
from rowhook.api.parameters import ContextDependency
from rowhook.api.routing import action_route, get_route, patch_route
from rowhook.services import alerts, lookups, organizations
from rowhook.services.alerts import AlertThresholds, AlertThresholdsPatch
from rowhook.services.organizations import (
    Erased,
    Erasure,
    OrganizationDetails,
    OrganizationPatch,
)

_JSON_LINES = "application/x-ndjson"


@get_route("/", response_example=EXAMPLES["organization_details"])
async def read_organization(
    organization_id: FromPath[str], ctx: ContextDependency
) -> OrganizationDetails:
    """Get an organization with its quotas and what it uses of them."""
    organization = await lookups.organization_id(ctx, organization_id)
    return await organizations.organization_of(ctx, organization)


@patch_route(
    "/",
    scope="admin",
    body=OrganizationPatch,
    operators_only=True,
    request_example=EXAMPLES["organization_patch"],
    response_example=EXAMPLES["organization_details"],
)
async def change_organization(
    organization_id: FromPath[str], data: JSONBody[OrganizationPatch], ctx: ContextDependency
) -> OrganizationDetails:
    """Change quotas. Requires an operator key.

    Over the quota of webhooks, no further one can be created (409). Deliveries over the rate or
    over the bytes of a day wait; none is lost.
    """
    organization = await lookups.organization_id(ctx, organization_id)
    return await organizations.set_quotas(ctx, organization, data.quota)


@get_route("/alert-thresholds", response_example=EXAMPLES["alert_thresholds"])
async def read_alert_thresholds(
    organization_id: FromPath[str], ctx: ContextDependency
) -> AlertThresholds:
    """Get the thresholds of `webhook.held` and `webhook.backlog`, for all webhooks."""
    organization = await lookups.organization_id(ctx, organization_id)
    return await alerts.alert_thresholds(ctx, organization)


@patch_route(
    "/alert-thresholds",
    scope="write",
    body=AlertThresholdsPatch,
    request_example=EXAMPLES["alert_thresholds_patch"],
    response_example=EXAMPLES["alert_thresholds"],
)
async def change_alert_thresholds(
    organization_id: FromPath[str], data: JSONBody[AlertThresholdsPatch], ctx: ContextDependency
) -> AlertThresholds:
    """Change thresholds of `webhook.held` and `webhook.backlog`; null sets one to its default."""
    organization = await lookups.organization_id(ctx, organization_id)
    return await alerts.patch_alert_thresholds(ctx, organization, data)


@get_route(
    "/export",
    scope="admin",
    operators_only=True,
    response_example=EXAMPLES["organization_export"],
    response_spec=ResponseSpec(
        data_container=str,
        media_type=_JSON_LINES,
        description="JSON lines, each an object with `kind` and the entry under that name",
        generate_examples=False,
    ),
)
async def export_organization(organization_id: FromPath[str], ctx: ContextDependency) -> Stream:
    """Get all that is stored about an organization as JSON lines. Requires an operator key.

    Secrets, signing secrets and keys are listed without their values. The audit records the export.
    """
    organization = await lookups.organization_id(ctx, organization_id)
    lines: AsyncIterator[bytes] = organizations.export(ctx, organization)
    return Stream(lines, media_type=_JSON_LINES)


@action_route(
    "/erase",
    scope="admin",
    body=Erasure,
    errors=(409,),
    operators_only=True,
    request_example=EXAMPLES["erasure"],
    response_example=EXAMPLES["erased"],
)
async def erase_organization(
    organization_id: FromPath[str], data: JSONBody[Erasure], ctx: ContextDependency
) -> Erased:
    """Erase all that Rowhook stores about an organization, for good. Requires an operator key.

    `confirm` repeats the organization's id. The platform's own tables are unchanged. The audit
    keeps one entry, with the counts.
    """
    organization = await lookups.organization_id(ctx, organization_id)
    return await organizations.erase(ctx, organization, data.confirm)


def router() -> Router:
    """The router of this resource."""
    return Router(
        path="/organizations/{organization_id:str}",
        tags=["Organizations"],
        route_handlers=[
            read_organization,
            change_organization,
            read_alert_thresholds,
            change_alert_thresholds,
            export_organization,
            erase_organization,
        ],
    )
