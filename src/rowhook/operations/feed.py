"""Events for those who ask instead of being called, in the order of commits."""

from __future__ import annotations

from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta

from rowhook import postgres
from rowhook.operations import paging
from rowhook.operations.documents import Event, Events, EventType
from rowhook.operations.office import Registry

# As for webhooks: what Rowhook says of itself comes to those who ask for it.
ORDINARY: tuple[EventType, ...] = ("job.succeeded", "job.failed", "goal.committed")
_BEGINNING = ("0", 0)


class _Place(NamedTuple):
    xact: Annotated[str, Meta(pattern="^(0|[1-9][0-9]{0,18})$")]
    id: paging.RowId


async def list_events(
    office: Registry, organization: UUID | None = None, *, agent: UUID | None = None,
    goal: str | None = None, types: tuple[EventType, ...] = (), after: str | None = None,
    limit: int = 50,
) -> Events:  # fmt: skip
    """Events after a cursor, the oldest first. Raises Rejected for a cursor of something else.

    A transaction that commits late comes late, and is never skipped: while one that writes is open,
    what was committed after its beginning waits.
    """
    place = paging.place(after, _Place) or _BEGINNING
    if "\0" in (goal or ""):
        return Events([], paging.cursor(*place))
    found = await postgres.event_feed(
        office.pool, organization=organization, agent=agent, goal=goal,
        types=types or ORDINARY, after=(place[0], place[1]), most=limit,
    )  # fmt: skip
    last = found[-1][:2] if found else place
    return Events(
        [msgspec.json.decode(text, type=Event) for _, _, text in found], paging.cursor(*last)
    )
