"""The cost of a claim depends on the claimed rows only, also with wrong planner statistics."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Literal, get_args
from uuid import uuid4

import pytest

from rowhook.db import connection_pool
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, pytest.mark.new_database, every_server]

Statistics = Literal["of_empty_tables", "of_emptied_pages", "of_a_plan_made_empty", "up_to_date"]
_OF_EMPTIED = ("of_emptied_pages", "of_a_plan_made_empty")
whatever_the_statistics = pytest.mark.parametrize(
    "statistics",
    [
        pytest.param(statistics, marks=pytest.mark.long if statistics in _OF_EMPTIED else ())
        for statistics in get_args(Statistics)
    ],
)

WAITING, BATCH, LANES, DUE = 20_000, 64, 4, 1000
# Three index entries per claimed row, those of its event and the lanes; twice that with dead rows.
MOST_TOUCHED = 18 * BATCH
# The first entry and its row.
MOST_POLLED = 4
INTENDED = {"outbox_ready", "outbox_ordered", "outbox_waiting", "outbox_in_flight"}
UNBOUNDED = {
    "SEQSCAN",
    "BITMAPHEAPSCAN",
    "HASHJOIN",
    "MERGEJOIN",
    "SORT",
    "INCREMENTALSORT",
    "MATERIAL",
}

# Counted by PostgreSQL in this transaction: for tables the sequential scans and their rows,
# for indexes the scans and the returned entries.
COUNTED = """
select c.relname as name, c.relkind = 'r' as whole,
       pg_stat_get_xact_numscans(c.oid) as scans, pg_stat_get_xact_tuples_returned(c.oid) as read
from pg_class c left join pg_index i on i.indexrelid = c.oid
where coalesce(i.indrelid, c.oid) in (
  'rowhook.outbox'::regclass, 'rowhook.event'::regclass, 'rowhook.webhook'::regclass)
