"""Watched tables with unusual ids, times, owners and texts."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from rowhook.db import connection_pool
from rowhook.migrate.steps import sql_folder
from tests.engine.test_sources import snapshots, watch
from tests.engine.test_watch_faults import heal, keys
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
TASKS = {"id": "id", "agent_id": "agent", "status": "state", "completed_at": "at"}


async def tasks(
    platform: Platform, columns: str = "id bigint, at timestamptz", **mapping: Any
) -> None:
    await platform.run(f"create table public.tasks ({columns}, agent text, state text, org text)")
    await watch(platform, "jobs", "public.tasks", TASKS | mapping)


async def without_triggers(platform: Platform, query: str) -> None:
    """Executes a statement in a session without triggers."""
    await platform.run("set session_replication_role = replica")
    await platform.run(query)
    await platform.run("reset session_replication_role")


async def test_columns_named_like_variables_of_the_capture_change_nothing(
    platform: Platform,
) -> None:
    names = (
        "capture complete captured captured_at is_first is_repeated progress queued remaining"
        " removed replaced unmoved"
    )
    columns = "".join(f", {name} text" for name in names.split())
    await tasks(platform, f"id bigint, at timestamptz{columns}")
    insert = "insert into public.tasks (id, agent, state, at) values (%s, 'a', %s, now())"
    for id_, state in ((1, "succeeded"), (2, "succeeded"), (3, "running")):
        await platform.run(insert, id_, state)
    await platform.run("update public.tasks set state = 'failed', at = now() where id > 1")
    assert await platform.rows("select message from rowhook.capture_error") == []
    events = await platform.rows("select job_id, type from rowhook.event order by job_id, id")
    assert [(event["job_id"], event["type"]) for event in events] == [
        ("1", "job.succeeded"),
        ("2", "job.succeeded"),
        ("2", "job.failed"),
        ("3", "job.failed"),
    ]


@pytest.mark.parametrize(
    ("type_", "value", "written"),
    [
        ("char(8)", "'ab'", "ab"),
        ("bit(4)", "B'0101'", "0101"),
        ("numeric", "1.50", "1.50"),
        ("timestamptz", "'2026-05-01 02:00+02'", "2026-05-01 00:00:00+00"),
        ("bool", "true", "true"),
        ("float8", "0.1", "0.1"),
        ("bytea", "'\\x00ff'", "\\x00ff"),
        ("int[]", "'{1,2}'", "{1,2}"),
        ("public.color", "'red'", "red"),
        ("public.small", "7", "7"),
        ("public.pair", "'(1,x)'", "(1,x)"),
        ("json", "'{\"a\": 1}'", '{"a": 1}'),
        ('"char"', "'q'", "q"),
        ("interval", "'1 day'", "1 day"),
    ],
)
async def test_an_id_of_any_type_is_shown_as_text_and_healed(
    platform: Platform, type_: str, value: str, written: str
) -> None:
    await platform.run("create type public.color as enum ('red')")
    await platform.run("create domain public.small as smallint check (value > 0)")
    await platform.run("create type public.pair as (a int, b text)")
    await tasks(platform, f"id {type_}, at timestamptz")
    await platform.run("set timezone = 'Asia/Tokyo'")
    await platform.run("set datestyle = 'German'")
    await without_triggers(
        platform, f"insert into public.tasks values ({value}, now(), 'a', 'succeeded')"
    )
    assert await heal(platform) == 1
    assert await keys(platform) == [written]
    await platform.run("delete from public.tasks")
    await platform.run("delete from rowhook.event")
    await platform.run(f"insert into public.tasks values ({value}, now(), 'a', 'succeeded')")
    assert [shot["job"]["id"] for shot in await snapshots(platform)] == [written]
    assert await heal(platform) == 0


@pytest.mark.parametrize("column", ["timestamp", "date"])
@pytest.mark.parametrize(
    "far", ["infinity", "-infinity", "0044-03-15 BC", "5000-01-01", "200000-01-01"]
)
async def test_an_extreme_timestamp_without_time_zone_blocks_no_other_row(
    platform: Platform, column: str, far: str
) -> None:
    await tasks(platform, f"id int, at {column}")
    await platform.run(
        f"insert into public.tasks select n, case when n = 2 then '{far}'::{column}"
        " else now()::timestamp end, 'a', 'succeeded' from generate_series(1, 3) n"
    )
    assert await keys(platform) == ["1", "2", "3"]
    await without_triggers(
        platform, "insert into public.tasks values (4, now() + interval '1s', 'a', 'failed')"
    )
    assert await heal(platform) == 1
    assert await platform.rows("select * from rowhook.capture_gap") == []


async def test_events_at_the_end_of_the_timestamp_range_are_claimed_in_every_time_zone(
    platform: Platform,
) -> None:
    await platform.webhook_of_goal()
    for zone in ("Asia/Tokyo", "America/New_York"):
        database = str(conninfo_to_dict(platform.db.info.dsn)["dbname"])
        await platform.run(f"alter database \"{database}\" set timezone = '{zone}'")
    for at in ("9999-12-31 23:30+00", "0001-01-01 00:30+00"):
        await platform.run(
            "insert into rowhook.commit (goal_id, data, committed_at) values (%s, '{}', %s)",
            platform.goal,
            at,
        )
    async with connection_pool.open_pool(platform.db.info.dsn) as fresh:
        assert len(await platform.claim(fresh)) == 2
    times = [shot["committed_at"] for shot in await snapshots(platform)]
    assert times == ["9999-12-31T23:30:00.000000Z", "0001-01-01T00:30:00.000000Z"]


async def test_an_unreadable_json_path_never_fails_the_platform_statement(
    platform: Platform,
) -> None:
    await platform.run("create table public.docs (doc json)")
    mapping = {"id": "doc.id", "agent_id": "doc.agent", "status": "doc.state"}
    await watch(platform, "jobs", "public.docs", mapping)
    await watch(
        platform, "commits", "public.docs", {"id": "doc.id", "goal_id": "doc.agent", "data": "doc"}
    )
    nul = '{"id": "\\u0000", "agent": "a", "state": "succeeded"}'
    await platform.run("insert into public.docs values (%s)", nul)
    await platform.run("update public.docs set doc = %s", nul.replace("succeeded", "running"))
    assert await platform.value("select count(*) from public.docs") == 1
    assert await platform.value("select count(*) from rowhook.capture_error") > 0


async def test_ids_shared_by_two_rows_are_not_sent_repeatedly(platform: Platform) -> None:
    await tasks(platform)
    await platform.run(
        "insert into public.tasks values (1, now(), 'x', 'succeeded'), (1, now(), 'y', 'failed')"
    )
    await heal(platform)
    before = len(await keys(platform))
    assert [await heal(platform), await heal(platform)] == [0, 0]
    assert len(await keys(platform)) == before


async def test_a_completion_time_in_the_future_is_not_a_second_completion(
    platform: Platform,
) -> None:
    await tasks(platform)
    await platform.run("insert into public.tasks values (1, now(), 'a', 'succeeded')")
    await platform.run("update public.tasks set state = 'running'")
    await platform.run("update public.tasks set at = now() + interval '1 minute'")
    await platform.run("update public.tasks set state = 'succeeded'")
    assert await heal(platform) == 0
    assert len(await keys(platform)) == 2


async def test_a_row_of_one_organization_does_not_affect_another(platform: Platform) -> None:
    await platform.run("create table public.bots (id text, name text, org text)")
    mapping = {"id": "id", "name": "name", "organization_id": "org"}
    await watch(platform, "agents", "public.bots", mapping)
    await platform.run(
        "insert into public.bots values (%s, 'renamed by B', 'B')", str(platform.agent)
    )
    name = await platform.value("select name from rowhook.agent where id = %s", platform.agent)
    assert name != "renamed by B"
    await platform.run("create table public.aims (id text, name text, org text)")
    await watch(platform, "goals", "public.aims", mapping)
    await platform.run("insert into public.aims values ('sell', 'A', 'A'), ('sell', 'B', 'B')")
    await platform.run("delete from public.aims where org = 'B'")
    assert await platform.value("select name from rowhook.goal where id = 'sell'") == "A"


async def test_a_row_without_an_organization_matches_no_agent_of_an_organization(
    platform: Platform,
) -> None:
    await platform.run("create table public.jobs (id int, agent text, state text, org text)")
    mapping = {"id": "id", "agent_id": "agent", "status": "state", "organization_id": "org"}
    await watch(platform, "jobs", "public.jobs", mapping)
    await platform.run(
        "insert into public.jobs values (1, %s, 'succeeded', null)", str(platform.agent)
    )
    assert await keys(platform) == []
    await platform.run("update public.jobs set org = %s", str(platform.organization))
    assert await heal(platform) == 1


async def test_a_new_session_belongs_to_the_organization_of_its_goal(platform: Platform) -> None:
    await platform.run("insert into rowhook.organization (name) values ('Other')")
    await platform.run("create table public.forms (id int, goal text, session text, data jsonb)")
    mapping = {"id": "id", "goal_id": "goal", "session_id": "session", "data": "data"}
    await watch(platform, "commits", "public.forms", mapping)
    await platform.run("insert into public.forms values (1, %s, 's1', '{}')", platform.goal)
    (shot,) = await snapshots(platform)
    assert shot["session"]["id"] == "s1"
    owner = await platform.value("select organization_id from rowhook.session where id = 's1'")
    assert owner == platform.organization
    assert await platform.value("select count(*) from rowhook.organization") == 2


async def test_a_custom_type_runs_no_code_of_its_own_in_a_capture(
    platform: Platform,
) -> None:
    await platform.run("create type public.st as (v text)")
    await platform.run(
        "create function public.evil(public.st) returns text language plpgsql as"
        " $$ begin raise exception 'the cast of the platform ran'; end $$"
    )
    await platform.run("create cast (public.st as text) with function public.evil(public.st)")
    await tasks(platform, "id public.st, at timestamptz")
    await platform.run("insert into public.tasks values (row('x'), now(), 'a', 'succeeded')")
    assert await keys(platform) == ["(x)"]
    assert await platform.rows("select message from rowhook.capture_error") == []


async def test_tables_that_swap_names_remain_separate_sources(
    platform: Platform,
) -> None:
    for turn in range(3):
        await tasks(platform)
        await platform.run(f"alter table public.tasks rename to tasks_{turn}")
    await tasks(platform)
    assert await platform.value("select count(*) from rowhook.source") == 6
    assert await platform.value("select rowhook.unwatch('public.tasks')") == 1
    await platform.run("insert into public.tasks_0 values (1, now(), 'a', 'succeeded')")
    assert await keys(platform) == ["1"]


async def test_rows_dated_in_the_future_are_history_and_do_not_hide_later_rows(
    platform: Platform,
) -> None:
    await platform.run(
        "create table public.tasks (id bigint, at timestamptz, agent text, state text)"
    )
    await platform.run(
        "insert into public.tasks values (1, now() + interval '1 day', 'a', 'succeeded')"
    )
    await watch(platform, "jobs", "public.tasks", TASKS)
    await without_triggers(
        platform,
        "insert into public.tasks values (2, clock_timestamp(), 'a', 'succeeded'),"
        " (3, now() + interval '2 days', 'a', 'succeeded')",
    )
    assert await heal(platform) == 2
    assert sorted(await keys(platform)) == ["2", "3"]


async def test_changing_only_the_payload_mapping_keeps_the_gaps(platform: Platform) -> None:
    await tasks(platform)
    await without_triggers(
        platform, "insert into public.tasks values (1, clock_timestamp(), 'a', 'succeeded')"
    )
    await watch(platform, "jobs", "public.tasks", TASKS | {"cost": {"value": "1.5"}})
    assert await heal(platform) == 1


async def test_an_agent_or_goal_without_an_organization_is_not_added(platform: Platform) -> None:
    await platform.run("create table public.bots (id text, name text, org text)")
    mapping = {"id": "id", "name": "name", "organization_id": "org"}
    await platform.run("insert into public.bots values ('shared', 'S', null)")
    for kind in ("agents", "goals"):
        await watch(platform, kind, "public.bots", mapping)
    await platform.run("insert into public.bots values ('later', 'L', null)")
    names = "select name from rowhook.agent union all select name from rowhook.goal"
    assert not {"S", "L"} & {row["name"] for row in await platform.rows(names)}


async def test_an_agent_that_changes_its_organization_is_reported_and_not_moved(
    platform: Platform,
) -> None:
    await platform.run("create table public.bots (id text, name text, org text)")
    mapping = {"id": "id", "name": "name", "organization_id": "org"}
    await watch(platform, "agents", "public.bots", mapping)
    await platform.run("insert into public.bots values (%s, 'moved', 'other')", str(platform.agent))
    (error,) = await platform.rows("select sqlstate, message from rowhook.capture_error")
    assert (error["sqlstate"], "another organization" in error["message"]) == ("RH006", True)


@pytest.mark.parametrize("kind", ["goals", "sessions"])
async def test_a_goal_or_session_of_another_organization_is_reported_until_it_is_deleted(
    platform: Platform, kind: str
) -> None:
    """A commit that is captured before its goal is watched adds the goal elsewhere."""
    table = {"goals": "rowhook.goal", "sessions": "rowhook.session"}[kind].encode()
    add = b"insert into %b (id, organization_id) values ('guessed', '%b')"
    await platform.db.execute(add % (table, str(platform.organization).encode()))
    await platform.run("create table public.aims (id text, org text)")
    await platform.run("insert into public.aims values ('guessed', 'right'), ('new', 'right')")
    await watch(platform, kind, "public.aims", {"id": "id", "organization_id": "org"})
    await platform.run("update public.aims set org = 'right'")
    await heal(platform)
    assert await open_errors(platform) == [("RH006", ["guessed"])]
    await platform.db.execute(b"delete from %b where id = 'guessed'" % table)
    await heal(platform)
    assert await open_errors(platform) == []
    owners = b"select organization_id from %b where id in ('guessed', 'new')" % table
    async with platform.db.cursor() as cursor:
        await cursor.execute(owners)
        assert len(set(await cursor.fetchall())) == 1


async def test_a_misplaced_goal_is_kept_when_its_row_is_deleted(platform: Platform) -> None:
    await platform.run("create table public.aims (id text, org text)")
    await watch(platform, "goals", "public.aims", {"id": "id", "organization_id": "org"})
    await platform.run("insert into public.aims values (%s, 'other')", platform.goal)
    await platform.run("delete from public.aims")
    await heal(platform)
    assert await open_errors(platform) == []
    query = "select count(*) from rowhook.goal where id = %s"
    assert await platform.value(query, platform.goal) == 1


async def open_errors(platform: Platform) -> list[tuple[str, list[str]]]:
    """Returns SQLSTATE and ids of the open capture errors."""
    query = "select sqlstate, source_ids from rowhook.capture_error where healed_at is null"
    return [(row["sqlstate"], row["source_ids"]) for row in await platform.rows(query)]


async def test_a_dependent_view_is_reported_before_anything_changes(
    platform: Platform,
) -> None:
    await platform.run("create view public.report as select id, job_id from rowhook.delivery")
    statement = (sql_folder() / "tables" / "0009_source.sql").read_text().split("$$;")[0] + "$$;"
    with pytest.raises(psycopg.Error, match="report"):
        await platform.db.execute(statement.encode())
