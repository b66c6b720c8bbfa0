"""Goals: `/v1/goals`, with what their outputs ask of a commit before it is made."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Router
from litestar.params import FromPath, JSONBody, QueryParameter

from rowhook import operations
from rowhook.api.admission import among
from rowhook.api.examples import contract, pickers, webhooks
from rowhook.api.parameters import Cursor, Limit, OrganizationId, Search, TheCaller, TheOffice
from rowhook.api.route import acts, reads
from rowhook.contract import Format
from rowhook.operations import CommitVerdict, Proposal
from rowhook.operations.documents import Goals, Webhooks

ToolFormat = Annotated[
    Format,
    QueryParameter(
        description="For Anthropic's Messages API, OpenAI's Chat Completions API or MCP."
    ),
]


@reads("/", gets=pickers.GOALS)
async def list_goals(
    office: TheOffice,
    caller: TheCaller,
    search: Search = None,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Goals:
    """List goals with their linked webhooks, ordered by id. `search` matches name and id."""
    organization = await among(office, caller, organization_id)
    return await operations.list_goals(
        office, organization, search=search, cursor=cursor, limit=limit
    )


@reads("/{goal_id:str}/outputs", gets=webhooks.WEBHOOKS)
async def list_outputs(
    goal_id: FromPath[str], office: TheOffice, limit: Limit = 50, cursor: Cursor = None
) -> Webhooks:
    """List the webhooks that receive the goal's commits, newest first."""
    return await operations.list_webhooks(office, goal=goal_id, cursor=cursor, limit=limit)


@reads("/{goal_id:str}/schema", gets=contract.SCHEMA)
async def goal_schema(goal_id: FromPath[str], office: TheOffice) -> dict[str, Any]:
    """Get the JSON Schema (2020-12) of a commit to this goal.

    It combines the schemas of the goal's outputs, mapped back through their templates to `data.*`,
    with every path that the templates require. `x-rowhook` lists the requirements of each output,
    those on the session's context, and what could not be mapped back. Disabled outputs are ignored.
    """
    return await operations.goal_schema(office, goal_id)


@reads("/{goal_id:str}/commit-tool", gets=contract.TOOL)
async def commit_tool(
    goal_id: FromPath[str],
    office: TheOffice,
    format: ToolFormat = "anthropic",  # noqa: A002  # CONTRACT names it
) -> dict[str, Any]:
    """Get the commit schema as a tool definition for a model. The tool's input is `commit.data`."""
    return await operations.goal_tool(office, goal_id, format)


@acts(
    "/{goal_id:str}/validate",
    scope="write",
    body=Proposal,
    sends=contract.PROPOSAL,
    gets=contract.VERDICT,
)
async def validate_commit(
    goal_id: FromPath[str], office: TheOffice, data: JSONBody[Proposal]
) -> CommitVerdict:
    """Render and validate every output for proposed data, as the worker would. Sends nothing.

    Pointers refer to `data`, and are "" if no single value is at fault. `context` defaults to the
    context of the session named by `session_id`.
    """
    return await operations.validate_commit(office, goal_id, data)


def router() -> Router:
    """All calls of this noun."""
    calls = [list_goals, list_outputs, goal_schema, commit_tool, validate_commit]
    return Router(path="/goals", tags=["Goals"], route_handlers=calls)
