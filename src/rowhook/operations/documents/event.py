"""Events, as the feed gives them."""

from __future__ import annotations

from datetime import datetime

from msgspec import Raw, Struct

from rowhook.operations.documents.delivery import EventType


class Event(Struct, frozen=True, kw_only=True):
    """One completion, commit or notice, as it was at that moment.

    Ids are as the platform writes them. `snapshot` holds its names and times. `data` is the
    commit's data or the job's output, `context` the session's context or the job's metadata, digit
    for digit; null where they were larger than 1 MiB together (`oversize_bytes`).
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
    """An event to choose: whose it is, without its data. `name` is the agent's or the goal's."""

    id: int
    organization_id: str
    type: EventType
    key: str
    agent_id: str | None
    goal_id: str | None
    occurred_at: datetime
    name: str | None


class RecentEvents(Struct, frozen=True):
    """The newest events, newest first."""

    items: list[RecentEvent]


class Events(Struct, frozen=True):
    """Events in the order of commits. `next_cursor` is where to go on, now or later."""

    items: list[Event]
    next_cursor: str
