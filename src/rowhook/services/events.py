"""The event feed, in commit order; single events and the newest ones."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct

from rowhook.db import list_queries
from rowhook.model import EventType
from rowhook.services import paging
from rowhook.services.context import NotFound, ServiceContext
from rowhook.services.lookups import Id, find_agent


class Event(Struct, frozen=True, kw_only=True):
    """A snapshot of one completion, commit or operational message.

    Ids are those of the platform. `snapshot` contains names and times. `data` is the data of the
    commit or the output of the job, `context` the context of the session or the metadata of the
    job. Numbers keep their digits. Both are null if they exceed 1 MiB together (`oversize_bytes`).
    """

    id: int
    organization_id: str
    type: EventType
    key: str
    job_id: str | None
    commit_id: str | None
    agent_id: str | None
    goal_id: str | None
    session_id: str | None
    occurred_at: datetime
    snapshot: Raw
    data: Raw
    context: Raw
    oversize_bytes: int | None


class RecentEvent(Struct, frozen=True, kw_only=True):
    """An event without its data. `name` is the name of its agent or goal."""

    id: int
    organization_id: str
    type: EventType
    key: str
    agent_id: str | None
    goal_id: str | None
    occurred_at: datetime
    name: str | None


class RecentEvents(Struct, frozen=True):
    """Recent events, newest first."""

    items: list[RecentEvent]


class Events(Struct, frozen=True):
    """Events in commit order. Continue with `next_cursor`, now or later."""

    items: list[Event]
    next_cursor: str


# Operational events are only listed if requested, as for webhooks.
ORDINARY: tuple[EventType, ...] = ("job.succeeded", "job.failed", "goal.committed")
_START = ("0", 0)


class _Position(NamedTuple):
    xact: Annotated[str, Meta(pattern="^(0|[1-9][0-9]{0,18})$")]
    id: paging.RowId


async def list_events(
    ctx: ServiceContext,
    organization: UUID | None = None,
    *,
    agent: Id | None = None,
    goal: str | None = None,
    types: tuple[EventType, ...] = (),
    after: str | None = None,
    limit: int = 50,
) -> Events:
    """Lists events after a cursor, oldest first. Raises Rejected for a cursor of another list.

    No event is skipped: while a writing transaction is open, events of transactions that started
    later are not listed.
    """
    position = paging.decode_cursor(after, _Position) or _START
    agent_uuid = None if agent is None else await find_agent(ctx, agent, organization)
    if "\0" in (goal or "") or (agent is not None and agent_uuid is None):
        return Events([], paging.cursor(*position))
    rows = await list_queries.event_feed(
        ctx.lists,
        organization=organization,
        agent=agent_uuid,
        goal=goal,
        types=types or ORDINARY,
        after=(position[0], position[1]),
        limit=limit,
    )
    last = rows[-1][:2] if rows else position
    return Events([_read(text) for _, _, text in rows], paging.cursor(*last))


def _read(text: str) -> Event:
    """Decodes an event; keeps its JSON values as text, since they may not be decodable."""
    document = msgspec.json.decode(text)
    for name in ("snapshot", "data", "context"):
        document[name] = Raw((document[name] or "null").encode())
    return msgspec.convert(document, type=Event)


async def event_of(ctx: ServiceContext, event: int) -> Event:
    """Reads an event with its data. Raises NotFound."""
    document = (
        await list_queries.event_of(ctx.pool, event) if 0 < event <= paging.LARGEST_ID else None
    )
    if document is None:
        raise NotFound(f"Event {event} does not exist.")
    return _read(document)


async def recent_events(
    ctx: ServiceContext,
    organization: UUID | None = None,
    *,
    webhook: UUID | None = None,
    agent: Id | None = None,
    goal: str | None = None,
    limit: int = 20,
) -> RecentEvents:
    """Lists recent jobs and commits, newest first, as samples for a webhook and its links."""
    agent_uuid = None if agent is None else await find_agent(ctx, agent, organization)
    if "\0" in (goal or "") or (agent is not None and agent_uuid is None):
        return RecentEvents([])
    rows = await list_queries.recent_events(
        ctx.lists,
        organization=organization,
        webhook=webhook,
        agent=agent_uuid,
        goal=goal,
        limit=limit,
    )
    return RecentEvents(paging.read(rows, RecentEvent))
