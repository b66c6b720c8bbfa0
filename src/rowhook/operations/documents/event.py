"""Events."""

from __future__ import annotations

from datetime import datetime

from msgspec import Raw, Struct

from rowhook.operations.documents.delivery import EventType


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
