"""Objects of the platform: `/v1/organizations`, `/v1/agents` and `/v1/goals`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import Router
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream

from rowhook.api.auth import organization_filter
from rowhook.api.parameters import (
    CallerDependency,
    ContextDependency,
    Cursor,
    Limit,
    OrganizationId,
    Search,
)
from rowhook.api.routing import EXAMPLES, action_route, get_route, patch_route
from rowhook.commit_schema.commit_tool import Format
from rowhook.services import alerts, commits, lookups, organizations, webhooks
from rowhook.services.alerts import AlertThresholds, AlertThresholdsPatch
from rowhook.services.commits import CommitValidation, Proposal
from rowhook.services.lookups import Agents, Goals, Organizations
from rowhook.services.organizations import (
    Erased,
    Erasure,
    OrganizationDetails,
    OrganizationPatch,
)
from rowhook.services.webhook_documents import Webhooks

ToolFormat = Annotated[
    Format,
    QueryParameter(
        description="For Anthropic's Messages API, OpenAI's Chat Completions API or MCP."
    ),
]
StrictTool = Annotated[bool, QueryParameter(description="In OpenAI's strict form.")]
_JSON_LINES = "application/x-ndjson"


@get_route("/", response_example=EXAMPLES["organizations"], operators_only=True)
async def list_organizations(
    ctx: ContextDependency, limit: Limit = 50, cursor: Cursor = None
) -> Organizations:
    """List all organizations, ordered by id. Requires an operator key."""
    return await lookups.list_organizations(ctx, cursor=cursor, limit=limit)


def organization_router() -> Router:
    """The router of this resource."""
    return Router(
        path="/organizations", tags=["Organizations"], route_handlers=[list_organizations]
    )


@get_route("/", response_example=EXAMPLES["organization_details"])
async def read_organization(
    organization_id: FromPath[str], ctx: ContextDependency
) -> OrganizationDetails:
    """Get an organization with its quotas and their usage."""
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


def organization_settings_router() -> Router:
    """The router of one organization."""
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


@get_route("/", response_example=EXAMPLES["agents"])
async def list_agents(
    ctx: ContextDependency,
    caller: CallerDependency,
    search: Search = None,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Agents:
    """List agents with their linked webhooks, ordered by id. `search` matches name and id."""
    organization = await organization_filter(ctx, caller, organization_id)
    return await lookups.list_agents(ctx, organization, search=search, cursor=cursor, limit=limit)


def agent_router() -> Router:
    """The router of this resource."""
    return Router(path="/agents", tags=["Agents"], route_handlers=[list_agents])


@get_route("/", response_example=EXAMPLES["goals"])
async def list_goals(
    ctx: ContextDependency,
    caller: CallerDependency,
    search: Search = None,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Goals:
    """List goals with their linked webhooks, ordered by id. `search` matches name and id."""
    organization = await organization_filter(ctx, caller, organization_id)
    return await lookups.list_goals(ctx, organization, search=search, cursor=cursor, limit=limit)


@get_route("/{goal_id:str}/outputs", response_example=EXAMPLES["webhooks"])
async def list_outputs(
    goal_id: FromPath[str], ctx: ContextDependency, limit: Limit = 50, cursor: Cursor = None
) -> Webhooks:
    """List the webhooks that receive the goal's commits, newest first."""
    return await webhooks.list_webhooks(ctx, goal=goal_id, cursor=cursor, limit=limit)


@get_route("/{goal_id:str}/schema", response_example=EXAMPLES["schema"])
async def goal_schema(goal_id: FromPath[str], ctx: ContextDependency) -> dict[str, Any]:
    """Get the JSON Schema (2020-12) of a commit to this goal.

    It combines the schemas of the goal's outputs, mapped back through their templates to `data.*`,
    with every path that the templates require. `x-rowhook` lists the requirements of each output,
    those on the session's context, and parts that could not be mapped back. Disabled outputs are
    ignored.
    """
    return await commits.goal_schema(ctx, goal_id)


@get_route("/{goal_id:str}/commit-tool", response_example=EXAMPLES["tool"])
async def commit_tool(
    goal_id: FromPath[str],
    ctx: ContextDependency,
    format: ToolFormat = "anthropic",  # noqa: A002  # the name in the query
    strict: StrictTool = False,  # noqa: FBT002  # a parameter of the query
) -> dict[str, Any]:
    """Get the commit schema as a tool definition that the model's API accepts as it is.

    The tool's input is `commit.data`. Members whose names the APIs refuse are together in one
    parameter `data`, a JSON text; the description explains it. `strict` gives OpenAI's strict form.
    """
    return await commits.goal_tool(ctx, goal_id, format, strict=strict)


@action_route(
    "/{goal_id:str}/validate",
    scope="write",
    body=Proposal,
    request_example=EXAMPLES["proposal"],
    response_example=EXAMPLES["commit_validation"],
)
async def validate_commit(
    goal_id: FromPath[str], ctx: ContextDependency, data: JSONBody[Proposal]
) -> CommitValidation:
    """Render and validate every output for proposed data, as the worker would. Sends nothing.

    Pointers refer to `data`, and are "" if no single value is at fault. `context` defaults to the
    context of the session named by `session_id`.
    """
    return await commits.validate_commit(ctx, goal_id, data)


def goal_router() -> Router:
    """The router of this resource."""
    calls = [list_goals, list_outputs, goal_schema, commit_tool, validate_commit]
    return Router(path="/goals", tags=["Goals"], route_handlers=calls)
