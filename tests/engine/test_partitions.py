"""Daily partitions of attempts are created in advance and dropped without blocking."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from rowhook.db import connection_pool, installation_queries
from rowhook.db.connection_pool import Pool
from rowhook.db.statements import TenantPool
from rowhook.migrate import runner, steps
from rowhook.migrate.locks import Patience
from rowhook.migrate.runner import apply_all
from rowhook.migrate.steps import DEFAULT_PREFIX, all_steps, pending
from tests.support.sample_platform import Platform
from tests.support.servers import every_server
from tests.support.worker_rig import until

pytestmark = [pytest.mark.anyio, every_server]
TABLES = ("attempt_row", "exchange", "failed_exchange")
LONG_AGO = date(2020, 1, 1)
CUTOFF = datetime(2021, 1, 1, tzinfo=UTC)
WAITS = "select count(*) > 0 from pg_locks where not granted"


async def days(platform: Platform, table: str) -> list[date]:
    rows = await platform.rows(
        "select rowhook.partition_day(c.relname) as day from pg_inherits i"
        " join pg_class c on c.oid = i.inhrelid where i.inhparent = to_regclass('rowhook.' || %s)"
        " order by 1",
        table,
    )
    return [row["day"] for row in rows]


async def create_old_partitions(platform: Platform) -> None:
    for table in TABLES:
        assert await platform.value("select rowhook.make_partition(%s, %s)", table, LONG_AGO)


async def drop_partitions(platform: Platform, *cutoffs: datetime | None) -> str | None:
    dropped_partitions: str | None = await platform.value(
        "select rowhook.drop_expired_partition(%s, %s, %s)", *cutoffs
    )
    return dropped_partitions


async def drop_today(platform: Platform) -> None:
    for table in TABLES:
        for day in await days(platform, table):
            await platform.run(f"drop table rowhook.{table}_{day:%Y%m%d}".encode())  # type: ignore[arg-type]


async def attempt(platform: Platform, pool: Pool, started_at: datetime) -> dict[str, Any]:
    await platform.commit()
    (claim,) = await platform.claim(pool)
    assert await platform.record(
        pool, claim, "delivered", started_at=started_at.isoformat(), response_body="ok"
    )
    (row,) = await platform.rows(
        "select started_at, response_body from rowhook.attempt where outbox_id = %s",
        claim.outbox_id,
    )
    return row


async def test_a_migration_creates_the_partitions_of_a_week(dsn: str, platform: Platform) -> None:
    today = datetime.now(UTC).date()
    for table in TABLES:
        assert {today + timedelta(n) for n in range(7)} <= set(await days(platform, table))
    await platform.run(f"drop table rowhook.exchange_{today + timedelta(3):%Y%m%d}".encode())  # type: ignore[arg-type]
    assert await runner.migrate(dsn) == []
    assert today + timedelta(3) in await days(platform, "exchange")


async def test_a_result_creates_missing_partitions(platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_goal()
    await drop_today(platform)
    now = datetime.now(UTC)
    row = await attempt(platform, pool, now)
    assert row == {"started_at": now, "response_body": "ok"}
    await drop_today(platform)
    await platform.run(
        "insert into rowhook.attempt"
        " (outbox_id, number, revision, started_at, duration_ms, outcome)"
        " values (7, 1, 1, now(), 0, 'timeout')"
    )
    assert await platform.value("select count(*) from rowhook.attempt") == 1


@pytest.mark.parametrize("days_away", [-10_000, -400, -2, 30, 400])
async def test_a_result_of_a_day_without_partitions_gets_the_current_time(
    platform: Platform, pool: Pool, days_away: int
) -> None:
    await platform.webhook_of_goal()
    result = datetime.now(UTC) + timedelta(days_away)
    row = await attempt(platform, pool, result)
    assert row["response_body"] == "ok"
    assert abs(row["started_at"] - datetime.now(UTC)) < timedelta(days=1)


async def test_a_result_of_a_day_with_partitions_keeps_its_time(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    await create_old_partitions(platform)
    old = datetime(2020, 1, 1, 23, 59, 59, tzinfo=UTC)
    assert (await attempt(platform, pool, old))["started_at"] == old
    # Its partition was dropped: it is recorded with its body and the current time.
    assert await drop_partitions(platform, None, CUTOFF, None) == "rowhook.exchange_20200101"
    row = await attempt(platform, pool, old)
    assert row["started_at"] != old
    assert row["response_body"] == "ok"


async def test_partitions_of_each_kind_are_dropped_at_their_own_age(platform: Platform) -> None:
    await create_old_partitions(platform)
    assert await drop_partitions(platform, None, None, None) is None
    early = datetime(2020, 1, 1, 12, tzinfo=UTC)
    assert await drop_partitions(platform, early, early, early) is None
    assert await drop_partitions(platform, None, CUTOFF, None) == "rowhook.exchange_20200101"
    assert await drop_partitions(platform, None, CUTOFF, None) is None
    assert await drop_partitions(platform, None, None, CUTOFF) == "rowhook.failed_exchange_20200101"
    assert await drop_partitions(platform, CUTOFF, CUTOFF, CUTOFF) == "rowhook.attempt_row_20200101"
    assert await drop_partitions(platform, CUTOFF, CUTOFF, CUTOFF) is None


async def test_a_partition_that_may_still_be_written_is_never_dropped(platform: Platform) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(1)
    for table in TABLES:
        await platform.value("select rowhook.make_partition(%s, %s)", table, yesterday)
    ahead = datetime.now(UTC) + timedelta(days=300)
    for _ in range(20):
        await drop_partitions(platform, ahead, ahead, ahead)
    for table in TABLES:
        assert (await days(platform, table))[0] == yesterday


async def test_rows_from_before_the_partitioning_are_dropped_with_their_partitions(
    platform: Platform,
) -> None:
    await platform.run(
        "insert into rowhook.attempt_archive"
        " (outbox_id, number, revision, started_at, duration_ms, outcome, request)"
        " values (7, 1, 1, '2020-01-01', 0, 'delivered', '{}')"
    )
    assert await platform.value("select count(*) from rowhook.attempt") == 1
    assert await drop_partitions(platform, CUTOFF, CUTOFF, CUTOFF) is None
    await platform.run(
        "update rowhook.migration set applied_at = '2020-02-01' where name = '0018_exchange'"
    )
    assert await drop_partitions(platform, CUTOFF, CUTOFF, CUTOFF) == "rowhook.attempt_default"
    assert await platform.value("select count(*) from rowhook.attempt") == 0


async def test_a_long_read_delays_the_drop_but_no_insert(
    dsn: str, platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    await create_old_partitions(platform)
    async with await connection_pool.connect(dsn) as reader, reader.transaction():
        await reader.execute("select count(*) from rowhook.exchange")
        async with await connection_pool.connect(dsn) as keeper:
            dropping = asyncio.create_task(
                drop_partitions(platform.with_connection(keeper), None, CUTOFF, None)
            )
            now = datetime.now(UTC)
            await platform.run("set lock_timeout = '10s'")
            assert (await attempt(platform, pool, now))["response_body"] == "ok"
            assert await dropping is None
            # Partitions of other kinds are dropped.
            assert await drop_partitions(
                platform.with_connection(keeper), None, CUTOFF, CUTOFF
            ) == ("rowhook.failed_exchange_20200101")
    assert await drop_partitions(platform, None, CUTOFF, None) == "rowhook.exchange_20200101"


async def test_short_transactions_do_not_prevent_dropping_a_partition(
    dsn: str, platform: Platform
) -> None:
    await create_old_partitions(platform)
    is_over = False

    async def read_in_transaction() -> None:
        async with await connection_pool.connect(dsn) as reader:
            while not is_over:
                async with reader.transaction():
                    await reader.execute("select from rowhook.exchange")
                await asyncio.sleep(0)

    reading = asyncio.create_task(read_in_transaction())

    async def dropped_partitions() -> bool:
        return await drop_partitions(platform, None, CUTOFF, None) is not None

    await until(dropped_partitions, description="the drop between two readers")
    is_over = True
    await reading


async def test_the_system_page_works_while_a_partition_is_dropped(
    dsn: str, platform: Platform, pool: Pool
) -> None:
    await create_old_partitions(platform)
    operator = TenantPool(pool=pool, organization=None, actor="a test")
    async with await connection_pool.connect(dsn) as dropper:
        async with dropper.transaction():
            await dropper.execute("drop table rowhook.exchange_20200101")
            requested = asyncio.create_task(installation_queries.system(operator))

            async def waits() -> bool:
                return bool(await platform.value(WAITS))

            await until(waits, description="the page's wait for the drop")
        result = json.loads(await requested)
    names = {partition["name"] for partition in result["partitions"]}
    assert "attempt_row_20200101" in names
    assert "exchange_20200101" not in names


async def test_workers_of_the_previous_release_record_during_an_upgrade(
    empty_dsn: str,
) -> None:
    async with await connection_pool.connect(empty_dsn) as own:
        expected = all_steps(steps.sql_folder(), DEFAULT_PREFIX)
        for step in pending(expected, {}):
            if step.kind in ("script", "outside"):
                await apply_all(own, [step], Patience(dsn=empty_dsn, seconds=60))
        insert = (
            "insert into rowhook.attempt (outbox_id, number, revision, started_at, duration_ms,"
            " rendered_ms, validated_ms, outcome, status_code, error, request, response_headers,"
            " response_body)"
            " values (7, %s, 1, now(), 1.5, null, null, %s, 200, null, '{\"a\": 1}', '[]', 'ok')"
        )
        await own.execute("grant usage on schema rowhook to rowhook_worker")
        await own.execute("set role rowhook_worker")
        await own.execute(insert, (1, "delivered"))
        await own.execute(insert, (2, "http_status"))
        await own.execute("reset role")
    await runner.migrate(empty_dsn)
    async with await connection_pool.connect(empty_dsn) as db:
        displayed = await Platform(db).rows(
            "select number, outcome, request, response_body from rowhook.attempt order by number"
        )
    assert [tuple(row.values()) for row in displayed] == [
        (1, "delivered", {"a": 1}, "ok"),
        (2, "http_status", {"a": 1}, "ok"),
    ]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Shanghai", "Europe/Berlin"])
@pytest.mark.parametrize("style", ["ISO", "SQL, DMY", "Postgres", "German"])
async def test_days_are_in_utc_for_all_session_time_zones_and_date_styles(
    platform: Platform, style: str, zone: str
) -> None:
    await platform.run("select set_config('DateStyle', %s, false)", style)
    await platform.run("select set_config('TimeZone', %s, false)", zone)
    assert await platform.value("select rowhook.make_partition('exchange', %s)", LONG_AGO)
    await platform.run("reset DateStyle")
    await platform.run("set timezone = 'UTC'")
    assert (
        await platform.value(
            "select pg_get_expr(relpartbound, oid) from pg_class"
            " where relname = 'exchange_20200101'"
        )
        == "FOR VALUES FROM ('2020-01-01 00:00:00+00') TO ('2020-01-02 00:00:00+00')"
    )
