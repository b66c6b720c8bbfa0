"""Retention reads only the rows that it removes, independent of other rows and statistics."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
import pytest

from rowhook.db import connection_pool
from rowhook.db.connection_pool import Pool
from tests.support.sample_platform import Platform
from tests.support.servers import every_server
from tests.support.worker_rig import until

pytestmark = [pytest.mark.anyio, pytest.mark.new_database, every_server]
KEPT, OLD, PAGE = 20_000, 100, 5000
TABLES = (
    "outbox",
    "event",
    "callback",
    "webhook",
    "webhook_revision",
    "audit",
    "signing_secret",
    "capture_error",
    "removed_event",
)
statistics = pytest.mark.parametrize(
    "statistics",
    [
        "of_empty_tables",
        pytest.param("of_a_plan_made_empty", marks=pytest.mark.long),
        "up_to_date",
    ],
)

# Counted by PostgreSQL in this transaction: the sequential scans of tables, and the entries
# returned by scans of indexes.
READ = """
select c.relname as name, (case when c.relkind = 'r' then pg_stat_get_xact_numscans(c.oid) * %s
                           else pg_stat_get_xact_tuples_returned(c.oid) end)::bigint as read
from pg_class c left join pg_index i on i.indexrelid = c.oid
where coalesce(i.indrelid, c.oid) = any (
  select format('rowhook.%%I', name)::regclass from unnest(%s::text[]) as name)
