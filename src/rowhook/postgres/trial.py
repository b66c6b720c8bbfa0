"""The functions of test sends and previews."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from rowhook.postgres.connection import ConnectionSource, StatementError, rows

_ANOTHER_GOALS = "RH003"


class CommitIdTaken(RuntimeError):
    """The id of a commit is that of another goal's."""


class SampleRow(NamedTuple):
    """A snapshot as JSON text, and the database's time."""

    snapshot: str
    moment: datetime


class BegunTest(NamedTuple):
    """The event of a test send, and when it began by the database's clock."""

    event_id: int
    moment: datetime


async def sample_job(
    pool: ConnectionSource, organization: UUID, agent: UUID | None
) -> SampleRow | None:
    """A job that never ran, of that agent or of none; None if the agent is not its."""
    found = await rows(
        pool, "select snapshot, moment from rowhook.sample_job(%s, %s)", organization, agent
    )
    return SampleRow(*found[0]) if found else None


async def sample_commit(pool: ConnectionSource, organization: UUID, goal: str) -> SampleRow | None:
    """A commit that nobody made to that goal; None if the goal is not this organization's."""
    found = await rows(
        pool, "select snapshot, moment from rowhook.sample_commit(%s, %s)", organization, goal
    )
    return SampleRow(*found[0]) if found else None


class SampleEventRow(NamedTuple):
    """An event with its JSON texts, and the database's time as `moment`."""

    id: int
    type: str
    key: str
    occurred_at: datetime
    snapshot: str
    data: str | None
    context: str | None
    oversize_bytes: int | None
    agent_id: UUID | None
    goal_id: str | None
    moment: datetime


async def sample_event(
    pool: ConnectionSource, organization: UUID, event: int
) -> SampleEventRow | None:
    """That event as it was captured; None if it is not this organization's."""
    found = await rows(
        pool,
        "select id, type, key, occurred_at, snapshot, data, context, oversize_bytes, agent_id,"
        " goal_id, moment from rowhook.sample_event(%s, %s)",
        organization,
        event,
    )
    return SampleEventRow(*found[0]) if found else None


class ProposedRow(NamedTuple):
    """A commit that is not made: whose it is, snapshot and context as JSON texts, the time."""

    organization: UUID
    snapshot: str
    context: str | None
    moment: datetime


async def proposed_commit(
    pool: ConnectionSource, goal: str, session: str | None, interview: str | None
) -> ProposedRow | None:
    """A commit to that goal that is not made yet; None if this caller sees no such two."""
    found = await rows(
        pool,
        "select organization_id, snapshot, context, moment"
        " from rowhook.proposed_commit(%s, %s, %s)",
        goal,
        session,
        interview,
    )
    return ProposedRow(*found[0]) if found else None


async def make_commit(
    pool: ConnectionSource,
    goal: str,
    session: str | None,
    interview: str | None,
    data: str,
    wanted: str | None,
) -> tuple[str, bool] | None:
    """(id, whether it is new) of a commit; None if this caller sees no such goal or session.

    Raises CommitIdTaken if the wanted id is that of another goal's commit.
    """
    try:
        found = await rows(
            pool,
            "select commit_id, is_new from rowhook.make_commit(%s, %s, %s, %s::json, %s)",
            goal,
            session,
            interview,
            data,
            wanted,
        )
    except StatementError as error:
        if error.sqlstate == _ANOTHER_GOALS:
            raise CommitIdTaken(error.diag.message_primary) from error
        raise
    return (found[0][0], found[0][1]) if found else None


async def begin_test(
    pool: ConnectionSource,
    webhook: UUID,
    key: str,
    *,
    agent: UUID | None,
    goal: str | None,
    snapshot: str,
    data: str | None,
    context: str | None,
    oversize_bytes: int | None,
) -> BegunTest | None:
    """Writes the event and the audit row of a test send; None if there is no such webhook."""
    found = await rows(
        pool,
        "select event_id, moment from"
        " rowhook.begin_test(%s, %s, %s, %s, %s::json, %s::json, %s::json, %s)",
        webhook,
        key,
        agent,
        goal,
        snapshot,
        data,
        context,
        oversize_bytes,
    )
    return BegunTest(*found[0]) if found else None
