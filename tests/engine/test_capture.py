from __future__ import annotations

import asyncio
import json
import time
from typing import LiteralString

import psycopg
import pytest

from rowhook.db import connection_pool, statements
from rowhook.db.connection_pool import Pool
from tests.support.deadline import DEADLINE_S
from tests.support.sample_platform import Platform
from tests.support.scoreboard import score
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, every_server]


@pytest.mark.parametrize(
    ("status", "kind"), [("succeeded", "job.succeeded"), ("failed", "job.failed")]
)
async def test_a_finished_job_creates_one_event_and_one_delivery_per_webhook(
    platform: Platform, status: str, kind: str
) -> None:
    first, two = await platform.webhook_of_agent(), await platform.webhook_of_agent()
    job = await platform.job()
    await platform.finish(job, status)
    events = await platform.rows("select type, key, job_id from rowhook.event")
    assert events == [{"type": kind, "key": str(job), "job_id": str(job)}]
    assert {row["webhook_id"] for row in await platform.deliveries()} == {first, two}


@pytest.mark.parametrize("status", ["pending", "running", "cancelled"])
async def test_an_unfinished_job_creates_no_event(platform: Platform, status: str) -> None:
    await platform.webhook_of_agent()
    await platform.job(status)
    assert await platform.value("select count(*) from rowhook.event") == 0


async def test_a_job_inserted_as_finished_creates_an_event_and_gets_a_completion_time(
    platform: Platform,
) -> None:
    await platform.webhook_of_agent()
    job = await platform.job("succeeded")
    assert len(await platform.deliveries()) == 1
    assert await platform.value("select completed_at from rowhook.job where id = %s", job)


async def test_an_update_without_a_status_change_creates_no_event(platform: Platform) -> None:
    await platform.webhook_of_agent()
    job = await platform.job("succeeded")
    await platform.run("update rowhook.job set cost = 5, status = status where id = %s", job)
    assert len(await platform.deliveries()) == 1


async def test_a_later_completion_of_the_same_job_has_its_own_key(platform: Platform) -> None:
    job = await platform.job("succeeded")
    await platform.finish(job, "running")
    await platform.finish(job, "failed")
    rows = await platform.rows("select id, key from rowhook.event order by id")
    assert [row["key"] for row in rows] == [str(job), f"{job}:{rows[1]['id']}"]


async def test_a_job_snapshot_fixes_names_and_keeps_digits(platform: Platform) -> None:
    job = await platform.job("succeeded", output='{"a": 1.10, "b": 1E5}', cost="0.004200")
    await platform.run("update rowhook.agent set name = 'renamed'")
    row = (
        await platform.rows(
            "select rowhook.event_snapshot(e) as shot, data::text as data from rowhook.event e"
        )
    )[0]
    shot = json.loads(row["shot"])
    assert shot["agent"] == {"id": str(platform.agent), "name": "Ann"}
    assert shot["job"]["id"] == str(job)
    assert '"cost":0.004200' in row["shot"]
    assert row["data"] == '{"a": 1.10, "b": 1E5}'


async def test_a_commit_snapshot_contains_the_context_at_that_time(platform: Platform) -> None:
    await platform.run(
        "insert into rowhook.session (id, organization_id, context) values ('s', %s, %s)",
        platform.organization,
        '{"x": 1}',
    )
    commit = await platform.commit('{"n": 1.0}', session="s")
    await platform.run("update rowhook.session set context = '{}'")
    row = (
        await platform.rows(
            "select *, context::text as kept, rowhook.event_snapshot(e)::json as shot"
            " from rowhook.event e"
        )
    )[0]
    assert (row["key"], row["commit_id"], row["kept"]) == (commit, commit, '{"x": 1}')
    assert row["shot"]["session"] == {"id": "s"}
    assert row["shot"]["template"] == {"id": "template_1"}
    assert row["shot"]["interview"] == {"id": None}


