"""`rowhook retain`: ages are displayed and changed; old rows are planned and removed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rowhook.db import connection_pool
from tests.support.calls import Api
from tests.support.command_line import CommandLine
from tests.support.sample_platform import Platform
from tests.support.worker_rig import until

pytestmark = pytest.mark.anyio


@pytest.fixture
def hands(folder: Path, dsn: str) -> CommandLine:
    return CommandLine(folder=folder, dsn=dsn)


async def finish(platform: Platform, days_ago: int) -> None:
    """A delivery that was cancelled some days ago."""
    await platform.commit()
    await platform.run("update rowhook.outbox set status = 'cancelled' where status = 'pending'")
    await platform.run(
        "update rowhook.outbox set token = nextval('rowhook.token'),"
        f" finished_at = now() - interval '{days_ago} days'"
        " where finished_at > now() - interval '1 h'"
    )
    await platform.run(
        f"update rowhook.event set created_at = now() - interval '{days_ago} days',"
        f" occurred_at = now() - interval '{days_ago} days'"
        " where created_at > now() - interval '1 h'"
    )


async def test_retention_ages_are_displayed_and_changed(hands: CommandLine) -> None:
    output = await hands.ok("retain")
    assert "delivered" in output
    assert "30 d" in output
    await hands.ok("retain", "--set", "delivered=14d", "--set", "audit=forever")
    ages = {entry["kind"]: entry.get("keep_s") for entry in await hands.json("retain")}
    assert (ages["delivered"], ages["audit"], ages["failed"]) == (14 * 86400, None, 30 * 86400)
    assert "forever" in await hands.ok("retain")
    await hands.ok("retain", "--set", "failed=1234h")
    assert "1,234 h" in await hands.ok("retain")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("delivered", "e.g. delivered=14d"),
        ("delivered=soon", "45s, 90min, 2h or 30d"),
        ("letters=3d", "Unknown kind 'letters'"),
    ],
)
async def test_an_invalid_age_is_rejected_with_advice(
    hands: CommandLine, value: str, message: str
) -> None:
    result = await hands.type("retain", "--set", value)
    assert result.code == 2
    assert message in result.err
    assert {
        entry.get("keep_s") for entry in await hands.json("retain") if entry["kind"] == "delivered"
    } == {30 * 86400}


async def test_a_rejected_command_sets_nothing(hands: CommandLine) -> None:
    result = await hands.type("retain", "--set", "delivered=14d", "--set", "letters=3d")
    assert result.code == 2
    ages = {entry["kind"]: entry.get("keep_s") for entry in await hands.json("retain")}
    assert ages["delivered"] == 30 * 86400


async def test_a_plan_lists_the_rows_that_a_run_removes(
    hands: CommandLine, platform: Platform
) -> None:
    await platform.webhook_of_goal()
    await finish(platform, 40)
    await finish(platform, 3)
    plan = {entry["kind"]: entry for entry in await hands.json("retain", "--plan")}
    assert plan["failed"]["rows"] == 1
    assert plan["delivered"]["rows"] == 0
    assert plan["attempts"]["days"] == 0
    assert "failed" in await hands.ok("retain", "--plan")
    assert (await hands.type("retain", "--plan", "--now")).code == 2
    assert "removed" in await hands.ok("retain", "--now")
    assert await platform.value("select count(*) from rowhook.outbox") == 1
    assert await platform.value("select count(*) from rowhook.event") == 1
    assert (await hands.json("retain", "--now"))["removed"]["failed"] == 0


async def old_partitions(platform: Platform) -> None:
    """A partition of each kind that is older than any age."""
    for parent in ("attempt_row", "exchange", "failed_exchange"):
        await platform.run(f"select rowhook.make_partition('{parent}', '2020-01-01')")


async def test_old_partitions_are_planned_and_dropped(
    hands: CommandLine, platform: Platform
) -> None:
    await old_partitions(platform)
    plan = {entry["kind"]: entry.get("days") for entry in await hands.json("retain", "--plan")}
    assert (plan["attempts"], plan["bodies"], plan["failed_bodies"]) == (1, 1, 1)
    assert "1 day" in await hands.ok("retain", "--plan")
    await hands.ok("retain", "--set", "attempts=forever", "--set", "bodies=forever")
    plan = {entry["kind"]: entry.get("days") for entry in await hands.json("retain", "--plan")}
    assert (plan["attempts"], plan["bodies"], plan["failed_bodies"]) == (0, 0, 1)
    await hands.ok("retain", "--set", "attempts=30d")
    dropped = (await hands.json("retain", "--now"))["dropped_partitions"]
    assert len(dropped) == 3


async def test_a_transaction_that_blocks_a_drop_is_reported(
    hands: CommandLine, platform: Platform, dsn: str
) -> None:
    await old_partitions(platform)
    async with await connection_pool.connect(dsn) as reader, reader.transaction():
        await reader.execute("select count(*) from rowhook.exchange")
        result = await hands.type("retain", "--now")
    assert result.code == 1
    assert "in use by a transaction" in result.err
    await hands.ok("retain", "--now")
    assert await platform.value("select to_regclass('rowhook.exchange_20200101')::text") is None


async def test_deliveries_of_paused_webhooks_are_displayed_as_kept(
    hands: CommandLine, platform: Platform, api: Api
) -> None:
    webhook = await platform.webhook_of_goal()
    for _ in range(3):
        await platform.commit()
    assert "paused" not in await hands.ok("retain", "--plan")
    await platform.value("select rowhook.pause(%s)", webhook)
    paused = {"webhooks": 1, "deliveries": 3, "is_capped": False}
    for options in (("retain",), ("retain", "--plan")):
        output = await hands.ok(*options)
        assert "kept regardless of age: 3 (webhooks: 1), the oldest from 20" in output
        *_, entry = await hands.json(*options)
        oldest_at = entry.pop("oldest_at")
        assert entry == {"kind": "paused", **paused}
    system = (await api.call("GET", "/system")).json()
    assert system["paused"] == {**paused, "oldest_at": oldest_at}


async def test_the_rows_of_tables_partitioned_by_day_are_estimated(
    api: Api, platform: Platform
) -> None:
    await platform.run(
        "insert into rowhook.attempt"
        " (outbox_id, number, revision, started_at, duration_ms, outcome, response_body)"
        " select n, 1, 1, now(), 0, case when n > 7 then 'timeout' else 'delivered' end, 'x'"
        " from generate_series(1, 10) n"
    )
    await platform.run("select pg_stat_force_next_flush()")
    tables = ("attempt_row", "exchange", "failed_exchange")

    async def are_counted() -> bool:
        storage = (await api.call("GET", "/system")).json()["storage"]
        rows = {entry["name"]: entry["rows"] for entry in storage}
        return [rows[table] for table in tables] == [10, 7, 3]

    await until(are_counted, description="the counts of the statistics")
    partition = await platform.value(
        "select 'rowhook.' || rowhook.partition_name('exchange', (now() at time zone 'UTC')::date)"
    )
    await platform.run(f"analyze {partition}".encode())  # type: ignore[arg-type]
    assert await are_counted()


async def test_the_system_page_has_ages_and_sizes(api: Api, platform: Platform) -> None:
    await platform.webhook_of_goal()
    await finish(platform, 3)
    system = (await api.call("GET", "/system")).json()
    failed = next(entry for entry in system["retention"] if entry["kind"] == "failed")
    assert failed["keep_s"] == 30 * 86400
    assert failed["oldest_at"] is not None
    sizes = {entry["name"]: entry["bytes"] for entry in system["storage"]}
    assert sizes["event"] > 0
    assert {"outbox", "attempt_row", "exchange", "failed_exchange", "audit"} <= set(sizes)


async def test_a_run_waits_for_another_run(
    hands: CommandLine, platform: Platform, dsn: str
) -> None:
    await platform.webhook_of_goal()
    await finish(platform, 40)
    async with await connection_pool.connect(dsn) as other:
        await other.execute("begin")
        await other.execute("select rowhook.retain_batch('held')")
        running = asyncio.create_task(hands.type("retain", "--now"))

        async def waits() -> bool:
            return bool(
                await platform.value(
                    "select count(*) from pg_locks where locktype = 'advisory' and not granted"
                )
            )

        await until(waits, description="a run that waits")
        await other.execute("commit")
        result = await running
    assert result.code == 0, result
    assert await platform.value("select count(*) from rowhook.outbox") == 0
