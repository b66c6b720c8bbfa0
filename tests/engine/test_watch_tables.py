"""Watched tables that are merged, inherited, re-created, or compared by another collation."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from rowhook.db import connection_pool
from tests.engine.test_capture import cache_plans, finish_in_bulk
from tests.engine.test_sources import watch
from tests.engine.test_watch_faults import heal, keys
from tests.support.sample_platform import Platform
from tests.support.scoreboard import score
from tests.support.servers import embedded_server, every_server

pytestmark = [pytest.mark.anyio, every_server]
stock_server = pytest.mark.servers("stock_15")
TASKS = {"id": "id", "agent_id": "agent", "status": "state", "completed_at": "at"}
COLUMNS = "id text primary key, agent text, state text, at timestamptz"


async def tasks(platform: Platform, columns: str = COLUMNS) -> None:
    await platform.db.execute(f"create table public.tasks ({columns})".encode())
    await watch(platform, "jobs", "public.tasks", TASKS)


async def finish(platform: Platform, *ids: str) -> None:
    for id_ in ids:
        await platform.run(
            "insert into public.tasks (id, agent, state, at) values (%s, 'a', 'succeeded', now())",
            id_,
        )


MERGE = """
merge into public.tasks t
using (values ('new', 'b', 'failed'), ('done', 'a', 'failed'), ('open', 'b', 'failed'),
              ('same', 'b', 'succeeded')) as v (id, region, state)
