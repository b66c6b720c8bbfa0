"""Platform tables as sources: captured data and ids."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import anyio
import psycopg
import pytest

from rowhook.db import connection_pool, engine, installation_queries
from rowhook.db.connection_pool import Pool
from rowhook.db.statements import StillReferenced
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
LEASE = timedelta(seconds=20)

RUNS = """
create table public.runs (
  id bigint primary key, agent bigint not null, customer text, state text not null,
  payload jsonb, "Odd Name" text, done_at timestamp, started_at timestamptz not null default now())
"""
RUNS_MAPPING = {
    "id": "id",
    "agent_id": "agent",
    "organization_id": "customer",
    "status": "state",
    "status_map": {"done": "succeeded", "error": "failed"},
    "output": "payload.result",
    "metadata": "Odd Name",
    "completed_at": "done_at",
    "created_at": "started_at",
    "agent_version_name": {"value": "v2"},
}


async def watch(platform: Platform, kind: str, table: str, mapping: dict[str, Any]) -> None:
    query = f"select rowhook.watch_{kind}(%s, %s)".encode()
    await platform.db.execute(query, (table, json.dumps(mapping)))


async def snapshots(platform: Platform) -> list[dict[str, Any]]:
    return [
        row["snapshot"] | {"key": row["key"], "data": row["data"], "context": row["context"]}
        for row in await platform.rows(
            "select key, data, context, rowhook.event_snapshot(e)::json as snapshot"
            " from rowhook.event e order by id"
        )
    ]


async def watched_runs(platform: Platform) -> None:
    await platform.db.execute(RUNS.encode())
    await watch(platform, "jobs", "public.runs", RUNS_MAPPING)


async def test_a_watched_job_is_captured_under_the_ids_that_the_platform_writes(
    platform: Platform,
) -> None:
    await watched_runs(platform)
    await platform.run(
        "insert into public.runs values (7, 12, 'cust-1', 'done', %s, 'odd', now())",
        '{"result": {"x": 1.50}}',
    )
    (shot,) = await snapshots(platform)
    assert (shot["job"]["id"], shot["job"]["status"], shot["key"]) == ("7", "succeeded", "7")
    assert (shot["agent"]["id"], shot["organization"]["id"]) == ("12", "cust-1")
    assert (shot["data"], shot["context"]) == ({"x": 1.5}, "odd")
    assert shot["agent_version"] == {"id": None, "name": "v2"}


async def test_only_mapped_statuses_of_a_watched_table_create_events(platform: Platform) -> None:
    await watched_runs(platform)
    await platform.run("insert into public.runs values (1, 1, 'c', 'running')")
    await platform.run("update public.runs set state = 'succeeded'")
    assert await snapshots(platform) == []
    await platform.run("update public.runs set state = 'error'")
    assert [shot["job"]["status"] for shot in await snapshots(platform)] == ["failed"]


async def test_history_of_a_table_is_not_sent_when_it_is_watched(platform: Platform) -> None:
    await platform.db.execute(RUNS.encode())
    await platform.run("insert into public.runs values (1, 1, 'c', 'done')")
    await watch(platform, "jobs", "public.runs", RUNS_MAPPING)
    await platform.value("select rowhook.heal()")
    assert await snapshots(platform) == []
    assert await platform.rows("select * from rowhook.capture_gap") == []


async def test_an_agent_seen_for_the_first_time_can_be_linked_and_its_next_job_is_sent(
    platform: Platform,
) -> None:
    await watched_runs(platform)
    await platform.run("insert into public.runs values (1, 12, 'cust-1', 'done')")
    agent = (await platform.rows("select * from rowhook.agent where external_id = '12'"))[0]
    platform.organization, platform.agent = agent["organization_id"], agent["id"]
    await platform.webhook_of_agent()
    await platform.run("insert into public.runs values (2, 12, 'cust-1', 'done')")
    rows = await platform.rows(
        "select e.job_id from rowhook.outbox join rowhook.event e on e.id = event_id"
    )
    assert rows == [{"job_id": "2"}]


async def test_a_watched_commit_reaches_the_webhook_of_its_goal(platform: Platform) -> None:
    await platform.webhook_of_goal()
    await platform.run(
        'create table public."Captured Forms" ('
        ' "Form Id" uuid primary key default gen_random_uuid(), "Goal" text, "Data" jsonb,'
        " at timestamptz default now())"
    )
    await watch(
        platform,
        "commits",
        'public."Captured Forms"',
        {
            "id": "Form Id",
            "goal_id": "Goal",
            "data": "Data",
            "committed_at": "at",
            "key_prefix": "form-",
        },
    )
    await platform.run(
        'insert into public."Captured Forms" ("Goal", "Data") values (%s, \'{"a": 1}\')',
        platform.goal,
    )
    (shot,) = await snapshots(platform)
    assert shot["key"] == f"form-{shot['commit_id']}"
    assert len(await platform.deliveries()) == 1


async def test_a_partitioned_table_is_a_source(platform: Platform) -> None:
    await platform.run(
        "create table public.parts (id int, agent text, state text, at timestamptz)"
        " partition by range (id)"
    )
    await platform.run(
        "create table public.parts_1 partition of public.parts for values from (0) to (100)"
    )
    mapping = {"id": "id", "agent_id": "agent", "status": "state", "completed_at": "at"}
    await watch(platform, "jobs", "public.parts", mapping)
    await platform.run("insert into public.parts values (1, 'a', 'running')")
    await platform.run("update public.parts set state = 'succeeded'")
    await platform.run("insert into public.parts_1 values (2, 'a', 'failed', now())")
    await platform.value("select rowhook.heal()")
    jobs = await platform.rows("select job_id from rowhook.event order by id")
    assert jobs == [{"job_id": "1"}, {"job_id": "2"}]


async def test_a_renamed_table_stays_a_source(platform: Platform) -> None:
    await watched_runs(platform)
    await platform.run("alter table public.runs rename to finished_runs")
    await platform.run("insert into public.finished_runs values (1, 1, 'c', 'done')")
    assert len(await snapshots(platform)) == 1
    assert await platform.rows("select * from rowhook.capture_gap") == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "stat"}, "public.runs has no column stat"),
        ({"completed_at": "id"}, "is not a time"),
        ({"colour": "id"}, "unknown field colour"),
        ({"id": None}, "lacks the field id"),
        ({"agent_id": None}, "lacks agent_id or agent_version_id"),
        ({"status_map": {"done": "finished"}}, "status_map maps done to finished"),
        ({"status_map": {"done": "running"}}, "maps no value to succeeded or failed"),
        ({"output": "state.x"}, "has no column state.x"),
    ],
)
async def test_an_invalid_mapping_is_rejected_and_leaves_nothing_behind(
    platform: Platform, change: dict[str, Any], message: str
) -> None:
    await platform.db.execute(RUNS.encode())
    with pytest.raises(psycopg.Error, match=message) as refused:
        await watch(platform, "jobs", "public.runs", RUNS_MAPPING | change)
    assert refused.value.sqlstate == "RH004"
    assert await platform.value("select count(*) from rowhook.source") == 2
    assert await platform.value("select count(*) from pg_trigger where tgname ~ '^rowhook_'") == 0


@pytest.mark.parametrize(
    "kind", ["jobs", "commits", "organizations", "agents", "goals", "sessions"]
)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("'public.runs', '[]'", "The mapping of public.runs is not a JSON object"),
        ("'public.runs', '\"id\"'", "The mapping of public.runs is not a JSON object"),
        ("'public.runs', 'null'", "The mapping of public.runs is not a JSON object"),
        ("'public.runs', null", "The mapping of public.runs lacks the field id"),
        ("null, '{}'", "The table is null"),
    ],
)
async def test_every_watch_names_an_argument_that_is_not_a_table_or_a_mapping(
    platform: Platform, kind: str, arguments: str, message: str
) -> None:
    await platform.db.execute(RUNS.encode())
    with pytest.raises(psycopg.Error, match=message) as refused:
        await platform.run(f"select rowhook.watch_{kind}({arguments})")
    assert refused.value.sqlstate == "RH004"


async def test_unwatch_leaves_nothing_behind_and_can_be_repeated(platform: Platform) -> None:
    await watched_runs(platform)
    await watched_again(platform)
    assert await platform.value("select rowhook.unwatch('public.runs')") == 1
    assert await platform.value("select rowhook.unwatch('public.runs')") == 0
    await platform.run("insert into public.runs values (1, 1, 'c', 'done')")
    assert await snapshots(platform) == []
    query = "select count(*) from pg_proc where proname like '%%public.runs%%'"
    assert await platform.value(query) == 0


async def watched_again(platform: Platform) -> None:
    await watch(platform, "jobs", "public.runs", RUNS_MAPPING | {"metadata": "payload"})
    assert await platform.value("select count(*) from rowhook.source") == 3


async def test_entities_are_synchronized_with_the_platform_tables(platform: Platform) -> None:
    await platform.run("create table public.bots (id int primary key, title text, org text)")
    await platform.run("insert into public.bots values (1, 'One', 'acme')")
    mapping = {"id": "id", "name": "title", "organization_id": "org"}
    await watch(platform, "agents", "public.bots", mapping)
    await platform.run("insert into public.bots values (2, 'Two', 'acme')")
    await platform.run("update public.bots set title = 'First' where id = 1")
    names = "select name from rowhook.agent where external_id is not null order by external_id"
    assert [row["name"] for row in await platform.rows(names)] == ["First", "Two"]
    await platform.run("delete from public.bots where id = 2")
    assert [row["name"] for row in await platform.rows(names)] == ["First"]


async def test_a_linked_entity_cannot_be_deleted_in_the_platform_table(
    platform: Platform,
) -> None:
    await platform.run("create table public.aims (id text primary key, title text)")
    await platform.run("insert into public.aims values ('sell', 'Sell')")
    await watch(platform, "goals", "public.aims", {"id": "id", "name": "title"})
    platform.goal = "sell"
    await platform.webhook_of_goal()
    with pytest.raises(StillReferenced):
        await platform.run("delete from public.aims")


async def test_columns_added_by_the_platform_have_no_effect(platform: Platform) -> None:
    for table, column in [
        ("agent_version", "version int default 1"),
        ("job", "version int"),
        ("job", "event_id int"),
        ("job", "again bool"),
        ("agent", "organization int"),
        ("organization", "agent int"),
        ("commit", "c int"),
        ("goal", "g text"),
        ("session", "s json"),
    ]:
        await platform.db.execute(f"alter table rowhook.{table} add column {column}".encode())
    await platform.job("succeeded")
    await platform.commit()
    assert len(await snapshots(platform)) == 2
    assert await platform.rows("select * from rowhook.capture_error") == []


@pytest.mark.parametrize(
    "far", ["infinity", "-infinity", "0044-03-15 BC", "9999-12-31 23:59:59-12", "57000-01-01"]
)
async def test_a_time_outside_rfc_3339_blocks_no_other_row(
    platform: Platform, pool: Pool, far: str
) -> None:
    await platform.webhook_of_goal()
    await platform.run(
        "insert into rowhook.commit (goal_id, data, committed_at)"
        " select %s, '{}', case when n = 2 then %s::timestamptz else now() end"
        " from generate_series(1, 3) as n",
        platform.goal,
        far,
    )
    assert len(await platform.claim(pool)) == 3
    times = [shot["committed_at"] is None for shot in await snapshots(platform)]
    assert times == [False, True, False]


async def test_a_number_without_a_json_form_is_null(platform: Platform) -> None:
    await platform.job("succeeded", cost="NaN")
    await platform.job("succeeded", cost="0.00420")
    rows = await platform.rows("select rowhook.event_snapshot(e) as shot from rowhook.event e")
    assert ['"cost":null' in rows[0]["shot"], '"cost":0.00420' in rows[1]["shot"]] == [True, True]


async def test_a_missed_completion_without_a_time_is_a_gap_and_is_healed(
    platform: Platform,
) -> None:
    job = await platform.job("running")
    await platform.run("set session_replication_role = replica")
    await platform.finish(job)
    await platform.run("reset session_replication_role")
    gaps = await platform.rows("select source, source_id from rowhook.capture_gap")
    assert gaps == [{"source": "job", "source_id": str(job)}]
    assert await platform.value("select rowhook.heal()") == 1
    assert await platform.rows("select source from rowhook.capture_gap") == []
    assert await platform.value("select completed_at from rowhook.job where id = %s", job)


async def test_a_second_completion_has_its_own_time_and_is_healed_if_missed(
    platform: Platform,
) -> None:
    job = await platform.job("succeeded")
    await platform.run("update rowhook.event set occurred_at = occurred_at - interval '1 hour'")
    await platform.finish(job, "running")
    await platform.run("set session_replication_role = replica")
    await platform.run(
        "update rowhook.job set status = 'failed', completed_at = now() where id = %s", job
    )
    await platform.run("reset session_replication_role")
    assert await platform.value("select count(*) from rowhook.capture_gap") == 1
    assert await platform.value("select rowhook.heal()") == 1
    types = [row["type"] for row in await platform.rows("select type from rowhook.event")]
    assert sorted(types) == ["job.failed", "job.succeeded"]


async def test_a_status_set_by_a_platform_trigger_is_a_completion(
    platform: Platform,
) -> None:
    await platform.run(
        "create function public.finish_costly() returns trigger language plpgsql as"
        " $$ begin if new.cost > 1 then new.status := 'failed'; end if; return new; end $$"
    )
    await platform.run(
        "create trigger zz_finish before update on rowhook.job"
        " for each row execute function public.finish_costly()"
    )
    job = await platform.job("running")
    await platform.run("update rowhook.job set cost = 5 where id = %s", job)
    (shot,) = await snapshots(platform)
    assert shot["job"]["status"] == "failed"
    assert shot["job"]["completed_at"] is not None


async def test_a_delivery_without_its_event_is_dead_after_five_lost_claims(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    await platform.run("delete from rowhook.event")
    for _ in range(5):
        claimed = await engine.claim(
            pool, platform.organization, batch=1, per_lane=1, after=None, lease=LEASE, sweep=False
        )
        assert (len(claimed.claims), len(claimed.unreadable)) == (0, 1)
        await engine.abandon(pool, claimed.unreadable)
    assert [row["status"] for row in await platform.deliveries()] == ["dead"]


async def finding(pool: Pool, subject: str) -> dict[str, Any]:
    (row,) = [
        row for row in await installation_queries.diagnosis(pool) if row["subject"] == subject
    ]
    return row


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("alter table public.runs drop column done_at", "has no column done_at"),
        (
            "alter table public.runs disable trigger all",
            "Its trigger on insert and update is missing",
        ),
        ("drop trigger rowhook_jobs_update on public.runs", "Its trigger on update is missing"),
        ("drop table public.runs", "The table was dropped"),
    ],
)
async def test_doctor_reports_drift_of_a_watched_table(
    platform: Platform, pool: Pool, change: str, message: str
) -> None:
    await watched_runs(platform)
    assert (await finding(pool, "sources"))["healthy"]
    await platform.db.execute(change.encode())
    drifted = await finding(pool, "sources")
    assert (drifted["healthy"], message in drifted["finding"]) == (False, True), drifted


async def test_doctor_reports_a_disabled_trigger_of_the_built_in_tables(
    platform: Platform, pool: Pool
) -> None:
    await platform.run("alter table rowhook.commit disable trigger capture_inserted_commit")
    assert "commit: Its trigger on insert" in (await finding(pool, "sources"))["finding"]


async def test_doctor_reports_deliveries_that_are_sending_for_too_long(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    await platform.claim(pool)
    assert (await finding(pool, "stuck"))["healthy"]
    await platform.run(
        "update rowhook.outbox set token = nextval('rowhook.token'),"
        " stuck_at = now() - interval '1 second'"
    )
    assert (await finding(pool, "stuck"))["finding"].startswith("1 delivery has")


async def notified(dsn: str, platform: Platform) -> list[str]:
    """Returns the notifications of two commits."""
    async with await connection_pool.connect(dsn) as listener:
        await listener.execute("listen rowhook")
        await platform.commit()
        await platform.commit()
        return [note.payload async for note in listener.notifies(timeout=0.5)]


async def test_one_of_many_commits_notifies_a_sleeping_worker(dsn: str, platform: Platform) -> None:
    await platform.webhook_of_goal()
    await platform.value("select nextval('rowhook.asleep')")
    assert len(await notified(dsn, platform)) == 1


async def test_a_role_that_turns_notify_off_never_notifies(dsn: str, platform: Platform) -> None:
    await platform.webhook_of_goal()
    await platform.value("select nextval('rowhook.asleep')")
    await platform.run("set rowhook.notify = off")
    assert await notified(dsn, platform) == []


async def test_serializable_transactions_that_finish_jobs_do_not_fail_each_other(
    dsn: str, platform: Platform
) -> None:
    await platform.webhook_of_agent()
    failed = 0

    async def finish_many() -> None:
        nonlocal failed
        async with await connection_pool.connect(dsn) as session:
            await session.set_isolation_level(psycopg.IsolationLevel.SERIALIZABLE)
            await session.set_autocommit(False)
            for _ in range(50):
                try:
                    await session.execute(
                        "insert into rowhook.job (agent_version_id, status)"
                        " values (%s, 'succeeded')",
                        [platform.version],
                    )
                    await session.commit()
                except psycopg.errors.SerializationFailure:
                    failed += 1
                    await session.rollback()

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(finish_many)
    assert failed <= 2
