"""The epoch is raised in another cluster, so that the order of events continues."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from rowhook.db import connection_pool, engine, installation_queries
from rowhook.db.connection_pool import Pool
from rowhook.db.installation_queries import LockUnavailable
from rowhook.migrate import runner
from rowhook.worker.maintenance import CopyDetector
from tests.engine.test_retention_cost import insert_events
from tests.support.database_copies import mark_as_restored
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio


async def record(platform: Platform) -> dict[str, Any]:
    (row,) = await platform.rows("select * from rowhook.installation")
    return row


async def keys(platform: Platform, pool: Pool) -> list[str]:
    return [claim.event.key for claim in await platform.claim(pool, uuid4())]


async def keys_in_order(platform: Platform, pool: Pool, count: int) -> list[str]:
    """Returns the keys that an ordered webhook sends, one after another."""
    sent = []
    for _ in range(count):
        (claim,) = await platform.claim(pool)
        await platform.record(pool, claim, "delivered")
        sent.append(claim.event.key)
    return sent


async def feed(platform: Platform, xact: str = "0", event: int = 0) -> list[tuple[str, int]]:
    rows = await platform.rows(
        "select xact, id from rowhook.event_feed(%s, null, null, '{goal.committed}',"
        " %s::text::xid8, %s, 100)",
        platform.organization,
        xact,
        event,
    )
    return [(row["xact"], row["id"]) for row in rows]


@pytest.fixture
async def operator(platform: Platform) -> Platform:
    """The platform on a connection that may read the feed of every organization."""
    await platform.run("select set_config('rowhook.operator', 'on', false)")
    return platform


async def test_an_old_cursor_continues_in_another_cluster(operator: Platform, pool: Pool) -> None:
    old = [await operator.commit() for _ in range(5)]
    await mark_as_restored(operator)
    before_the_raise = [await operator.commit() for _ in range(3)]
    await CopyDetector(pool).check()
    after = [await operator.commit() for _ in range(2)]
    events = await feed(operator)
    names = {row["id"]: row["key"] for row in await operator.rows("select * from rowhook.event")}
    assert [names[event] for _, event in events] == [*old, *before_the_raise, *after]
    later = await feed(operator, *events[4])
    assert later == events[5:]


async def test_an_ordered_webhook_keeps_its_order_in_another_cluster(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal(ordered=True)
    commits = [await platform.commit() for _ in range(3)]
    await mark_as_restored(platform)
    commits += [await platform.commit() for _ in range(2)]
    assert await keys(platform, pool) == []
    await installation_queries.adopt(pool, cancel_waiting=False)
    commits += [await platform.commit() for _ in range(2)]
    assert await keys_in_order(platform, pool, 7) == commits
    assert (await record(platform))["epoch"] == 1


async def test_deliveries_still_wait_for_open_transactions_in_the_new_epoch(
    operator: Platform, pool: Pool, dsn: str
) -> None:
    await operator.webhook_of_goal(ordered=True)
    await mark_as_restored(operator)
    await installation_queries.adopt(pool, cancel_waiting=False)
    async with await connection_pool.connect(dsn) as other, other.transaction():
        early = Platform(other)
        early.goal = operator.goal
        first = await early.commit()
        second = await operator.commit()
        assert await keys(operator, pool) == []
        assert await feed(operator) == []
    assert await keys_in_order(operator, pool, 2) == [first, second]
    assert len(await feed(operator)) == 2


async def test_two_concurrent_starts_raise_the_epoch_once(platform: Platform, pool: Pool) -> None:
    await platform.commit()
    await mark_as_restored(platform)
    await asyncio.gather(*(CopyDetector(pool).check(patience_s=30) for _ in range(4)))
    assert (await record(platform))["epoch"] == 1
    await CopyDetector(pool).check()
    assert (await record(platform))["epoch"] == 1


async def test_the_epoch_waits_for_a_transaction_that_wrote_events(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    await mark_as_restored(platform)
    async with await connection_pool.connect(dsn) as other, other.transaction():
        early = Platform(other)
        early.goal = platform.goal
        await early.commit()
        with pytest.raises(LockUnavailable):
            await installation_queries.raise_epoch(pool)
        await CopyDetector(pool).check()
        assert (await record(platform))["epoch"] == 0
    await CopyDetector(pool).check()
    assert (await record(platform))["epoch"] == 1
    (event,) = await platform.rows("select xact::text::bigint >> 48 as epoch from rowhook.event")
    assert event["epoch"] == 1


async def tokens(platform: Platform) -> int:
    """Returns the number of outbox rows written by the engine, including rolled back ones."""
    return int(await platform.value("select last_value from rowhook.token"))


@asynccontextmanager
async def long_reader(dsn: str) -> AsyncIterator[None]:
    """A long transaction that reads events."""
    async with await connection_pool.connect(dsn) as other, other.transaction():
        await other.execute("select count(*) from rowhook.event")
        yield


async def test_an_unavailable_lock_fails_before_any_row_is_written(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    await platform.webhook_of_goal(ordered=True)
    await platform.commit()
    await mark_as_restored(platform)
    for _ in range(3):
        await platform.commit()
    async with long_reader(dsn):
        before = await tokens(platform)
        for call in ("rowhook.raise_epoch()", "rowhook.adopt()", "rowhook.adopt(true)"):
            with pytest.raises(LockUnavailable):
                await platform.run(f"select {call}")
        assert await tokens(platform) == before
    assert await installation_queries.raise_epoch(pool) == 1
    assert await tokens(platform) == before + 3


async def test_readers_with_the_lock_never_see_an_event_moved_twice(
    operator: Platform, pool: Pool, dsn: str
) -> None:
    await operator.webhook_of_goal(ordered=True)
    old = await operator.commit()
    await mark_as_restored(operator)
    new = [await operator.commit() for _ in range(3)]
    moved = "select count(*) from rowhook.event where xact >= rowhook.place('0', 1)"
    async with long_reader(dsn):
        await CopyDetector(pool).check()
        written = await tokens(operator)
        await CopyDetector(pool).check()
        assert (await operator.value(moved), await tokens(operator)) == (3, written)
        assert (await record(operator))["epoch"] == 0
    await CopyDetector(pool).check()
    assert (await record(operator))["epoch"] == 1
    names = {row["id"]: row["key"] for row in await operator.rows("select * from rowhook.event")}
    assert [names[event] for _, event in await feed(operator)] == [old, *new]


async def test_events_are_moved_in_batches_of_a_thousand(platform: Platform, pool: Pool) -> None:
    await platform.commit()
    await mark_as_restored(platform)
    await platform.run(
        "insert into rowhook.commit (goal_id, data) select %s, '{}' from generate_series(1, 2500)",
        platform.goal,
    )
    moved = []
    last = await installation_queries.move_event_batch(pool, None)
    while last is not None:
        moved.append(
            await platform.value(
                "select count(*) from rowhook.event where xact >= rowhook.place('0', 1)"
            )
        )
        last = await installation_queries.move_event_batch(pool, last)
    assert moved == [1000, 2000, 2500]


async def test_a_heartbeat_does_not_wait_for_the_epoch(rig: Rig, dsn: str) -> None:
    await mark_as_restored(rig.platform)
    async with await connection_pool.connect(dsn) as other:
        await other.execute("begin")
        await other.execute("select rowhook.lock_installation()")
        async with rig.worker(lease_s=1):

            async def has_heartbeat() -> bool:
                return bool(
                    await rig.platform.value(
                        "select count(*) from rowhook.worker where seen_at > started_at"
                    )
                )

            async def watch_waits() -> bool:
                return bool(
                    await rig.platform.value(
                        "select count(*) from pg_locks where locktype = 'advisory' and not granted"
                    )
                )

            await until(watch_waits, description="a check that waits")
            await rig.platform.run("update rowhook.worker set started_at = clock_timestamp()")
            await until(has_heartbeat, description="a heartbeat")
            # Otherwise the worker waits for its claim before it stops.
            await other.execute("rollback")


async def test_captures_continue_while_waiting_deliveries_are_cancelled(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    await mark_as_restored(platform)
    await platform.commit()

    async def waits() -> bool:
        return bool(
            await platform.value(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
                " and datname = current_database() and query ~ 'rowhook.adopt'"
            )
        )

    async with (
        asyncio.TaskGroup() as group,
        await connection_pool.connect(dsn) as other,
        other.transaction(),
    ):
        await other.execute("select from rowhook.outbox for update")
        adoption = group.create_task(installation_queries.adopt(pool, cancel_waiting=True))
        await until(waits, description="an adoption that waits for a row")
        await platform.run("set lock_timeout = '10 s'")
        await platform.commit()
    assert await adoption == 2
    assert (await record(platform))["epoch"] == 1


async def test_after_pg_upgrade_no_event_moves_and_no_cursor_reads_it_again(
    operator: Platform, pool: Pool
) -> None:
    """Changes the cluster identity with continuing transaction ids and unchanged rows."""
    await operator.webhook_of_goal()
    for _ in range(3):
        await operator.commit()
    async with operator.db.transaction():
        await operator.commit()
        await operator.commit()
    before = await feed(operator)
    await operator.run(
        "update rowhook.installation set system_identifier = 1, epoch_system_identifier = 1,"
        " checked_file = 'another'"
    )
    await CopyDetector(pool).check()
    assert (await record(operator))["epoch"] == 1
    assert await feed(operator) == before
    await operator.commit()
    assert len(await feed(operator, *before[-1])) == 1


async def test_an_old_dump_migrated_in_another_cluster_is_a_copy(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    await mark_as_restored(platform)
    await platform.run("drop table rowhook.installation cascade")
    await platform.run(
        "delete from rowhook.migration where name in ('0008_installation', '0035_clock_steps')"
    )
    completed = await runner.migrate(dsn)
    assert (completed[0], completed[-1]) == ("0008_installation", "epoch 1")
    assert await keys(platform, pool) == []
    assert "the next transaction id" in (await record(platform))["suspended_reason"]


async def test_healing_restarts_in_another_cluster(platform: Platform, pool: Pool) -> None:
    async def settled_at() -> Any:
        return await platform.value("select settled_at from rowhook.source where name = 'commit'")

    await platform.webhook_of_goal()
    await mark_as_restored(platform)
    await CopyDetector(pool).check()
    await platform.value("select rowhook.heal()")
    before = await settled_at()
    for _ in range(3):
        await platform.value("select rowhook.heal()")
    assert await settled_at() > before


async def test_a_webhook_that_became_ordered_before_a_restore_is_processed(
    platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_goal()
    commits = [await platform.commit() for _ in range(3)]
    await platform.run("update rowhook.webhook set ordered = true where id = %s", webhook)
    await platform.run("update rowhook.chore set until_xact = '9000000050000'")
    await mark_as_restored(platform)
    await installation_queries.adopt(pool, cancel_waiting=False)
    for _ in range(3):
        await platform.run("update rowhook.chore set due_at = now()")
        await engine.sweep(pool)
    assert await keys_in_order(platform, pool, 3) == commits


async def test_retention_records_the_highest_transaction_id(platform: Platform) -> None:
    await platform.run("update rowhook.installation set highest_xid = '3'")
    await platform.value("select rowhook.retain()")
    noted = await platform.value("select highest_xid::text::bigint from rowhook.installation")
    assert noted > 3


async def test_retention_works_in_a_cluster_with_lower_transaction_ids(
    platform: Platform, pool: Pool
) -> None:
    await insert_events(platform, await platform.webhook(), 3, None, timedelta(days=40))
    await platform.run("update rowhook.retention set next_xact = '999999999999'")
    await mark_as_restored(platform)
    assert await installation_queries.begin_epoch(pool, 60) is not None

    async def removed_count() -> bool:
        await platform.value("select removed from rowhook.retain_batch('events', begins => true)")
        return bool(await platform.value("select not exists (select from rowhook.event)"))

    await until(removed_count, description="the removal of the old events")