on t.id = v.id and t.region = v.region
when matched then update set state = v.state, at = now()
when not matched then insert values (v.id, v.region, 'a', v.state, now())
"""


@pytest.mark.parametrize("is_partitioned", [False, True])
async def test_a_merge_that_updates_and_inserts_captures_each_completion_once(
    platform: Platform, *, is_partitioned: bool
) -> None:
    partition_key = " partition by list (region)" if is_partitioned else ""
    await platform.db.execute(
        b"create table public.tasks (id text, region text, agent text, state text, at timestamptz,"
        b" primary key (id, region))" + partition_key.encode()
    )
    if is_partitioned:
        for region in ("a", "b"):
            await platform.db.execute(
                f"create table public.tasks_{region} partition of public.tasks"
                f" for values in ('{region}')".encode()
            )
    await watch(platform, "jobs", "public.tasks", TASKS)
    await platform.run(
        "insert into public.tasks values ('done', 'a', 'a', 'succeeded', now()),"
        " ('same', 'b', 'a', 'succeeded', now()), ('open', 'b', 'a', 'running', null)"
    )
    await platform.db.execute(MERGE.encode())
    assert await heal(platform) == 0
    events = await platform.rows("select job_id, type from rowhook.event order by job_id, id")
    assert [(event["job_id"], event["type"]) for event in events] == [
        ("done", "job.succeeded"),
        ("done", "job.failed"),
        ("new", "job.failed"),
        ("open", "job.failed"),
        ("same", "job.succeeded"),
    ]


@pytest.mark.parametrize(
    ("kind", "entities"),
    [("agents", "rowhook.agent where external_id is not null"), ("goals", "rowhook.goal")],
)
async def test_a_merge_into_a_partitioned_table_of_entities_changes_and_adds_them(
    platform: Platform, kind: str, entities: str
) -> None:
    await platform.db.execute(
        b"create table public.things (id text, region text, title text, primary key (id, region))"
        b" partition by list (region);"
        b" create table public.things_a partition of public.things for values in ('a');"
        b" create table public.things_b partition of public.things for values in ('b')"
    )
    await watch(platform, kind, "public.things", {"id": "id", "name": "title"})
    await platform.run(
        "insert into public.things values ('1', 'a', 'One'), ('2', 'b', 'Two'), ('3', 'b', 'Three')"
    )
    await platform.db.execute(
        b"merge into public.things t"
        b" using (values ('4', 'a', 'Four'), ('1', 'a', 'First'), ('3', 'b', 'Third'))"
        b" as v (id, region, title) on t.id = v.id and t.region = v.region"
        b" when matched then update set title = v.title"
        b" when not matched then insert values (v.id, v.region, v.title)"
    )
    # The goal of the sample platform is in the table too.
    rows = await platform.rows(f"select name from {entities} order by name")
    names = {row["name"] for row in rows}
    assert {"First", "Two", "Third", "Four"} <= names
    assert names.isdisjoint({"One", "Three"})


async def test_a_changed_id_is_not_a_gap(platform: Platform) -> None:
    await tasks(platform)
    await finish(platform, "1", "2")
    await platform.run("update public.tasks set id = id || 'x'")
    await platform.run("insert into rowhook.commit (id, goal_id) values ('c', %s)", platform.goal)
    await platform.run("update rowhook.commit set id = 'd'")
    job = await platform.job("succeeded")
    await platform.run("update rowhook.job set id = gen_random_uuid()")
    assert await heal(platform) == 0
    assert await keys(platform) == ["1", "2", "c", str(job)]


async def test_a_job_that_is_completed_under_another_id_is_not_lost(platform: Platform) -> None:
    await tasks(platform)
    await finish(platform, "1")
    await platform.run("insert into public.tasks values ('2', 'a', 'running', null)")
    await platform.run("update public.tasks set id = id || 'x', state = 'failed', at = now()")
    await heal(platform)
    assert {"1", "2x"} <= set(await keys(platform))


async def test_a_row_whose_id_is_changed_after_its_capture_failed_is_not_lost(
    platform: Platform,
) -> None:
    await tasks(platform)
    await finish(platform, "1")
    await platform.run("insert into rowhook.commit (id, goal_id) values ('a', %s)", platform.goal)
    await platform.run("alter table rowhook.event rename to event_gone")
    await finish(platform, "2")
    await platform.run("insert into rowhook.commit (id, goal_id) values ('b', %s)", platform.goal)
    await platform.run("alter table rowhook.event_gone rename to event")
    await platform.run("update public.tasks set id = '2x' where id = '2'")
    await platform.run("update rowhook.commit set id = 'bx' where id = 'b'")
    await platform.run("update public.tasks set id = '1x' where id = '1'")
    await platform.run("update rowhook.commit set id = 'ax' where id = 'a'")
    assert await heal(platform) == 2
    assert sorted(await keys(platform)) == ["1", "2x", "a", "bx"]


async def test_a_new_name_in_the_mapping_sends_rows_missed_meanwhile(
    platform: Platform,
) -> None:
    await tasks(platform)
    await finish(platform, "1")
    await platform.run("alter table public.tasks rename column state to status")
    await platform.run("insert into public.tasks values ('2', 'a', 'succeeded', now())")
    await watch(platform, "jobs", "public.tasks", TASKS | {"status": "status"})
    assert await heal(platform) == 1
    assert await heal(platform) == 0
    assert await keys(platform) == ["1", "2"]


@pytest.mark.parametrize("column", ["id", "state"])
async def test_another_column_in_place_of_a_dropped_one_sends_no_history(
    platform: Platform, column: str
) -> None:
    await tasks(platform)
    await finish(platform, "1")
    for number in ("2", "3"):
        await platform.run("insert into public.tasks values (%s, 'a', 'running', now())", number)
    await platform.run("alter table public.tasks add column other text")
    other = "'other ' || id" if column == "id" else "'succeeded' where state = 'running'"
    await platform.run(f"update public.tasks set other = {other}")
    await platform.run(f"alter table public.tasks drop column {column} cascade")
    field = "id" if column == "id" else "status"
    await watch(platform, "jobs", "public.tasks", TASKS | {field: "other"})
    assert await heal(platform) == 0
    assert await keys(platform) == ["1"]


async def test_the_source_of_a_dropped_table_is_removed_though_its_name_is_in_use(
    platform: Platform,
) -> None:
    await tasks(platform)
    await platform.run("drop table public.tasks")
    await tasks(platform)
    await finish(platform, "1")
    assert await platform.value("select rowhook.unwatch('public.tasks')") == 2
    sources = await platform.rows("select name from rowhook.source order by name")
    assert sources == [{"name": "commit"}, {"name": "job"}]
    assert await keys(platform) == ["1"]


async def test_rows_of_inheriting_tables_are_healed_or_the_table_is_rejected(
    platform: Platform,
) -> None:
    await platform.run(
        "create table public.tasks (id text, agent text, state text, at timestamptz)"
    )
    await platform.run("create table public.more () inherits (public.tasks)")
    untimed = {key: value for key, value in TASKS.items() if key != "completed_at"}
    with pytest.raises(psycopg.Error, match="has child tables") as refused:
        await watch(platform, "jobs", "public.tasks", untimed)
    assert refused.value.sqlstate == "RH004"
    await watch(platform, "jobs", "public.tasks", TASKS)
    await platform.run("insert into public.more values ('1', 'a', 'succeeded', now())")
    assert await heal(platform) == 1
    assert await keys(platform) == ["1"]


async def test_a_time_of_a_domain_type_is_a_time(platform: Platform) -> None:
    await platform.run(
        "create domain public.past as timestamptz check (value < now() + interval '1 day')"
    )
    await tasks(platform, "id text primary key, agent text, state text, at public.past")
    await finish(platform, "1")
    assert await keys(platform) == ["1"]
    assert await heal(platform) == 0


async def test_ids_with_a_collation_of_their_own_use_the_indexes_of_rowhook(
    platform: Platform,
) -> None:
    collated = COLUMNS.replace("text,", 'text collate "POSIX",').replace(
        "text primary", 'text collate "POSIX" primary'
    )
    await tasks(platform, collated)
    expression = await platform.value(
        "select rowhook.source_parts(s) ->> 'id' from rowhook.source s where kind = 'jobs'"
        " and s.relation = 'public.tasks'::regclass"
    )
    assert "collate" in expression
    await platform.run("set enable_seqscan = off")
    plan = await platform.db.execute(
        b"explain (costs off) select (select count(*) from rowhook.event e where e.job_id = "
        + expression.encode()
        + b") from public.tasks r"
    )
    conditions = [row[0] for row in await plan.fetchall() if "Index Cond" in row[0]]
    assert any("job_id" in condition for condition in conditions)
    await finish(platform, "1")
    assert await heal(platform) == 0
    assert await keys(platform) == ["1"]


@stock_server
async def test_ids_that_differ_in_case_stay_apart_under_a_nondeterministic_collation(
    platform: Platform,
) -> None:
    # The embedded PostgreSQL is built without ICU.
    await platform.run(
        "create collation public.no_case"
        " (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    )
    await platform.run(
        "create table public.forms (id text collate public.no_case, goal text"
        " collate public.no_case, data json)"
    )
    await watch(
        platform, "commits", "public.forms", {"id": "id", "goal_id": "goal", "data": "data"}
    )
    await platform.run("insert into public.forms values ('1', 'G', '{}'), ('2', 'g', '{}')")
    await platform.run("insert into public.forms values ('3', 'G', '{}')")
    goals = await platform.rows("select commit_id, goal_id from rowhook.event order by commit_id")
    assert [(goal["commit_id"], goal["goal_id"]) for goal in goals] == [
        ("1", "G"),
        ("2", "g"),
        ("3", "G"),
    ]


@stock_server
async def test_a_table_without_the_right_to_create_triggers_is_rejected_with_the_grant(
    dsn: str, platform: Platform
) -> None:
    other = f"other_{uuid4().hex[:12]}"
    owner = await platform.value("select current_user")
    await platform.db.execute(f"create role {other} login".encode())
    await platform.db.execute(
        f"create schema theirs; grant all on schema theirs to {other}".encode()
    )
    async with await connection_pool.connect(make_conninfo(dsn, user=other)) as theirs:
        await theirs.execute(f"create table theirs.tasks ({COLUMNS})".encode())
        await theirs.execute(f"grant select on theirs.tasks to {owner}".encode())
        with pytest.raises(psycopg.Error, match="may not create triggers") as refused:
            await watch(platform, "jobs", "theirs.tasks", TASKS)
        assert refused.value.sqlstate == "RH004"
        hint = f"Run: grant trigger on theirs.tasks to {owner};"
        assert refused.value.diag.message_hint == hint
        await theirs.execute(f"grant trigger on theirs.tasks to {owner}".encode())
        await watch(platform, "jobs", "theirs.tasks", TASKS)
        await theirs.execute(b"insert into theirs.tasks values ('1', 'a', 'succeeded', now())")
        await theirs.execute(b"drop table theirs.tasks")
    assert await keys(platform) == ["1"]
    await platform.db.execute(f"drop schema theirs; drop role {other}".encode())


@embedded_server
async def test_a_virtual_generated_column_is_read_by_its_expression(platform: Platform) -> None:
    await tasks(
        platform,
        "id text primary key, agent text, at timestamptz, state text generated always as"
        " (case when at is not null then 'succeeded' else 'running' end) virtual",
    )
    await platform.run("insert into public.tasks values ('1', 'a', now()), ('2', 'a', null)")
    assert await keys(platform) == ["1"]
    await platform.run("update public.tasks set at = now() where id = '2'")
    assert await keys(platform) == ["1", "2"]
    assert await heal(platform) == 0
    await platform.run(
        "create table public.forms (id int primary key, goal text, raw jsonb,"
        " data jsonb generated always as (raw -> 'data') virtual)"
    )
    await watch(
        platform, "commits", "public.forms", {"id": "id", "goal_id": "goal", "data": "data"}
    )
    await platform.run("insert into public.forms values (3, 'g', '{\"data\": {\"n\": 1}}')")
    assert await platform.value("select data from rowhook.event where commit_id = '3'") == {"n": 1}


async def test_retention_rejects_an_age_in_the_future(platform: Platform) -> None:
    await platform.commit()
    for age in (timedelta(days=-1), timedelta(days=40_000)):
        with pytest.raises(psycopg.Error, match="Cannot keep events") as refused:
            await platform.value("select rowhook.retain(%s)", age)
        assert refused.value.sqlstate == "RH008"
    assert await platform.value("select count(*) from rowhook.event") == 1


async def test_a_partition_whose_name_is_taken_is_created_again(platform: Platform) -> None:
    name = await platform.value(
        "select rowhook.partition_name('attempt_row', (now() at time zone 'UTC')::date)"
    )
    await platform.db.execute(
        f"alter table rowhook.attempt_row detach partition rowhook.{name}".encode()
    )
    assert await platform.value("select rowhook.make_partitions()") == 1
    assert await platform.value("select rowhook.make_partitions()") == 0
    (kept,) = await platform.rows(
        "select relispartition from pg_class where relname ~ %s and relkind = 'r'", f"^{name}_"
    )
    assert kept == {"relispartition": False}


@pytest.mark.parametrize("spelling", ["off", "OFF", "false", "no", "0"])
async def test_notifications_are_turned_off_by_any_spelling(
    platform: Platform, spelling: str
) -> None:
    await platform.webhook_of_goal()
    await platform.value("select setval('rowhook.asleep', 1000)")
    await platform.value("select set_config('rowhook.notify', %s, false)", spelling)
    await platform.commit()
    assert await platform.value("select rowhook.is_anyone_asleep()")
    await platform.run("reset rowhook.notify")
    await platform.commit()
    assert not await platform.value("select rowhook.is_anyone_asleep()")


async def complete_again(platform: Platform, count: int) -> float:
    """Completes finished jobs once more in one statement; returns the seconds."""
    began = time.monotonic()
    await platform.run(
        "update rowhook.job set status = 'failed' where id in"
        " (select id from rowhook.job where status = 'succeeded' limit %s)",
        count,
    )
    return time.monotonic() - began


@pytest.mark.battery
@pytest.mark.hazards
async def test_a_bulk_update_of_completed_jobs_stays_linear(platform: Platform) -> None:
    await cache_plans(platform)
    await finish_in_bulk(platform, 9000)
    tenth_s = await complete_again(platform, 800)
    whole_s = await complete_again(platform, 8000)
    score(
        "8,000 jobs completed again by one statement",
        required="≤ 30 × the time of 800",
        measured=f"{whole_s / tenth_s:.1f} ×",
        holds=whole_s <= 30 * tenth_s,
    )
