"""Goals: `/v1/goals`, with what their outputs ask of a commit before it is made."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Router
from litestar.params import FromPath, JSONBody, QueryParameter

from rowhook import operations
from rowhook.api.admission import among
from rowhook.api.examples import contract, pickers, webhooks
from rowhook.api.parameters import (
    ContextDependency,
    Cursor,
    Limit,
    OrganizationId,
    Search,
    TheCaller,
)
from rowhook.api.route import acts, reads
from rowhook.contract import Format
from rowhook.operations import CommitValidation, Proposal
from rowhook.operations.documents import Goals, Webhooks

ToolFormat = Annotated[
    Format,
    QueryParameter(description="Anthropic's Messages, OpenAI's Chat Completions, or MCP's list."),
]


@reads("/", gets=pickers.GOALS)
async def list_goals(
    ctx: ContextDependency,
    caller: TheCaller,
    search: Search = None,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Goals:
    """Goals with the webhooks linked to them, by id; `search` is in the name or the id."""
    organization = await among(ctx, caller, organization_id)
    return await operations.list_goals(ctx, organization, search=search, cursor=cursor, limit=limit)


@reads("/{goal_id:str}/outputs", gets=webhooks.WEBHOOKS)
async def list_outputs(
    goal_id: FromPath[str], ctx: ContextDependency, limit: Limit = 50, cursor: Cursor = None
) -> Webhooks:
    """The webhooks that the goal's commits go to, newest first."""
    return await operations.list_webhooks(ctx, goal=goal_id, cursor=cursor, limit=limit)


@reads("/{goal_id:str}/schema", gets=contract.SCHEMA)
async def goal_schema(goal_id: FromPath[str], ctx: ContextDependency) -> dict[str, Any]:
    """One JSON Schema (2020-12) of what must be committed for this goal.

    The schemas of its outputs, brought back through their templates to `data.*`, and every path
    that these cannot do without. `x-rowhook` says which output asks for what, what the session's
    context must hold, and what could not be brought back. A disabled output asks for nothing.
    """
    return await operations.goal_schema(ctx, goal_id)


@reads("/{goal_id:str}/commit-tool", gets=contract.TOOL)
async def commit_tool(
    goal_id: FromPath[str],
    ctx: ContextDependency,
    format: ToolFormat = "anthropic",  # noqa: A002  # CONTRACT names it
) -> dict[str, Any]:
    """That schema as a tool definition, ready to hand to a model. Its input is `commit.data`."""
    return await operations.goal_tool(ctx, goal_id, format)


@acts(
    "/{goal_id:str}/validate",
    scope="write",
    body=Proposal,
    sends=contract.PROPOSAL,
    gets=contract.VERDICT,
)
async def validate_commit(
    goal_id: FromPath[str], ctx: ContextDependency, data: JSONBody[Proposal]
) -> CommitValidation:
    """Renders and validates every output against proposed data, as the worker would; sends nothing.

    Pointers lead into `data`; "" where no single value of it decides. `context` is that of the
    session that `session_id` names, unless it is given.
    """
    return await operations.validate_commit(ctx, goal_id, data)


def router() -> Router:
    """All calls of this noun."""
    calls = [list_goals, list_outputs, goal_schema, commit_tool, validate_commit]
    return Router(path="/goals", tags=["Goals"], route_handlers=calls)
