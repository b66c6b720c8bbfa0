"""The cost of ordering callbacks depends only on the new ones, not on the history of a session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from rowhook.db.connection_pool import Pool
from tests.engine.test_claim_plan import Statistics, mislead_planner, whatever_the_statistics
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, pytest.mark.new_database, every_server]

MANY = 20_000
MOST_READ = 200
SESSION = "session_1"
OTHER_SESSION = "session_2"
TABLES = "rowhook.outbox, rowhook.event, rowhook.webhook, rowhook.callback"

# For tables the rows read by sequential scans, for indexes the entries returned by scans.
READ = """
select coalesce(sum(pg_stat_get_xact_tuples_returned(c.oid)), 0)::bigint
from pg_class c left join pg_index i on i.indexrelid = c.oid
where coalesce(i.indrelid, c.oid) in (
  'rowhook.outbox'::regclass, 'rowhook.event'::regclass, 'rowhook.webhook'::regclass,
  'rowhook.callback'::regclass)
"""

# Commits of the session with one frontend delivery each, and its callback.
ADD_STAGED = """
with added as (
  insert into rowhook.event (organization_id, type, key, session_id, occurred_at)
  select %(organization)s, 'goal.committed', gen_random_uuid(), %(session)s, now()
  from generate_series(1, %(count)s)
  returning id
), delivery as (
  insert into rowhook.outbox
    (event_id, organization_id, webhook_id, status, ready, schedule_step,
     next_attempt_at, finished_at)
  select id, %(organization)s, %(webhook)s,
         case when %(placed)s then 'delivered' else 'pending' end, false, 1,
         case when not %(placed)s then now() + interval '1 day' end,
         case when %(placed)s then now() end
  from added
  returning id
)
insert into rowhook.callback
  (outbox_id, staging, organization_id, session_id, place, revision, body, written_at)
select id, 1, %(organization)s, %(session)s,
       case when %(placed)s then row_number() over (order by id) end, 1, '1',
       case when %(placed)s then now() end
from delivery
"""


async def add_webhook(platform: Platform) -> None:
    for session in (SESSION, OTHER_SESSION):
        await platform.run(
            "insert into rowhook.session (id, organization_id) values (%s, %s)",
            session,
            platform.organization,
        )
    await platform.webhook_of_goal(kind="frontend", url=None)


async def add_staged(platform: Platform, *, placed: bool) -> None:
    webhook = await platform.value("select id from rowhook.webhook where kind = 'frontend'")
    await platform.db.execute(
        ADD_STAGED,
        {
            "organization": platform.organization,
            "session": SESSION,
            "count": MANY,
            "webhook": webhook,
            "placed": placed,
        },
    )


async def rows_read(platform: Platform, query: str, *parameters: object) -> int:
    async with platform.db.transaction():
        before: int = await platform.value(READ)
        await platform.value(query, *parameters)
        after: int = await platform.value(READ)
    return after - before


async def rows_read_by_next_commit(platform: Platform, pool: Pool, session: str = SESSION) -> int:
    """Counts the rows read while one more commit of the session is staged."""
    await platform.commit(session=session)
    (claim,) = await platform.claim(pool, uuid4())
    return await rows_read(
        platform,
        "select rowhook.stage(%s, %s, 1, %s, '1', %s)",
        claim.outbox_id,
        claim.token,
        session,
        timedelta(days=1),
    )


async def rows_read_by_other_session(platform: Platform, pool: Pool) -> int:
    """Counts the rows read while a commit of another session is staged."""
    return await rows_read_by_next_commit(platform, pool, OTHER_SESSION)


async def rows_read_by_check(platform: Platform, pool: Pool) -> int:
    """Counts the rows read while a worker checks the waiting sessions."""
    del pool
    return await rows_read(platform, "select rowhook.place_waiting('', 100)")


Step = Callable[[Platform, Pool], Awaitable[int]]


async def prepare(platform: Platform, statistics: Statistics) -> None:
    await mislead_planner(platform, statistics)
    await platform.run("alter table rowhook.callback set (autovacuum_enabled = off)")
    await platform.run("analyze rowhook.callback")
    await add_webhook(platform)


async def analyze(platform: Platform, statistics: Statistics) -> None:
    if statistics == "up_to_date":
        await platform.run(f"analyze {TABLES}")


@whatever_the_statistics
@pytest.mark.parametrize(
    "step", [rows_read_by_next_commit, rows_read_by_other_session, rows_read_by_check]
)
async def test_the_history_of_a_session_adds_no_cost(
    platform: Platform, pool: Pool, statistics: Statistics, step: Step
) -> None:
    await prepare(platform, statistics)
    await add_staged(platform, placed=True)
    await analyze(platform, statistics)
    for _ in range(3):
        assert await step(platform, pool) <= MOST_READ


@whatever_the_statistics
@pytest.mark.parametrize(
    "step", [rows_read_by_next_commit, rows_read_by_other_session, rows_read_by_check]
)
async def test_callbacks_waiting_for_an_unfinished_output_add_no_cost(
    platform: Platform, pool: Pool, statistics: Statistics, step: Step
) -> None:
    await prepare(platform, statistics)
    await platform.commit(session=SESSION)
    await platform.claim(pool, uuid4(), lease_s=3600)
    await add_staged(platform, placed=False)
    await analyze(platform, statistics)
    for _ in range(3):
        assert await step(platform, pool) <= MOST_READ
    placed = "select count(place) from rowhook.callback where session_id = %s"
    assert await platform.value(placed, SESSION) == 0