async def test_a_commit_snapshot_is_json_for_all_names_and_ids(
    platform: Platform,
) -> None:
    hard = 'a"b\\c%s\n\u2028\U0001f600'
    await platform.run("update rowhook.organization set name = %s", hard)
    await platform.run(
        "insert into rowhook.goal (id, organization_id, template_id) values (%s, %s, %s)",
        hard,
        platform.organization,
        hard,
    )
    await platform.run("insert into rowhook.commit (id, goal_id) values (%s, %s)", hard, hard)
    shot = await platform.value("select rowhook.event_snapshot(e)::json from rowhook.event e")
    assert {shot["commit_id"], shot["goal"]["id"], shot["template"]["id"]} == {hard}
    assert shot["organization"] == {"id": str(platform.organization), "name": hard}


@pytest.mark.new_database
async def test_a_capture_planned_on_small_tables_uses_indexes(
    platform: Platform,
) -> None:
    await platform.webhook_of_goal()
    await platform.webhook_of_agent()
    await platform.run("vacuum (analyze)")
    async with platform.db.transaction():
        await platform.commit()
        await platform.job("succeeded")
        read = await platform.rows(
            "select relname from pg_stat_xact_user_tables"
            " where schemaname = 'rowhook' and seq_scan > 0"
            # These two are read by the foreign key checks of PostgreSQL.
            " and relname not in ('goal', 'agent_version')"
        )
    assert read == []


async def test_a_rollback_leaves_no_event(platform: Platform) -> None:
    await platform.webhook_of_goal()
    with pytest.raises(ZeroDivisionError):
        async with platform.db.transaction():
            await platform.commit()
            raise ZeroDivisionError
    assert await platform.value("select count(*) from rowhook.event") == 0
    assert await platform.deliveries() == []


async def test_copy_creates_an_event_for_each_row(platform: Platform) -> None:
    await platform.webhook_of_goal()
    async with (
        platform.db.cursor() as cursor,
        cursor.copy("copy rowhook.commit (id, goal_id, data) from stdin") as copy,
    ):
        for number in range(500):
            await copy.write_row((f"c{number}", platform.goal, '{"n": 1}'))
    assert len(await platform.deliveries()) == 500


async def test_a_statement_with_a_known_commit_still_captures_the_others(
    platform: Platform,
) -> None:
    await platform.webhook_of_goal()
    add = "insert into rowhook.commit (id, goal_id, data) select unnest(%s::text[]), %s, '{}'"
    await platform.run(add, ["known"], platform.goal)
    await platform.run("delete from rowhook.commit")
    await platform.run(add, ["new 1", "known", "new 2"], platform.goal)
    captured = await platform.rows("select commit_id from rowhook.event order by commit_id")
    assert [row["commit_id"] for row in captured] == ["known", "new 1", "new 2"]
    assert len(await platform.deliveries()) == 3
    assert await platform.rows("select message from rowhook.capture_error") == []


async def test_a_statement_with_a_repeated_completion_still_captures_the_first_ones(
    platform: Platform,
) -> None:
    await platform.webhook_of_agent()
    repeated = await platform.job("succeeded")
    await platform.finish(repeated, "running")
    first = await platform.job("running")
    await platform.run("update rowhook.job set status = 'succeeded' where status = 'running'")
    rows = await platform.rows("select id, job_id, key from rowhook.event order by id")
    by_job = {row["job_id"]: row["key"] for row in rows[1:]}
    assert set(by_job) == {str(repeated), str(first)}
    assert by_job[str(first)] == str(first)
    assert by_job[str(repeated)].startswith(f"{repeated}:")
    assert len(await platform.deliveries()) == 3
    assert await platform.rows("select message from rowhook.capture_error") == []


# In this transaction: rows of tables, and entries of indexes.
ROWS_READ = """
select sum(pg_stat_get_xact_tuples_returned(oid))::int from pg_class
where relnamespace = 'rowhook'::regnamespace and relkind in ('r', 'i')
"""


async def finish_in_bulk(platform: Platform, count: int) -> tuple[int, float]:
    """Finishes jobs in one statement; returns the rows read and the seconds."""
    await platform.run(
        "insert into rowhook.job (agent_version_id, status)"
        " select %s, 'running' from generate_series(1, %s)",
        platform.version,
        count,
    )
    async with platform.db.transaction():
        before = await platform.value(ROWS_READ)
        began = time.monotonic()
        await platform.run("update rowhook.job set status = 'succeeded' where status = 'running'")
        took_s = time.monotonic() - began
        return await platform.value(ROWS_READ) - before, took_s


