"""Events: `/v1/events`, to poll, and the newest to choose from."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router
from litestar.params import FromPath, QueryParameter

from rowhook import operations
from rowhook.api.admission import among
from rowhook.api.examples import events as examples
from rowhook.api.parameters import AgentId, ContextDependency, Limit, OrganizationId, TheCaller
from rowhook.api.route import reads
from rowhook.operations.documents import Event, Events, EventType, RecentEvents


@reads("/", gets=examples.EVENTS)
async def list_events(  # its filters
    ctx: ContextDependency,
    caller: TheCaller,
    after: Annotated[
        str | None,
        QueryParameter(max_length=200, description="`next_cursor` of the answer before."),
    ] = None,
    agent_id: AgentId = None,
    goal_id: Annotated[
        str | None, QueryParameter(max_length=1000, description="Of this goal's commits.")
    ] = None,
    event_type: Annotated[
        list[EventType] | None,
        QueryParameter(description="May be repeated. Without it jobs and commits."),
    ] = None,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
) -> Events:
    """Events in the order of commits, the oldest kept first; ask again with `next_cursor`.

    No event is skipped or repeated: one whose transaction commits late comes late. Events wait
    while an older transaction that writes is open.
    """
    return await operations.list_events(
        ctx,
        await among(ctx, caller, organization_id),
        agent=agent_id,
        goal=goal_id,
        types=tuple(event_type or ()),
        after=after,
        limit=limit,
    )


@reads("/recent", gets=examples.RECENT_EVENTS)
async def recent_events(
    ctx: ContextDependency,
    caller: TheCaller,
    webhook_id: Annotated[
        UUID | None, QueryParameter(description="Of what this webhook is linked to.")
    ] = None,
    agent_id: AgentId = None,
    goal_id: Annotated[
        str | None, QueryParameter(max_length=1000, description="Of this goal's commits.")
    ] = None,
    organization_id: OrganizationId = None,
    limit: Limit = 20,
) -> RecentEvents:
    """Jobs and commits, newest first and without their data: what to try a webhook out with."""
    organization = await among(ctx, caller, organization_id)
    return await operations.recent_events(
        ctx,
        organization,
        webhook=webhook_id,
        agent=agent_id,
        goal=goal_id,
        limit=limit,
    )


@reads("/{event_id:int}", gets=examples.EVENTS["items"][0])
async def read_event(event_id: FromPath[int], ctx: ContextDependency) -> Event:
    """One event with its data, as it was at that moment."""
    return await operations.event_of(ctx, event_id)


def router() -> Router:
    """All calls of this noun."""
    return Router(
        path="/events", tags=["Events"], route_handlers=[list_events, recent_events, read_event]
    )
