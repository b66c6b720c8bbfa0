"""Test sends, previews and proposed commits."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from rowhook.db.statements import ConnectionSource, StatementError, rows

_COMMIT_ID_TAKEN = "RH003"


class CommitIdTaken(RuntimeError):
    """The id belongs to a commit of another goal."""


class SampleRow(NamedTuple):
    """A snapshot as JSON text, and the time of the database."""

    snapshot: str
    moment: datetime


class BegunTest(NamedTuple):
    """The event of a test send, and its start by the clock of the database."""

    event_id: int
    moment: datetime


async def sample_job(
    pool: ConnectionSource, organization: UUID, agent: UUID | None
) -> SampleRow | None:
    """Returns a sample job, of an agent if one is named; None if it is another organization's."""
    result = await rows(
        pool, "select snapshot, moment from rowhook.sample_job(%s, %s)", organization, agent
    )
    return SampleRow(*result[0]) if result else None


async def sample_commit(pool: ConnectionSource, organization: UUID, goal: str) -> SampleRow | None:
    """Returns a sample commit to a goal; None if the goal belongs to another organization."""
    result = await rows(
        pool, "select snapshot, moment from rowhook.sample_commit(%s, %s)", organization, goal
    )
    return SampleRow(*result[0]) if result else None


class SampleEventRow(NamedTuple):
    """An event with its JSON texts, and the time of the database as `moment`."""

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
    """Returns an event as captured; None if it belongs to another organization."""
    result = await rows(
        pool,
        "select id, type, key, occurred_at, snapshot, data, context, oversize_bytes, agent_id,"
        " goal_id, moment from rowhook.sample_event(%s, %s)",
        organization,
        event,
    )
    return SampleEventRow(*result[0]) if result else None


class ProposedRow(NamedTuple):
    """A proposed commit: organization, snapshot and context as JSON texts, time."""

    organization: UUID
    snapshot: str
    context: str | None
    moment: datetime


async def proposed_commit(
    pool: ConnectionSource, goal: str, session: str | None, interview: str | None
) -> ProposedRow | None:
    """Returns a proposed commit; None if the caller cannot see the goal or session."""
    result = await rows(
        pool,
        "select organization_id, snapshot, context, moment"
        " from rowhook.proposed_commit(%s, %s, %s)",
        goal,
        session,
        interview,
    )
    return ProposedRow(*result[0]) if result else None


async def make_commit(
    pool: ConnectionSource,
    goal: str,
    session: str | None,
    interview: str | None,
    data: str,
    commit_id: str | None,
) -> tuple[str, bool] | None:
    """Inserts a commit and returns (id, whether it is new).

    None if the caller cannot see the goal or session. Raises CommitIdTaken if the id belongs to a
    commit of another goal.
    """
    try:
        result = await rows(
            pool,
            "select commit_id, is_new from rowhook.make_commit(%s, %s, %s, %s::json, %s)",
            goal,
            session,
            interview,
            data,
            commit_id,
        )
    except StatementError as error:
        if error.sqlstate == _COMMIT_ID_TAKEN:
            raise CommitIdTaken(error.diag.message_primary) from error
        raise
    return (result[0][0], result[0][1]) if result else None


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
    """Writes the event and the audit row of a test send; None if the webhook is not found."""
    result = await rows(
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
    return BegunTest(*result[0]) if result else None
