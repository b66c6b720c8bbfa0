"""Watched tables with faults: platform statements continue, and no event is lost."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from rowhook.db.connection_pool import Pool
from tests.engine.test_sources import RUNS_MAPPING, finding, snapshots, watch, watched_runs
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio


async def keys(platform: Platform) -> list[str]:
    return [row["key"] for row in await platform.rows("select key from rowhook.event order by id")]


async def heal(platform: Platform) -> int:
    return int(await platform.value("select rowhook.heal()"))


async def linked_runs(platform: Platform) -> None:
    """Creates runs of agent 12 of cust-1, whose agent has a webhook."""
    await watched_runs(platform)
    await platform.run("insert into public.runs values (1, 12, 'cust-1', 'running')")
    await platform.run("select rowhook.upsert_agent('cust-1', '12', null)")
    (agent,) = await platform.rows("select * from rowhook.agent where external_id = '12'")
    platform.organization, platform.agent = agent["organization_id"], agent["id"]
    await platform.webhook_of_agent()


@pytest.mark.parametrize("column", ["id", "state", "payload", "done_at", "customer"])
async def test_a_dropped_mapped_column_never_fails_the_platform_statement(
    platform: Platform, column: str
) -> None:
    await linked_runs(platform)
    # The plans of this session refer to the previous column.
    await platform.run("insert into public.runs values (2, 12, 'cust-1', 'done')")
    await platform.run(f"alter table public.runs drop column {column} cascade")
    state = "" if column == "state" else "state, "
    status_value = "" if column == "state" else "'done', "
    id_, number = ("", "") if column == "id" else ("id, ", "3, ")
    await platform.run(
        f"insert into public.runs ({id_}{state}agent, started_at)"
        f" values ({number}{status_value}12, now())"
    )
    assert await keys(platform) == ["2"]
    assert await platform.value("select count(*) from rowhook.capture_error") == 1
    assert await heal(platform) == 0


async def test_events_missed_while_a_column_was_renamed_are_healed(
    platform: Platform,
) -> None:
    await linked_runs(platform)
    await platform.run("alter table public.runs rename column payload to body")
    await platform.run("insert into public.runs values (3, 12, 'cust-1', 'done', '{}', '', now())")
    assert await keys(platform) == []
    await platform.run("alter table public.runs rename column body to payload")
    assert await heal(platform) == 1
    assert await heal(platform) == 0
    assert await keys(platform) == ["3"]


async def test_a_changed_mapping_never_sends_earlier_completions(platform: Platform) -> None:
    await linked_runs(platform)
    await platform.run("insert into public.runs values (2, 12, 'cust-1', 'archived')")
    await platform.run("update public.runs set done_at = now() where id = 2")
    wider = RUNS_MAPPING | {"status_map": {"done": "succeeded", "archived": "succeeded"}}
    await watch(platform, "jobs", "public.runs", wider)
    assert await heal(platform) == 0
    await platform.run("insert into public.runs values (3, 12, 'cust-1', 'archived')")
    assert await keys(platform) == ["3"]


async def test_a_later_change_of_a_completion_time_is_not_a_completion(
    platform: Platform,
) -> None:
    await linked_runs(platform)
    await platform.run(
        "insert into public.runs values (2, 12, 'cust-1', 'done', '{}', '', now() - interval '1h')"
    )
    await platform.run("update public.runs set done_at = now() where id = 2")
    job = await platform.job("succeeded")
    await platform.run(
        "update rowhook.job set completed_at = now() + interval '1 minute' where id = %s", job
    )
    assert await platform.rows("select * from rowhook.capture_gap") == []
    assert await heal(platform) == 0
    assert await keys(platform) == ["2", str(job)]


async def test_changing_the_key_of_a_row_creates_no_second_event(platform: Platform) -> None:
    await linked_runs(platform)
    await platform.run("insert into public.runs values (2, 12, 'cust-1', 'done')")
    await platform.run("update public.runs set id = 20 where id = 2")
    assert await keys(platform) == ["2"]


async def test_a_second_completion_with_an_unchanged_time_gets_its_own_time(
    platform: Platform,
) -> None:
    await linked_runs(platform)
    await platform.run(
        "insert into public.runs values (2, 12, 'cust-1', 'done', '{}', '', '2026-01-01')"
    )
    await platform.run("update public.runs set state = 'running' where id = 2")
    await platform.run("update public.runs set state = 'done' where id = 2")
    first, second = await snapshots(platform)
    assert first["job"]["completed_at"] == "2026-01-01T00:00:00.000000Z"
    assert second["job"]["completed_at"] > "2026-06"
    assert (first["key"], second["key"].startswith("2:")) == ("2", True)


async def test_a_row_never_reaches_a_goal_of_another_organization(platform: Platform) -> None:
    await platform.webhook_of_goal()
    await platform.run("create table public.forms (id int, goal text, org text, data jsonb)")
    mapping = {"id": "id", "goal_id": "goal", "organization_id": "org", "data": "data"}
    await watch(platform, "commits", "public.forms", mapping)
    await platform.run("insert into public.forms values (1, %s, 'other', '{}')", platform.goal)
    assert await keys(platform) == []
    rows = await platform.rows("select source_ids, sqlstate from rowhook.capture_error")
    assert rows == [{"source_ids": ["1"], "sqlstate": "RH006"}]
    await platform.run(
        "insert into public.forms values (2, %s, %s, '{}')", platform.goal, platform.organization
    )
    assert await keys(platform) == ["2"]


async def test_agents_of_two_organizations_may_have_the_same_id(platform: Platform) -> None:
    await watched_runs(platform)
    await platform.run("insert into public.runs values (1, 7, 'a', 'done'), (2, 7, 'b', 'done')")
    organizations = [shot["organization"]["id"] for shot in await snapshots(platform)]
    assert sorted(organizations) == ["a", "b"]
    assert await platform.value("select count(*) from rowhook.agent where external_id = '7'") == 2


async def test_a_row_without_an_organization_blocks_no_other(platform: Platform) -> None:
    await platform.run("create table public.tasks (id int, version text, state text)")
    mapping = {"id": "id", "agent_version_id": "version", "status": "state"}
    await watch(platform, "jobs", "public.tasks", mapping)
    await platform.run(
        "insert into public.tasks values (1, %s, 'succeeded'), (2, 'nobody', 'succeeded')",
        platform.version,
    )
    assert await keys(platform) == ["1"]
    assert await heal(platform) == 0
    rows = await platform.rows(
        "select source_ids from rowhook.capture_error where healed_at is null"
    )
    assert rows == [{"source_ids": ["2"]}]
    await platform.run("update public.tasks set version = %s where id = 2", platform.version)
    assert await heal(platform) == 1
    assert await keys(platform) == ["1", "2"]
    assert not await platform.value(
        "select count(*) from rowhook.capture_error where healed_at is null"
    )


async def test_an_unreadable_source_blocks_no_other(platform: Platform) -> None:
    await linked_runs(platform)
    await platform.run("set session_replication_role = replica")
    job = await platform.job("succeeded")
    await platform.run("reset session_replication_role")
    await platform.run(
        "alter table public.runs alter column started_at type text using 'no time',"
        " alter column done_at type text using 'no time'"
    )
    await platform.run("create policy nobody on public.runs using (1 / 0 = 1)")
    await platform.run(
        "alter table public.runs enable row level security, force row level security"
    )
    assert await heal(platform) == 1
    assert await keys(platform) == [str(job)]


async def test_a_dropped_table_can_be_unwatched_and_does_not_block_migrations(
    platform: Platform,
) -> None:
    await watched_runs(platform)
    await platform.run("drop table public.runs")
    await platform.run(
        "select rowhook.install_capture(s) from rowhook.source s"
        " where rowhook.mapping_fault(s) is null"
    )
    assert await platform.value("select rowhook.unwatch('public.runs')") == 1
    assert await platform.value("select rowhook.unwatch('public.runs')") == 0
    names = await platform.rows("select name from rowhook.source order by name")
    assert names == [{"name": "commit"}, {"name": "job"}]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("rowhook.job", "is a table of Rowhook"),
        ("pg_catalog.pg_tables", "is not a table"),
        ("public.runs_old", "is a partition"),
    ],
)
async def test_a_relation_that_cannot_be_a_source_is_rejected(
    platform: Platform, table: str, message: str
) -> None:
    await platform.run(
        "create table public.parts (id int, state text, agent text) partition by list (id)"
    )
    await platform.run("create table public.runs_old partition of public.parts for values in (1)")
    with pytest.raises(psycopg.Error, match=message):
        await watch(platform, "jobs", table, {"id": "id", "agent_id": "agent", "status": "state"})


@pytest.mark.parametrize(
    "constant", ["it's {source}", "$capture$; drop schema rowhook", "{id} %s %I", '"', "\\"]
)
async def test_a_constant_in_a_mapping_is_always_text(platform: Platform, constant: str) -> None:
    mapping: dict[str, Any] = RUNS_MAPPING | {"agent_version_name": {"value": constant}}
    await platform.run(
        "create table public.runs (id bigint, agent bigint, customer text, state text,"
        ' payload jsonb, "Odd Name" text, done_at timestamp, started_at timestamptz)'
    )
    await watch(platform, "jobs", "public.runs", mapping)
    await platform.run("insert into public.runs values (1, 1, 'c', 'done')")
    (shot,) = await snapshots(platform)
    assert shot["agent_version"]["name"] == constant


@pytest.mark.parametrize("prefix", ["run-", {"value": "run-"}])
async def test_a_key_prefix_precedes_the_key(platform: Platform, prefix: object) -> None:
    await platform.run("create table public.tasks (id int, agent text, state text)")
    mapping = {"id": "id", "agent_id": "agent", "status": "state", "key_prefix": prefix}
    await watch(platform, "jobs", "public.tasks", mapping)
    await platform.run("insert into public.tasks values (1, 'a', 'failed')")
    assert await keys(platform) == ["run-1"]


async def test_only_the_owner_may_call_a_generated_capture(platform: Platform) -> None:
    await watched_runs(platform)
    grants = await platform.rows(
        "select p.proname from pg_proc p where p.pronamespace = 'rowhook'::regnamespace"
        " and p.proname like 'capture\\_%%'"
        " and has_function_privilege('rowhook_producer', p.oid, 'execute')"
    )
    assert grants == []


async def test_a_large_table_without_a_time_index_is_reported_and_not_read(
    platform: Platform, pool: Pool
) -> None:
    await watched_runs(platform)
    await platform.run(
        'insert into public.runs (id, agent, customer, state, "Odd Name")'
        " select n, 1, 'c', 'running', repeat(md5(n::text), 60) from generate_series(1, 40000) n"
    )
    text = (await finding(pool, "sources"))["finding"]
    assert "create index concurrently on public.runs (done_at)" in text
    await platform.run("create index on public.runs (done_at)")
    assert (await finding(pool, "sources"))["healthy"]


async def test_a_direct_insert_into_a_partition_is_healed(platform: Platform) -> None:
    await platform.run(
        "create table public.parts (id int, state text, agent text, at timestamptz)"
        " partition by range (id)"
    )
    await platform.run("create table public.parts_1 partition of public.parts default")
    mapping = {"id": "id", "agent_id": "agent", "status": "state", "completed_at": "at"}
    await watch(platform, "jobs", "public.parts", mapping)
    await platform.run("insert into public.parts_1 values (1, 'succeeded', 'a', now())")
    assert await keys(platform) == []
    assert await heal(platform) == 1
    assert await keys(platform) == ["1"]