async def cache_plans(platform: Platform) -> None:
    """Finishes jobs one by one until the plans of the capture are cached."""
    await platform.webhook_of_agent()
    for _ in range(7):
        await platform.finish(await platform.job())


async def test_a_bulk_update_after_single_ones_reads_a_few_rows_for_each(
    platform: Platform,
) -> None:
    await cache_plans(platform)
    rows_read, _ = await finish_in_bulk(platform, 1000)
    assert await platform.value("select count(*) from rowhook.outbox") == 1007
    # The job of the update, then for each its version, agent, organization, link and webhook.
    assert rows_read <= 10 * 1000


async def test_a_completion_after_single_ones_reads_no_earlier_one(
    platform: Platform, superuser: psycopg.AsyncConnection
) -> None:
    await cache_plans(platform)
    # Without triggers, on another connection, so that cached plans are kept.
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute(
        "insert into rowhook.job (agent_version_id, status, completed_at)"
        " select %s, 'succeeded', now() from generate_series(1, 1000)",
        (platform.version,),
    )
    job = await platform.job()
    async with platform.db.transaction():
        before = await platform.value(ROWS_READ)
        await platform.finish(job)
        assert await platform.value(ROWS_READ) - before < 100


@pytest.mark.battery
@pytest.mark.hazards
async def test_a_bulk_update_after_single_ones_stays_linear(platform: Platform) -> None:
    await cache_plans(platform)
    _, tenth_s = await finish_in_bulk(platform, 2000)
    _, whole_s = await finish_in_bulk(platform, 20_000)
    score(
        "20,000 jobs finished by one statement",
        required="≤ 30 × the time of 2,000",
        measured=f"{whole_s / tenth_s:.1f} ×",
        holds=whole_s <= 30 * tenth_s,
    )


@pytest.mark.parametrize(
    "data", ['{"a": "\\u0000"}', '{"a": "\\ud800"}', "null", "[]", '"x"', "1e100000", None]
)
async def test_hostile_json_is_captured_unchanged(platform: Platform, data: str | None) -> None:
    await platform.webhook_of_goal()
    await platform.commit(data)
    stored_data = await platform.value("select data::text from rowhook.event")
    assert stored_data == data
    assert len(await platform.deliveries()) == 1


async def test_a_commit_above_the_event_limit_is_marked_as_too_large(platform: Platform) -> None:
    await platform.webhook_of_goal()
    await platform.commit(json.dumps({"a": "x" * 1_100_000}))
    row = (await platform.rows("select data, oversize_bytes from rowhook.event"))[0]
    assert (row["data"], row["oversize_bytes"]) == (None, 1_100_009 + 0)
    assert len(await platform.deliveries()) == 1


async def test_a_job_above_the_event_limit_is_marked_as_too_large(platform: Platform) -> None:
    await platform.webhook_of_agent()
    await platform.job("succeeded", output=json.dumps("x" * 1_048_575))
    row = (await platform.rows("select data, context, oversize_bytes from rowhook.event"))[0]
    assert row == {"data": None, "context": None, "oversize_bytes": 1_048_577 + len("{}")}


async def test_a_stored_and_compressed_output_above_the_event_limit_is_marked_as_too_large(
    platform: Platform,
) -> None:
    output = json.dumps("x" * 1_100_000)
    job = await platform.job("running", output=output)
    await platform.finish(job)
    row = (await platform.rows("select data, oversize_bytes from rowhook.event"))[0]
    assert row == {"data": None, "oversize_bytes": len(output) + len("{}")}


async def test_event_types_are_filtered_at_capture(platform: Platform) -> None:
    failing = await platform.webhook_of_agent(event_types=["job.failed"])
    await platform.job("succeeded")
    await platform.job("failed")
    assert [row["webhook_id"] for row in await platform.deliveries()] == [failing]


async def test_a_disabled_webhook_gets_skipped_deliveries_and_a_paused_one_pending_ones(
    platform: Platform,
) -> None:
    disabled, paused = await platform.webhook_of_goal(), await platform.webhook_of_goal()
    await platform.run("update rowhook.webhook set state = 'disabled' where id = %s", disabled)
    await platform.run("update rowhook.webhook set state = 'paused' where id = %s", paused)
    await platform.commit()
    statuses = {row["webhook_id"]: row["status"] for row in await platform.deliveries()}
    assert statuses == {disabled: "skipped", paused: "pending"}


