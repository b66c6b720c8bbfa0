"""Events: `/v1/events`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router
from litestar.params import FromPath, QueryParameter

from rowhook.api.auth import organization_filter
from rowhook.api.examples import EXAMPLES
from rowhook.api.parameters import (
    AgentId,
    CallerDependency,
    ContextDependency,
    Limit,
    OrganizationId,
)
from rowhook.api.routing import get_route
from rowhook.model import EventType
from rowhook.services import events
from rowhook.services.events import Event, Events, RecentEvents


@get_route("/", response_example=EXAMPLES["events"])
async def list_events(
    ctx: ContextDependency,
    caller: CallerDependency,
    after: Annotated[
        str | None,
        QueryParameter(max_length=200, description="`next_cursor` of the previous response."),
    ] = None,
    agent_id: AgentId = None,
    goal_id: Annotated[
        str | None, QueryParameter(max_length=1000, description="Only commits to this goal.")
    ] = None,
    event_type: Annotated[
        list[EventType] | None,
        QueryParameter(description="May be repeated. Default: events of jobs and commits."),
    ] = None,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
) -> Events:
    """List events in commit order, oldest first. Poll with `next_cursor` for newer ones.

    No event is skipped or repeated. Events are held back while an older writing transaction is
    open, so that one that commits late still comes in order.
    """
    return await events.list_events(
        ctx,
        await organization_filter(ctx, caller, organization_id),
        agent=agent_id,
        goal=goal_id,
        types=tuple(event_type or ()),
        after=after,
        limit=limit,
    )


@get_route("/recent", response_example=EXAMPLES["recent_events"])
async def recent_events(
    ctx: ContextDependency,
    caller: CallerDependency,
    webhook_id: Annotated[
        UUID | None, QueryParameter(description="Only events of objects linked to this webhook.")
    ] = None,
    agent_id: AgentId = None,
    goal_id: Annotated[
        str | None, QueryParameter(max_length=1000, description="Only commits to this goal.")
    ] = None,
    organization_id: OrganizationId = None,
    limit: Limit = 20,
) -> RecentEvents:
    """List recent events of jobs and commits without their data, newest first, as samples."""
    organization = await organization_filter(ctx, caller, organization_id)
    return await events.recent_events(
        ctx,
        organization,
        webhook=webhook_id,
        agent=agent_id,
        goal=goal_id,
        limit=limit,
    )


@get_route("/{event_id:int}", response_example=EXAMPLES["events"]["items"][0])
async def read_event(event_id: FromPath[int], ctx: ContextDependency) -> Event:
    """Get one event with its data, as captured."""
    return await events.event_of(ctx, event_id)


def router() -> Router:
    """The router of this resource."""
    return Router(
        path="/events", tags=["Events"], route_handlers=[list_events, recent_events, read_event]
    )