"""


async def rows_read(platform: Platform) -> dict[str, int]:
    """Returns the counts so far; a sequential scan counts more than a claim may use."""
    weight = {True: WAITING, False: 1}
    return {
        row["name"]: row["scans"] * weight[row["whole"]] + row["read"]
        for row in await platform.rows(COUNTED)
    }


async def claim(
    platform: Platform, *, lease_s: float = 60, sweep: bool = False, marked_s: float | None = None
) -> tuple[int, dict[str, int]]:
    """Returns the claimed rows of one call and its counts; low watermarks are relative to now."""
    lanes = await platform.rows(
        "select id as webhook, now() + %s::interval as mark"
        " from rowhook.webhook order by id limit %s",
        timedelta(seconds=marked_s or 0),
        0 if marked_s is None else LANES,
    )
    async with platform.db.transaction():
        before = await rows_read(platform)
        claimed = await platform.run(
            "select from rowhook.claim_batch("
            " %s, %s, 4, null, %s, %s, %s::uuid[], %s::timestamptz[])"
            " where kind = 'delivery'",
            uuid4(),
            BATCH,
            timedelta(seconds=lease_s),
            sweep,
            [row["webhook"] for row in lanes],
            [row["mark"] for row in lanes],
        )
        after = await rows_read(platform)
    return claimed, {
        name: after[name] - before[name] for name in after if after[name] > before[name]
    }


async def webhooks(platform: Platform) -> None:
    """Creates a thousand webhooks, the first of which have deliveries."""
    await platform.run(
        "insert into rowhook.webhook (organization_id, name, url, max_in_flight)"
        " select %s, 'w' || n, 'http://127.0.0.1:9/', 1000 from generate_series(1, 1000) n",
        platform.organization,
    )


async def deliveries(
    platform: Platform,
    count: int,
    status: str = "pending",
    *,
    ready: bool = False,
    due_s: float | None = None,
    leased_s: float | None = None,
    finished_s: float | None = None,
    lanes: int = LANES,
) -> None:
    """Inserts deliveries and events, distributed over the lanes, with times relative to now."""
    times = [None if s is None else timedelta(seconds=s) for s in (due_s, leased_s, finished_s)]
    await platform.run(
        "with made as ("
        "   insert into rowhook.event (organization_id, type, key, snapshot, occurred_at)"
        "   select %s, 'job.succeeded', n, '{}', now() from generate_series(1, %s) n returning id),"
        " lanes as (select array_agg(id order by id) as ids from rowhook.webhook)"
        " insert into rowhook.outbox (event_id, organization_id, webhook_id, status, ready,"
        "   worker_id, next_attempt_at, leased_until, finished_at)"
        " select id, %s, ids[1 + mod(id, %s)], %s, %s, case %s when 'sending' then %s::uuid end,"
        "   now() + %s::interval, now() + %s::interval, now() + %s::interval from made, lanes",
        platform.organization,
        count,
        platform.organization,
        lanes,
        status,
        ready,
        status,
        uuid4(),
        *times,
    )


async def delete_rows(platform: Platform) -> None:
    """Deletes rows so that their pages are empty, as retention does."""
    await webhooks(platform)
    await deliveries(platform, WAITING, "delivered", finished_s=0)
    await platform.run("delete from rowhook.outbox")
    await platform.run("delete from rowhook.event")
    await platform.run("delete from rowhook.webhook")
    await platform.run("vacuum (truncate off) rowhook.outbox, rowhook.event, rowhook.webhook")


async def mislead_planner(platform: Platform, statistics: Statistics) -> None:
    """Keeps the planner statistics of the tables before the work was added."""
    await platform.run("alter table rowhook.outbox set (autovacuum_enabled = off)")
    await platform.run("alter table rowhook.event set (autovacuum_enabled = off)")
    await platform.run("alter table rowhook.webhook set (autovacuum_enabled = off)")
    if statistics == "of_emptied_pages":
        await delete_rows(platform)
    await platform.run("analyze rowhook.outbox, rowhook.event, rowhook.webhook")
    for _ in range(10 if statistics == "of_a_plan_made_empty" else 0):
        assert (await claim(platform, lease_s=0.01, sweep=True))[0] == 0
    await webhooks(platform)


async def analyze(platform: Platform, statistics: Statistics) -> None:
    if statistics == "up_to_date":
        await platform.run("analyze rowhook.outbox, rowhook.event, rowhook.webhook")


async def check_ten_claims(platform: Platform) -> None:
    for call in range(10):
        claimed, work = await claim(platform)
        assert claimed == BATCH
        # Rows in flight are counted for the limit: their index entries and rows.
        assert sum(work.values()) <= MOST_TOUCHED + 2 * call * BATCH, work


@whatever_the_statistics
async def test_a_claim_touches_a_few_rows_while_many_are_ready(
    platform: Platform, statistics: Statistics
) -> None:
    await mislead_planner(platform, statistics)
    await deliveries(platform, WAITING, ready=True, due_s=0)
    await analyze(platform, statistics)
    await check_ten_claims(platform)


async def test_a_claim_looks_up_no_more_lanes_than_fill_its_batch(platform: Platform) -> None:
    await webhooks(platform)
    await deliveries(platform, WAITING, ready=True, due_s=0, lanes=1000)
    claimed, work = await claim(platform)
    assert claimed == BATCH
    # With four rows of each lane; a look-up of 256 lanes alone would read 512.
    assert work["outbox_ready"] <= 3 * BATCH + 2 * (BATCH // 4), work


@whatever_the_statistics
async def test_many_later_retries_add_no_cost_to_a_claim(
    platform: Platform, statistics: Statistics
) -> None:
    await mislead_planner(platform, statistics)
    await deliveries(platform, WAITING, due_s=3600)
    await deliveries(platform, 10 * BATCH, ready=True, due_s=0)
    await analyze(platform, statistics)
    await check_ten_claims(platform)


@whatever_the_statistics
async def test_many_delivered_rows_add_no_cost_to_a_claim(
    platform: Platform, statistics: Statistics
) -> None:
    await mislead_planner(platform, statistics)
    await deliveries(platform, WAITING, "delivered", finished_s=0)
    await deliveries(platform, 10 * BATCH, ready=True, due_s=0)
    await analyze(platform, statistics)
    await check_ten_claims(platform)


@whatever_the_statistics
async def test_a_claim_promotes_at_most_a_thousand_due_retries(
    platform: Platform, statistics: Statistics
) -> None:
    await mislead_planner(platform, statistics)
    await deliveries(platform, WAITING, due_s=-1)
    await analyze(platform, statistics)
    for call in range(1, 4):
        claimed, work = await claim(platform)
        assert claimed == BATCH
        assert sum(work.values()) <= MOST_TOUCHED + 2 * call * BATCH + 4 * call * DUE, work
        query = "select count(*) from rowhook.outbox where status = 'pending' and not ready"
        assert await platform.value(query) == WAITING - call * DUE


@whatever_the_statistics
async def test_expired_leases_are_found_without_reading_waiting_rows(
    platform: Platform, statistics: Statistics
) -> None:
    await mislead_planner(platform, statistics)
    await deliveries(platform, WAITING, ready=True, due_s=0)
    await deliveries(platform, BATCH, "sending", leased_s=-1)
    await analyze(platform, statistics)
    claimed, work = await claim(platform, lease_s=0.01, sweep=True)
    assert claimed == BATCH
    assert work["outbox_in_flight"] <= 3 * (BATCH + LANES)
    assert sum(work.values()) <= 2 * MOST_TOUCHED, work
    assert await platform.value("select sum(lost_claims) from rowhook.outbox") == BATCH


@whatever_the_statistics
async def test_a_poll_touches_a_few_rows(platform: Platform, statistics: Statistics) -> None:
    if statistics == "of_a_plan_made_empty":
        await platform.run("select nextval('rowhook.asleep')")
        for _ in range(10):
            await platform.run("select rowhook.work_due_in()")
    await mislead_planner(platform, statistics)
    await deliveries(platform, WAITING, ready=True, due_s=0)
    await deliveries(platform, WAITING, due_s=3600)
    await analyze(platform, statistics)
    await platform.run("select nextval('rowhook.asleep')")
    async with platform.db.transaction():
        before = await rows_read(platform)
        assert await platform.value("select rowhook.work_due_in()") == 0
        after = await rows_read(platform)
    assert sum(after.values()) - sum(before.values()) <= MOST_POLLED


async def test_a_low_watermark_skips_dead_entries_during_an_open_transaction(
    platform: Platform, dsn: str
) -> None:
    await webhooks(platform)
    async with await connection_pool.connect(dsn) as other, other.transaction():
        await other.execute("select pg_current_xact_id()")
        await deliveries(platform, WAITING, ready=True, due_s=-3600)
        await platform.run(
            "update rowhook.outbox set token = 1, status = 'delivered', ready = false,"
            " next_attempt_at = null, finished_at = now()"
        )
        await deliveries(platform, 3 * BATCH, ready=True, due_s=0)
        claimed, unmarked = await claim(platform)
        assert (claimed, unmarked["outbox_ready"] > WAITING / 2) == (BATCH, True)
        claimed, marked = await claim(platform, marked_s=-60)
        assert (claimed, sum(marked.values()) <= MOST_TOUCHED + 4 * BATCH) == (BATCH, True), marked


async def deliver_all(platform: Platform) -> list[dict[str, Any]]:
    """Claims and delivers the ready rows in large batches; returns the last watermarks."""
    watermarks: dict[Any, dict[str, Any]] = {}
    while rows := await platform.rows(
        "select kind, webhook_id, watermark, outbox_id, token"
        " from rowhook.claim_batch(%s, 10000, 4) where token is not null or kind = 'watermark'",
        uuid4(),
    ):
        for row in rows:
            if row["kind"] == "watermark":
                of_lane = [
                    each["token"] for each in rows if each["webhook_id"] == row["webhook_id"]
                ]
                first = row["token"] or min(filter(None, of_lane))
                watermarks[row["webhook_id"]] = row | {"token": first}
        await platform.run(
            "update rowhook.outbox set token = nextval('rowhook.token'), status = 'delivered',"
            " worker_id = null, leased_until = null, finished_at = now() where status = 'sending'"
        )
    return [watermarks[lane] for lane in sorted(watermarks)]


async def test_watermarks_skip_dead_entries_of_one_moment_and_of_what_was_in_flight(
    platform: Platform, dsn: str
) -> None:
    await webhooks(platform)
    async with await connection_pool.connect(dsn) as other, other.transaction():
        await other.execute("select pg_current_xact_id()")
        await deliveries(platform, WAITING, ready=True, due_s=-3600)
        marks = await deliver_all(platform)
        assert len(marks) == LANES
        await deliveries(platform, 3 * BATCH, ready=True, due_s=-1800)
        async with platform.db.transaction():
            before = await rows_read(platform)
            claimed = await platform.run(
                "select from rowhook.claim_batch(%s, %s, 4, known => %s::uuid[],"
                " marks => %s::timestamptz[], mark_ids => %s::bigint[],"
                " mark_tokens => %s::bigint[]) where kind = 'delivery'",
                uuid4(),
                BATCH,
                *(
                    [mark[column] for mark in marks]
                    for column in ("webhook_id", "watermark", "outbox_id", "token")
                ),
            )
            after = await rows_read(platform)
        read = {name: after[name] - before.get(name, 0) for name in after}
        # A last batch of each lane was in flight at the token of its watermark.
        assert claimed == BATCH
        assert read["outbox_ready"] <= 4 * BATCH, read
        assert read["outbox_in_flight"] <= 4 * 1000 + LANES, read


async def test_waiting_rows_are_read_from_the_time_that_a_sweep_returned(
    platform: Platform, dsn: str
) -> None:
    await webhooks(platform)
    async with await connection_pool.connect(dsn) as other, other.transaction():
        await other.execute("select pg_current_xact_id()")
        await deliveries(platform, WAITING, due_s=-3600)
        await platform.run(
            "update rowhook.outbox set token = 1, next_attempt_at = now() + interval '1 hour'"
        )
        swept = "select watermark from rowhook.claim_batch(%s, 1, 1, sweep => true)"
        since = await platform.value(swept + " where kind = 'waiting'", uuid4())
        async with platform.db.transaction():
            before = await rows_read(platform)
            await platform.run(
                "select from rowhook.claim_batch(%s, 1, 1, due_since => %s)", uuid4(), since
            )
            after = await rows_read(platform)
        assert after["outbox_waiting"] - before["outbox_waiting"] <= 2


async def printed_plans(platform: Platform) -> list[str]:
    """A list that receives the plan of every statement inside `claim` from now on."""
    plans: list[str] = []
    platform.db.add_notice_handler(lambda notice: plans.append(notice.message_detail or ""))
    await platform.run("set client_min_messages = log")
    await platform.run(
        "alter function rowhook.claim_batch("
        " uuid, int, int, uuid, interval, boolean, uuid[], timestamptz[], bigint[], boolean,"
        " bigint[], bigint[], timestamptz)"
        " set debug_print_plan = on"
    )
    return plans


async def indexes_in(platform: Platform, plans: str) -> set[str]:
    """Returns the indexes of the outbox in printed plans."""
    rows = await platform.rows(
        "select relname as name from pg_class join pg_index on indexrelid = pg_class.oid"
        " where indrelid = 'rowhook.outbox'::regclass and indexrelid = any(%s::text[]::oid[])",
        re.findall(r":indexid (\d+)", plans),
    )
    return {row["name"] for row in rows}


def unbounded_steps(plan: str) -> set[str]:
    steps = set(re.findall(r"\{([A-Z]+)\b", plan))
    # Since PostgreSQL 18, at most 256 lanes found by a skip scan are sorted.
    return steps & (UNBOUNDED - {"SORT"} if "WORKTABLESCAN" in steps else UNBOUNDED)


@whatever_the_statistics
async def test_every_plan_of_a_claim_is_a_nested_loop_over_its_indexes(
    platform: Platform, statistics: Statistics
) -> None:
    plans = await printed_plans(platform)
    await mislead_planner(platform, statistics)
    await deliveries(platform, WAITING, ready=True, due_s=0)
    # One lane is ordered, since its head is found by another index.
    await platform.run(
        "update rowhook.webhook set ordered = true"
        " where id = (select min(webhook_id::text)::uuid from rowhook.outbox)"
    )
    await analyze(platform, statistics)
    for _ in range(10):
        await claim(platform, lease_s=0.01, sweep=True)
    assert [steps for steps in map(unbounded_steps, plans) if steps] == []
    found_by = await indexes_in(platform, " ".join(plans))
    assert found_by - {"outbox_pkey"} == INTENDED