@pytest.mark.parametrize(
    ("change", "started"),
    [
        ("name = 'same'", ("pending", True, 0)),
        ("retry_schedule_s = '{100,200}'", ("pending", False, 100)),
        ("retry_schedule_s = '{100}', state = 'paused'", ("pending", False, 100)),
        ("state = 'disabled'", ("skipped", False, None)),
        ("retry_schedule_s = '{100}', state = 'disabled'", ("skipped", False, None)),
    ],
)
async def test_new_deliveries_start_as_the_webhook_says_now(
    platform: Platform, change: LiteralString, started: tuple[str, bool, int | None]
) -> None:
    webhook = await platform.webhook_of_goal()
    await platform.run("update rowhook.webhook set state = 'disabled' where id = %s", webhook)
    await platform.run("update rowhook.webhook set state = 'active' where id = %s", webhook)
    await platform.run(f"update rowhook.webhook set {change} where id = %s", webhook)
    await platform.run(
        "insert into rowhook.link (organization_id, webhook_id, agent_id)"
        " select w.organization_id, w.id, a.id from rowhook.webhook w, rowhook.agent a limit 1"
    )
    copies = await platform.rows("select first_status, starts_ready from rowhook.link")
    assert copies == [{"first_status": started[0], "starts_ready": started[1]}] * len(copies)
    await platform.commit()
    rows = await platform.rows(
        "select status, ready, finished_at is not null as is_finished,"
        " extract(epoch from next_attempt_at - created_at)::float8 as after_s from rowhook.outbox"
    )
    status, ready, delay_s = started
    assert [(row["status"], row["ready"], row["is_finished"]) for row in rows] == [
        (status, ready, status == "skipped")
    ]
    # A first delay has a jitter of ±20 %; the row is created a moment after its statement begins.
    assert (rows[0]["after_s"] is None) == (delay_s is None)
    assert delay_s is None or abs(rows[0]["after_s"] - delay_s) <= delay_s * 0.2 + 10


async def session_with(platform: Platform, context: dict[str, str]) -> str:
    session: str = await platform.value(
        "insert into rowhook.session (id, organization_id, context)"
        " values ('s', %s, %s) returning id",
        platform.organization,
        json.dumps(context),
    )
    return session


async def test_a_context_above_the_event_limit_is_marked_as_too_large(platform: Platform) -> None:
    session = await session_with(platform, {"a": "x" * 1_048_576})
    await platform.webhook_of_goal()
    await platform.commit('{"b": 1}', session=session)
    row = (await platform.rows("select data, context, oversize_bytes from rowhook.event"))[0]
    assert (row["data"], row["context"]) == (None, None)
    assert row["oversize_bytes"] > 1_048_576


async def test_data_and_context_at_the_event_limit_are_kept(platform: Platform) -> None:
    session = await session_with(platform, {"a": "x" * 500_000})
    await platform.webhook_of_goal()
    await platform.commit(json.dumps({"b": "y" * 500_000}), session=session)
    row = (await platform.rows("select data, context, oversize_bytes from rowhook.event"))[0]
    assert row["oversize_bytes"] is None
    assert (len(row["data"]["b"]), len(row["context"]["a"])) == (500_000, 500_000)


async def test_an_error_in_the_capture_never_fails_the_platform_statement(
    platform: Platform,
) -> None:
    await platform.webhook_of_goal()
    await platform.run("alter table rowhook.event add constraint broken check (id < 0) not valid")
    commit = await platform.commit()
    error = (await platform.rows("select * from rowhook.capture_error"))[0]
    assert (error["source"], error["source_ids"], error["sqlstate"]) == (
        "commit",
        [commit],
        "23514",
    )
    await platform.run("alter table rowhook.event drop constraint broken")
    assert await platform.value("select rowhook.heal()") == 1
    assert len(await platform.deliveries()) == 1
    assert await platform.value("select rowhook.heal()") == 0


