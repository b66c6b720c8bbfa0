"""Links: `/v1/webhooks/{webhook_id}/links`, `…/agents/{agent_id}`, `…/goals/{goal_id}`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router
from litestar.params import FromPath, PathParameter

from rowhook import operations
from rowhook.api.examples import links as examples
from rowhook.api.parameters import ContextDependency, Cursor, Limit
from rowhook.api.route import delete_route, get_route, put_route
from rowhook.operations.documents import Links

AgentInPath = Annotated[
    str,
    PathParameter(description="The agent's id as the platform writes it, or Rowhook's uuid."),
]


@get_route("/links", response_example=examples.LINKS)
async def list_links(
    webhook_id: FromPath[UUID], ctx: ContextDependency, limit: Limit = 50, cursor: Cursor = None
) -> Links:
    """List the agents and goals that the webhook is linked to, oldest link first."""
    return await operations.list_links(ctx, webhook_id, cursor=cursor, limit=limit)


@put_route("/agents/{agent_id:str}", scope="write")
async def link_agent(
    webhook_id: FromPath[UUID], agent_id: AgentInPath, ctx: ContextDependency
) -> None:
    """Send the agent's finished jobs to the webhook from now on. Idempotent."""
    await operations.link_agent(ctx, webhook_id, agent_id)


@delete_route("/agents/{agent_id:str}", scope="write")
async def unlink_agent(
    webhook_id: FromPath[UUID], agent_id: AgentInPath, ctx: ContextDependency
) -> None:
    """Unlink an agent. Takes effect for statements that start after this response. Idempotent."""
    await operations.unlink_agent(ctx, webhook_id, agent_id)


@put_route("/goals/{goal_id:str}", scope="write")
async def link_goal(
    webhook_id: FromPath[UUID], goal_id: FromPath[str], ctx: ContextDependency
) -> None:
    """Send the goal's commits to the webhook from now on. Idempotent."""
    await operations.link_goal(ctx, webhook_id, goal_id)


@delete_route("/goals/{goal_id:str}", scope="write")
async def unlink_goal(
    webhook_id: FromPath[UUID], goal_id: FromPath[str], ctx: ContextDependency
) -> None:
    """Unlink a goal. Takes effect for statements that start after this response. Idempotent."""
    await operations.unlink_goal(ctx, webhook_id, goal_id)


def router() -> Router:
    """The router of this resource."""
    return Router(
        path="/webhooks/{webhook_id:uuid}",
        tags=["Links"],
        route_handlers=[list_links, link_agent, unlink_agent, link_goal, unlink_goal],
    )
