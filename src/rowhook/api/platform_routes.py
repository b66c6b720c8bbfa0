"""`/v1/organizations`, `/v1/agents` and `/v1/goals`."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Router
from litestar.params import FromPath, JSONBody, QueryParameter

from rowhook.api.auth import organization_filter
from rowhook.api.examples import EXAMPLES
from rowhook.api.parameters import (
    CallerDependency,
    ContextDependency,
    Cursor,
    Limit,
    OrganizationId,
    Search,
)
from rowhook.api.routing import action_route, get_route
from rowhook.commit_schema.commit_tool import Format
from rowhook.services import commits, lookups, webhooks
from rowhook.services.commits import CommitValidation, Proposal
from rowhook.services.lookups import Agents, Goals, Organizations
from rowhook.services.webhook_documents import Webhooks


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


ToolFormat = Annotated[
    Format,
    QueryParameter(
        description="For Anthropic's Messages API, OpenAI's Chat Completions API or MCP."
    ),
]


StrictTool = Annotated[bool, QueryParameter(description="In OpenAI's strict form.")]


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
    those on the session's context, and what could not be mapped back. Disabled outputs are ignored.
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
    parameter `data`, a JSON text; the description says so. `strict` gives OpenAI's strict form.
    """
    return await commits.goal_tool(ctx, goal_id, format, strict=strict)


@action_route(
    "/{goal_id:str}/validate",
    scope="write",
    body=Proposal,
    request_example=EXAMPLES["proposal"],
    response_example=EXAMPLES["verdict"],
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