async def test_a_strict_source_fails_the_statement_instead(platform: Platform) -> None:
    await platform.run("update rowhook.source set strict = true where name = 'commit'")
    await platform.run("alter table rowhook.event add constraint broken check (id < 0) not valid")
    with pytest.raises(psycopg.errors.CheckViolation):
        await platform.commit()
    assert await platform.value("select count(*) from rowhook.commit") == 0


async def test_a_producer_may_only_write_the_platform_tables(
    platform: Platform,
) -> None:
    await platform.webhook_of_goal()
    await platform.run("set role rowhook_producer")
    await platform.commit()
    for query in (
        "select * from rowhook.outbox",
        "select * from rowhook.secret",
        "select rowhook.heal()",
        "delete from rowhook.commit",
        "select * from rowhook.event",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await platform.rows(query)
    await platform.run("reset role")
    assert len(await platform.deliveries()) == 1


@pytest.mark.parametrize(
    "function", ["now()", "clock_timestamp()", "octet_length(text)", "make_interval(secs float8)"]
)
async def test_the_search_path_of_a_producer_affects_nothing(
    platform: Platform, function: str
) -> None:
    await platform.webhook_of_goal()
    await platform.run("create schema hostile")
    await platform.db.execute(
        f"create function hostile.{function} returns int language plpgsql"
        " as $$ begin raise 'hijacked'; end $$".encode()
    )
    await platform.run("create temp table outbox (id int)")
    await platform.run("set search_path = hostile, pg_temp, rowhook, pg_catalog")
    with pytest.raises(psycopg.errors.RaiseException):
        call = function.replace("text", "'x'::text").replace("secs float8", "1::float8")
        await platform.db.execute(f"select {call}".encode())
    await platform.commit()
    await platform.run("reset search_path")
    assert await platform.rows("select * from rowhook.capture_error") == []
    assert len(await platform.deliveries()) == 1


async def test_the_capture_notifies_only_if_a_worker_sleeps(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    await platform.webhook_of_goal()
    async with await connection_pool.connect(dsn) as ear:
        await ear.execute("listen rowhook")
        await platform.outlook(pool)
        register = await platform.value("select last_value from rowhook.asleep")
        await platform.commit()
        async for note in ear.notifies(timeout=DEADLINE_S, stop_after=1):
            assert note.payload == str(register)
        await platform.commit()
        await ear.execute("notify rowhook, 'end'")
        texts = [note.payload async for note in ear.notifies(timeout=DEADLINE_S, stop_after=1)]
    assert texts == ["end"]


async def test_concurrent_capture_heal_and_retry_create_no_second_delivery(
    platform: Platform, pool: Pool, superuser: psycopg.AsyncConnection
) -> None:
    await platform.webhook_of_agent()
    await superuser.execute("set session_replication_role = replica")
    missed = [await platform.with_connection(superuser).job("succeeded") for _ in range(20)]

    async def complete_again() -> None:
        for job in missed:
            await platform.finish(job, "running")
            await platform.finish(job, "failed")

    async def heal() -> None:
        for _ in range(20):
            await statements.value(pool, "select rowhook.heal()")

    async def retry() -> None:
        for _ in range(20):
            await statements.rows(
                pool, "select rowhook.retry(array(select id from rowhook.outbox))"
            )

    await platform.run("update rowhook.job set completed_at = now()")
    await asyncio.gather(complete_again(), heal(), heal(), retry())
    await platform.value("select rowhook.heal()")
    twice = await platform.rows(
        "select job_id, type, count(*) from rowhook.event group by 1, 2 having count(*) > 1"
    )
    assert twice == []
    events = await platform.value("select count(*) from rowhook.event")
    assert len(await platform.deliveries()) == events
    assert await platform.rows("select * from rowhook.capture_gap") == []


async def test_a_commit_with_an_infinite_time_has_a_null_time_in_its_snapshot(
    platform: Platform,
) -> None:
    await platform.run(
        "insert into rowhook.commit (goal_id, data, committed_at) values (%s, '1', 'infinity')",
        platform.goal,
    )
    occurred_at = await platform.value(
        "select rowhook.event_snapshot(e)::json -> 'committed_at' from rowhook.event e"
    )
    assert occurred_at is None
