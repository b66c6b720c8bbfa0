"""Goals: `/v1/goals`, with their outputs, commit schema, commit tool and validation."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Router
from litestar.params import FromPath, JSONBody, QueryParameter

from rowhook import operations
from rowhook.api.admission import organization_filter
from rowhook.api.examples import contract, pickers, webhooks
from rowhook.api.parameters import (
    CallerDependency,
    ContextDependency,
    Cursor,
    Limit,
    OrganizationId,
    Search,
)
from rowhook.api.route import action_route, get_route
from rowhook.contract import Format
from rowhook.operations import CommitValidation, Proposal
from rowhook.operations.documents import Goals, Webhooks

ToolFormat = Annotated[
    Format,
    QueryParameter(
        description="For Anthropic's Messages API, OpenAI's Chat Completions API or MCP."
    ),
]


@get_route("/", response_example=pickers.GOALS)
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
    return await operations.list_goals(ctx, organization, search=search, cursor=cursor, limit=limit)


@get_route("/{goal_id:str}/outputs", response_example=webhooks.WEBHOOKS)
async def list_outputs(
    goal_id: FromPath[str], ctx: ContextDependency, limit: Limit = 50, cursor: Cursor = None
) -> Webhooks:
    """List the webhooks that receive the goal's commits, newest first."""
    return await operations.list_webhooks(ctx, goal=goal_id, cursor=cursor, limit=limit)


@get_route("/{goal_id:str}/schema", response_example=contract.SCHEMA)
async def goal_schema(goal_id: FromPath[str], ctx: ContextDependency) -> dict[str, Any]:
    """Get the JSON Schema (2020-12) of a commit to this goal.

    It combines the schemas of the goal's outputs, mapped back through their templates to `data.*`,
    with every path that the templates require. `x-rowhook` lists the requirements of each output,
    those on the session's context, and what could not be mapped back. Disabled outputs are ignored.
    """
    return await operations.goal_schema(ctx, goal_id)


@get_route("/{goal_id:str}/commit-tool", response_example=contract.TOOL)
async def commit_tool(
    goal_id: FromPath[str],
    ctx: ContextDependency,
    format: ToolFormat = "anthropic",  # noqa: A002  # CONTRACT names it
) -> dict[str, Any]:
    """Get the commit schema as a tool definition for a model. The tool's input is `commit.data`."""
    return await operations.goal_tool(ctx, goal_id, format)


@action_route(
    "/{goal_id:str}/validate",
    scope="write",
    body=Proposal,
    request_example=contract.PROPOSAL,
    response_example=contract.VERDICT,
)
async def validate_commit(
    goal_id: FromPath[str], ctx: ContextDependency, data: JSONBody[Proposal]
) -> CommitValidation:
    """Render and validate every output for proposed data, as the worker would. Sends nothing.

    Pointers refer to `data`, and are "" if no single value is at fault. `context` defaults to the
    context of the session named by `session_id`.
    """
    return await operations.validate_commit(ctx, goal_id, data)


def router() -> Router:
    """The router of this resource."""
    calls = [list_goals, list_outputs, goal_schema, commit_tool, validate_commit]
    return Router(path="/goals", tags=["Goals"], route_handlers=calls)
