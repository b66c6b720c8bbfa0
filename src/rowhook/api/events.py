"""The polling feed: `/v1/events`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router
from litestar.params import QueryParameter

from rowhook import operations
from rowhook.api.admission import among
from rowhook.api.examples import events as examples
from rowhook.api.parameters import Limit, OrganizationId, TheCaller, TheOffice
from rowhook.api.route import reads
from rowhook.operations.documents import Events, EventType


@reads("/", gets=examples.EVENTS)
async def list_events(  # its filters
    office: TheOffice,
    caller: TheCaller,
    after: Annotated[
        str | None,
        QueryParameter(max_length=200, description="`next_cursor` of the answer before."),
    ] = None,
    agent_id: Annotated[UUID | None, QueryParameter(description="Of this agent's jobs.")] = None,
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
        office, among(caller, organization_id), agent=agent_id, goal=goal_id,
        types=tuple(event_type or ()), after=after, limit=limit,
    )  # fmt: skip


def router() -> Router:
    """All calls of this noun."""
    return Router(path="/events", tags=["Events"], route_handlers=[list_events])
