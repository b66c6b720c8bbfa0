"""Events: in the order of commits for those who ask instead of being called; one, or the newest."""

from __future__ import annotations

from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta, Raw

from rowhook import postgres
from rowhook.operations import paging
from rowhook.operations.documents import Event, Events, EventType, RecentEvent, RecentEvents
from rowhook.operations.identify import Id, find_agent
from rowhook.operations.ctx import NotFound, ServiceContext

# As for webhooks: what Rowhook says of itself comes to those who ask for it.
ORDINARY: tuple[EventType, ...] = ("job.succeeded", "job.failed", "goal.committed")
_BEGINNING = ("0", 0)


class _Place(NamedTuple):
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
    """Events after a cursor, the oldest first. Raises Rejected for a cursor of something else.

    A transaction that commits late comes late, and is never skipped: while one that writes is open,
    what was committed after its beginning waits.
    """
    place = paging.place(after, _Place) or _BEGINNING
    known = None if agent is None else await find_agent(ctx, agent, organization)
    if "\0" in (goal or "") or (agent is not None and known is None):
        return Events([], paging.cursor(*place))
    found = await postgres.event_feed(
        ctx.pool,
        organization=organization,
        agent=known,
        goal=goal,
        types=types or ORDINARY,
        after=(place[0], place[1]),
        most=limit,
    )
    last = found[-1][:2] if found else place
    return Events([_read(text) for _, _, text in found], paging.cursor(*last))


def _read(text: str) -> Event:
    """Its JSON stays as it was committed: half a surrogate pair, or nested deeper than we read."""
    given = msgspec.json.decode(text)
    for name in ("snapshot", "data", "context"):
        given[name] = Raw((given[name] or "null").encode())
    return msgspec.convert(given, type=Event)


async def event_of(ctx: ServiceContext, event: int) -> Event:
    """One event with its data. Raises NotFound."""
    found = await postgres.event_of(ctx.pool, event) if 0 < event <= paging.LARGEST_ID else None
    if found is None:
        raise NotFound(f"event {event} does not exist")
    return _read(found)


async def recent_events(
    ctx: ServiceContext,
    organization: UUID | None = None,
    *,
    webhook: UUID | None = None,
    agent: Id | None = None,
    goal: str | None = None,
    limit: int = 20,
) -> RecentEvents:
    """Jobs and commits, newest first, to try a webhook out with: those that its links bring."""
    known = None if agent is None else await find_agent(ctx, agent, organization)
    if "\0" in (goal or "") or (agent is not None and known is None):
        return RecentEvents([])
    found = await postgres.recent_events(
        ctx.pool,
        organization=organization,
        webhook=webhook,
        agent=known,
        goal=goal,
        most=limit,
    )
    return RecentEvents(paging.read(found, RecentEvent))