"""


async def insert_events(
    platform: Platform, webhook: Any, count: int, status: str | None, age: timedelta
) -> None:
    """Inserts events of an age, each with a finished delivery, or without if status is None."""
    await platform.run(
        "with made as ("
        "  insert into rowhook.event (organization_id, type, key, source, commit_id, snapshot,"
        "    data, occurred_at, created_at)"
        "  select %s, 'goal.committed', gen_random_uuid(), 'commit', gen_random_uuid(), null,"
        "    '{\"n\": 1}', now() - %s, now() - %s from generate_series(1, %s) returning id)"
        " insert into rowhook.outbox (event_id, organization_id, webhook_id, status, ready,"
        "   next_attempt_at, created_at, finished_at)"
        " select id, %s, %s, %s, false, case when %s = 'pending' then now() end, now() - %s,"
        "   case when %s not in ('held', 'pending') then now() - %s end"
        " from made where %s::text is not null",
        platform.organization,
        age,
        age,
        count,
        platform.organization,
        webhook,
        status,
        status,
        age,
        status,
        age,
        status,
    )


async def settle_runs(platform: Platform, most: int = 1) -> None:
    """Begins runs until no transaction is open that could still add older events."""

    async def settled() -> bool:
        await platform.value("select removed from rowhook.retain_batch('events', %s, true)", most)
        return bool(
            await platform.value(
                "select settled_id >= (select max(id) from rowhook.event) from rowhook.retention"
                " where kind = 'events'"
            )
        )

    await until(settled, description="the end of older transactions")


async def assume_empty_tables(platform: Platform) -> None:
    for table in TABLES:
        await platform.db.execute(f"analyze rowhook.{table}".encode())
        await platform.db.execute(
            f"alter table rowhook.{table} set (autovacuum_enabled = off)".encode()
        )


async def read_so_far(platform: Platform) -> Counter[str]:
    return Counter(
        {row["name"]: row["read"] for row in await platform.rows(READ, KEPT, list(TABLES))}
    )


async def mislead_planner(platform: Platform, statistics: str) -> None:
    """Makes the planner, or cached plans of this session, assume empty tables."""
    if statistics == "up_to_date":
        return
    await assume_empty_tables(platform)
    for _ in range(10 if statistics == "of_a_plan_made_empty" else 0):
        await platform.run(
            "select rowhook.retain_batch(kind, 5000, true) from rowhook.retention_kinds() as kind"
        )


async def batch(platform: Platform, kind: str) -> tuple[int, Counter[str]]:
    """Returns the rows removed by a batch, and the rows and entries read, by table and index."""
    async with platform.db.transaction():
        before = await read_so_far(platform)
        removed = await platform.value(
            "select removed from rowhook.retain_batch(%s, begins => true)", kind
        )
        return removed, await read_so_far(platform) - before


async def blocks(platform: Platform, query: LiteralString) -> int:
    """Returns the blocks used by a statement, including the functions that it calls."""
    result = await platform.value(f"explain (analyze, buffers, format json) {query}")
    (plan,) = result if isinstance(result, list) else json.loads(result)
    return int(plan["Plan"]["Shared Hit Blocks"]) + int(plan["Plan"]["Shared Read Blocks"])


@statistics
@pytest.mark.parametrize(
    ("kind", "status", "age"),
    [
        ("delivered", "delivered", 31),
        ("failed", "dead", 31),
        ("failed", "cancelled", 31),
        ("held", "held", 91),
    ],
)
async def test_finished_deliveries_are_removed_without_reading_the_remaining_ones(
    platform: Platform, statistics: str, kind: str, status: str, age: int
) -> None:
    webhook = await platform.webhook()
    await mislead_planner(platform, statistics)
    await insert_events(platform, webhook, OLD, status, timedelta(days=age))
    for stays in ("delivered", "dead", "held"):
        # Old ones of the others too.
        older = timedelta(days=age if stays != status and kind not in (stays, "held") else 1)
        await insert_events(
            platform, webhook, KEPT // 3, stays, older if stays == "held" else timedelta(1)
        )
    if statistics == "up_to_date":
        await assume_empty_tables(platform)
    removed, read = await batch(platform, kind)
    assert removed == 2 * OLD  # with their events
    assert read.total() <= 20 * OLD, read
    removed, read = await batch(platform, kind)
    assert removed == 0
    # Dead entries, and the reads of the planner at the ends of an index.
    assert read.total() <= 3 * OLD, read


@statistics
async def test_an_event_without_deliveries_is_removed_and_a_remaining_one_is_read_once(
    platform: Platform, statistics: str
) -> None:
    webhook = await platform.webhook()
    await mislead_planner(platform, statistics)
    # Old events whose deliveries finished recently.
    await insert_events(platform, webhook, 1000, "delivered", timedelta(days=40))
    await platform.run(
        "update rowhook.outbox set finished_at = now(), token = nextval('rowhook.token')"
    )
    await insert_events(platform, webhook, OLD, None, timedelta(days=40))
    await insert_events(platform, webhook, KEPT, "delivered", timedelta(days=1))
    if statistics == "up_to_date":
        await assume_empty_tables(platform)
    await settle_runs(platform)
    removed, read = await batch(platform, "events")
    assert removed == OLD
    # The page that was read ends within the remaining rows.
    assert read.total() <= 1.5 * PAGE, read
    removed, read = await batch(platform, "events")
    assert removed == 0
    assert read.total() <= 3 * OLD, read
    query: LiteralString = "select * from rowhook.retain_batch('events', 100)"
    assert await blocks(platform, query) < 300
    assert await platform.value("select count(*) from rowhook.event") == KEPT + 1000


@statistics
async def test_a_run_without_old_rows_reads_almost_nothing(
    platform: Platform, statistics: str
) -> None:
    webhook = await platform.webhook()
    await mislead_planner(platform, statistics)
    for status in ("delivered", "dead", "held", None):
        await insert_events(platform, webhook, KEPT // 4, status, timedelta(days=1))
    await platform.run(
        "insert into rowhook.audit (actor, action, subject)"
        " select 'a', 'b', 'c' from generate_series(1, 20000)"
    )
    await platform.run(
        "insert into rowhook.capture_error (source, source_ids, sqlstate, message, healed_at)"
        " select 'job', array['x'], 'P0001', 'm', case when mod(n, 2) = 0 then now() end"
        " from generate_series(1, 20000) n"
    )
    if statistics == "up_to_date":
        await assume_empty_tables(platform)
    for kind in await platform.rows("select * from rowhook.retention_kinds() as name"):
        removed, read = await batch(platform, kind["name"])
        assert removed == 0
        assert read.total() <= 3 * OLD, (kind, read)
    assert await blocks(platform, "select * from rowhook.retention_report()") < 1000
    await platform.run("update rowhook.webhook set state = 'paused'")
    assert await blocks(platform, "select * from rowhook.paused_deliveries()") < 1000


async def test_events_are_removed_in_pages_during_a_long_read_and_a_dump(
    platform: Platform, dsn: str
) -> None:
    webhook = await platform.webhook()
    await insert_events(platform, webhook, 300, "delivered", timedelta(days=31))
    async with await connection_pool.connect(dsn) as reader, reader.transaction():
        # As pg_dump does.
        await reader.execute("set transaction isolation level repeatable read, read only")
        for table in TABLES:
            await reader.execute(f"lock table rowhook.{table} in access share mode".encode())
        counted = "select count(*) from rowhook.event"
        assert (await (await reader.execute(counted)).fetchone()) == (300,)
        removed = [await batch(platform, "delivered"), await batch(platform, "delivered")]
        assert [count for count, _ in removed] == [600, 0]
        assert (await (await reader.execute(counted)).fetchone()) == (300,)
    assert await platform.value(counted) == 0


async def test_a_locked_row_is_skipped_until_the_next_pass(platform: Platform, dsn: str) -> None:
    webhook = await platform.webhook()
    await insert_events(platform, webhook, 3, "delivered", timedelta(days=31))
    first, second, _ = await platform.rows("select id, event_id from rowhook.outbox order by id")
    async with await connection_pool.connect(dsn) as other, other.transaction():
        await other.execute("select from rowhook.outbox where id = %s for update", (first["id"],))
        await other.execute(
            "select from rowhook.event where id = %s for update", (second["event_id"],)
        )
        assert (await batch(platform, "delivered"))[0] == 2
    query = await platform.rows("select id, event_id from rowhook.outbox order by id")
    assert query == [first, second]
    await platform.run("update rowhook.retention set last_run_at = now() - interval '1 day'")
    assert (await batch(platform, "delivered"))[0] == 4


async def test_locks_of_a_batch_do_not_block_claims_records_or_commits(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    webhook = await platform.webhook_of_goal()
    await insert_events(platform, webhook, 10, "delivered", timedelta(days=31))
    async with await connection_pool.connect(dsn) as batching, batching.transaction():
        await batching.execute("select rowhook.retain_batch('delivered', begins => true)")
        await platform.run("set lock_timeout = '1s'")
        await platform.commit()
        (claim,) = await platform.claim(pool)
        assert await platform.record(pool, claim, "delivered")
    assert await platform.value("select count(*) from rowhook.outbox") == 1


async def test_two_concurrent_runs_do_not_remove_the_same_rows(
    platform: Platform, dsn: str
) -> None:
    webhook = await platform.webhook()
    await insert_events(platform, webhook, 10, "delivered", timedelta(days=31))
    async with await connection_pool.connect(dsn) as other, other.transaction():
        await other.execute("select rowhook.retain_batch('delivered', 1, begins => true)")
        assert (await batch(platform, "delivered"))[0] == 0
        assert await platform.value("select rowhook.retain()") == 0


async def test_deliveries_of_a_status_are_counted_up_to_a_limit(platform: Platform) -> None:
    webhook = await platform.webhook()
    await insert_events(platform, webhook, 100_001, "delivered", timedelta(days=1))
    await insert_events(platform, webhook, 3, "held", timedelta(days=1))
    await platform.run("analyze rowhook.outbox")
    counts = {
        row["status"]: row for row in await platform.rows("select * from rowhook.delivery_counts()")
    }
    assert (counts["delivered"]["deliveries"], counts["delivered"]["is_capped"]) == (100_000, True)
    assert (counts["held"]["deliveries"], counts["held"]["is_capped"]) == (3, False)
    assert counts["held"]["oldest"] >= timedelta(days=1)
    (held,) = await platform.rows("select finding from rowhook.diagnosis() where subject = 'held'")
    assert held["finding"] == "3 deliveries"


async def test_deletes_wait_at_most_a_second_for_a_lock(platform: Platform, dsn: str) -> None:
    webhook = await platform.webhook()
    await insert_events(platform, webhook, 1, "delivered", timedelta(days=31))
    async with await connection_pool.connect(dsn) as other, other.transaction():
        await other.execute("lock table rowhook.event in access exclusive mode")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await batch(platform, "delivered")
    assert (await batch(platform, "delivered"))[0] == 2
