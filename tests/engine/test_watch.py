"""`rowhook watch` on real tables: proposals, installation, lists, removal and errors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from rowhook.db import source_queries
from rowhook.db.connection_pool import Pool
from tests.support.command_line import CommandLine
from tests.support.sample_platform import Platform

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("platform")]

TABLES = """
create type public.run_state as enum ('queued', 'running', 'done', 'error', 'cancelled');
create table public.runs (
  id bigint primary key, agent bigint not null, customer text, state public.run_state not null,
  payload jsonb, "Odd Name" text, exit_code int, finished_at timestamp, started_at timestamptz);
create table public."Captured Forms" (
  "formId" uuid primary key, "goalId" int, "Fields" jsonb, "createdAt" timestamptz);
create table public.bots (id int primary key, title text, org text);
create table public.parts (id int, agent text, state text) partition by range (id);
create table public.parts_1 partition of public.parts for values from (0) to (100);
create view public.names as select id, title from public.bots;
"""
RUNS: dict[str, Any] = {
    "id": "id",
    "agent_id": "agent",
    "organization_id": "customer",
    "status": "state",
    "status_map": {"done": "succeeded", "error": "failed"},
    "status_code": "exit_code",
    "output": "payload",
    "completed_at": "finished_at",
    "created_at": "started_at",
}


@pytest.fixture
async def hands(folder: Path, dsn: str, platform: Platform) -> CommandLine:
    await platform.db.execute(TABLES.encode())
    return CommandLine(folder=folder, dsn=dsn)


async def mapping(platform: Platform, relation: str) -> Any:
    rows = await platform.rows(
        "select mapping from rowhook.source where relation = %s::text::regclass", relation
    )
    return rows[0]["mapping"] if rows else None


def statement(output: str) -> str:
    """Returns the printed SQL."""
    match = re.search(r"^select rowhook\.watch_.*?;$", output, re.DOTALL | re.MULTILINE)
    assert match is not None, output
    return match[0]


async def test_a_proposal_lists_mapped_and_unmapped_fields_and_changes_nothing(
    hands: CommandLine, platform: Platform
) -> None:
    output = await hands.ok("watch", "runs", "--jobs")
    for message in (
        "public.runs as jobs",
        "done = succeeded, error = failed",
        "primary key",
        "  cost: null in payloads.",
        "Unused columns: Odd Name.",
        "finished_at has no time zone",
        "without an event: cancelled, queued, running.",
        "Nothing was changed. Add --yes",
    ):
        assert message in output
    assert await mapping(platform, "public.runs") is None


async def test_the_printed_sql_installs_the_proposal(
    hands: CommandLine, platform: Platform
) -> None:
    output = await hands.ok(
        "watch", "runs", "--jobs", "--map", 'agent_version_name={"value": "it\'s v2"}'
    )
    await platform.db.execute(statement(output).encode())
    expected = RUNS | {"agent_version_name": {"value": "it's v2"}}
    assert await mapping(platform, "public.runs") == expected


async def test_yes_installs_the_proposal_and_prints_the_next_steps(
    hands: CommandLine, platform: Platform
) -> None:
    output = await hands.ok("watch", "public.runs", "--jobs", "--yes")
    for message in (
        "triggers rowhook_jobs_insert, rowhook_jobs_update",
        "are not sent",
        "recovered by finished_at",
        "rowhook link WEBHOOK --agent ID",
    ):
        assert message in output
    assert await mapping(platform, "public.runs") == RUNS
    await platform.run("insert into public.runs values (1, 12, 'cust', 'done')")
    assert await platform.value("select source from rowhook.event") == "public.runs"


async def test_rows_that_cannot_be_imported_are_reported(
    hands: CommandLine, platform: Platform
) -> None:
    await platform.run("create table public.aims (id text primary key, customer text)")
    await platform.run("insert into public.aims values ('own', 'new'), (%s, 'new')", platform.goal)
    output = await hands.ok(
        "watch", "aims", "--goals", "--map", "organization_id=customer", "--yes"
    )
    refused = f"1 row is not captured. {platform.goal}: Its agent, goal or organization is unknown"
    assert f"Existing rows were imported, but {refused}" in output
    assert refused in await hands.ok("watch")
    await platform.run("delete from public.aims where id <> 'own'")
    await platform.run("select rowhook.heal()")
    assert "not captured" not in await hands.ok("watch")


async def test_a_watched_table_keeps_its_mapping_except_for_requested_changes(
    hands: CommandLine, platform: Platform
) -> None:
    first = ("--map", "output=payload.result", "--map", "status_code=")
    await hands.ok("watch", "runs", "--jobs", "--yes", *first)
    assert "current" in await hands.ok("watch", "runs", "--jobs", "--map", "status_code=")
    again = ("--map", "status_code=", "--status-map", "cancelled=failed")
    await hands.ok("watch", "runs", "--jobs", "--yes", *again)
    result = await mapping(platform, "public.runs")
    assert (result["output"], result.get("status_code")) == ("payload.result", None)
    assert result["status_map"] == RUNS["status_map"] | {"cancelled": "failed"}
    unchanged = await hands.ok("watch", "runs", "--jobs", "--map", "status_code=")
    assert "Already installed with this mapping" in unchanged


async def test_quoted_names_and_every_kind_can_be_watched(
    hands: CommandLine, platform: Platform
) -> None:
    for table in ('public."Captured Forms"', "Captured Forms"):
        output = await hands.ok("watch", table, "--commits", "--yes")
        assert "rowhook link WEBHOOK --goal ID" in output
    assert await mapping(platform, 'public."Captured Forms"') == {
        "id": "formId",
        "goal_id": "goalId",
        "data": "Fields",
        "committed_at": "createdAt",
    }
    await platform.run("insert into public.bots values (7, 'Seven', 'acme')")
    assert "imported" in await hands.ok("watch", "bots", "--agents", "--yes")
    assert await platform.value("select name from rowhook.agent where external_id = '7'") == "Seven"


@pytest.mark.parametrize("name", ["My App.Agent Runs", '"My App"."Agent Runs"', "Agent Runs"])
async def test_a_schema_and_a_table_may_have_any_name(
    hands: CommandLine, platform: Platform, name: str
) -> None:
    await platform.run('create schema "My App"')
    await platform.run(
        'create table "My App"."Agent Runs" ("agentRunId" int primary key, "botId" int,'
        ' "Run Status" text, "endedAt" timestamptz)'
    )
    await hands.ok("watch", name, "--jobs", "--yes")
    assert "current" in await hands.ok("watch", name, "--jobs")
    assert await mapping(platform, '"My App"."Agent Runs"') == {
        "id": "agentRunId",
        "agent_id": "botId",
        "status": "Run Status",
        "completed_at": "endedAt",
    }
    assert "Its events are kept" in await hands.ok("watch", name, "--remove", "--yes")


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (
            "text check (state in ('completed', 'failed', 'it''s'))",
            {"completed": "succeeded", "failed": "failed"},
        ),
        ("varchar(9) check (state = any (array['ok', 'new']))", {"ok": "succeeded"}),
        ("text default 'finished'", {"finished": "succeeded"}),
        ("text default 'running'", None),
    ],
)
async def test_statuses_come_from_a_check_constraint_or_from_the_rows(
    hands: CommandLine, platform: Platform, column: str, expected: dict[str, str] | None
) -> None:
    table = f"create table public.tasks (id int primary key, agent text, state {column})"
    await platform.db.execute(table.encode())
    if "default" in column:
        await platform.run("insert into public.tasks values (1, 'a')")
    await hands.ok("watch", "tasks", "--jobs", "--yes")
    assert (await mapping(platform, "public.tasks")).get("status_map") == expected


async def test_statuses_in_a_json_column_come_from_its_rows(
    hands: CommandLine, platform: Platform
) -> None:
    await platform.run("create table public.docs (id int primary key, agent text, doc jsonb)")
    await platform.run("""insert into public.docs values (1, 'a', '{"state": "errored"}')""")
    await hands.ok("watch", "docs", "--jobs", "--yes", "--map", "status=doc.state")
    result = await mapping(platform, "public.docs")
    assert (result["status"], result["status_map"]) == ("doc.state", {"errored": "failed"})


async def test_without_arguments_it_lists_the_sources_and_their_drift(
    hands: CommandLine, platform: Platform
) -> None:
    await hands.ok("watch", "runs", "--jobs", "--yes")
    await platform.run("alter table public.runs drop column payload")
    assert "public.runs has no column payload" in await hands.ok("watch")
    items = (await hands.json("watch"))["items"]
    assert [(item["name"], item["kind"]) for item in items] == [
        ("commit", "commits"),
        ("job", "jobs"),
        ("public.runs", "jobs"),
    ]
    assert items[2]["mapping"] == RUNS
    assert [item["drift"] is None for item in items] == [True, True, False]
    repaired = await hands.ok("watch", "runs", "--jobs", "--yes")
    assert "Installed on public.runs" in repaired
    assert "output" not in await mapping(platform, "public.runs")


async def test_a_large_table_without_an_index_gets_advice_for_one(
    hands: CommandLine, platform: Platform
) -> None:
    await platform.run("alter table public.runs alter column payload set storage plain")
    await platform.run(
        "insert into public.runs (id, agent, state, payload)"
        " select n, 1, 'queued', to_jsonb(repeat('x', 7900)) from generate_series(1, 8200) as n"
    )
    output = await hands.ok("watch", "runs", "--jobs", "--yes")
    assert "To do: rowhook.heal does not search this table" in output
    assert "create index concurrently on public.runs (finished_at)" in output


async def test_removing_a_source_requires_yes(hands: CommandLine, platform: Platform) -> None:
    await hands.ok("watch", "runs", "--jobs", "--yes")
    output = await hands.ok("watch", "runs", "--remove")
    assert "public.runs (jobs): triggers rowhook_jobs_insert, rowhook_jobs_update" in output
    (await hands.type("watch", "job", "--remove")).refused(1, "rowhook.job is a built-in source")
    assert await mapping(platform, "public.runs") == RUNS
    assert "Its events are kept" in await hands.ok("watch", "runs", "--remove", "--yes")
    assert await mapping(platform, "public.runs") is None
    (await hands.type("watch", "runs", "--remove", "--yes")).refused(
        1, "public.runs is not a source"
    )


async def test_a_dropped_table_can_be_removed_by_name(
    hands: CommandLine, platform: Platform
) -> None:
    await hands.ok("watch", "runs", "--jobs", "--yes")
    await platform.run("drop table public.runs")
    assert "The table was dropped" in await hands.ok("watch")
    await hands.ok("watch", "runs", "--remove", "--yes")
    assert len((await hands.json("watch"))["items"]) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["bots", "--jobs"], 2, "Add --map agent_id=COLUMN, or"),
        (["bots", "--jobs"], 2, "Add --map status=COLUMN"),
        (["bots", "--commits"], 2, "Columns: id integer, title text, org text"),
        (["rums", "--jobs"], 2, "rowhook watch public.runs"),
        (["Captured Form", "--commits"], 2, """rowhook watch 'public."Captured Forms"'"""),
        (["runs", "--jobs", "--map", "status=Odd Name", "--map", "output=nope"], 1, "nope"),
        (["runs", "--jobs", "--map", "completed_at=id"], 1, "is not a time"),
        (["runs", "--jobs", "--status-map", "done=won"], 1, "status_map maps done to won"),
        (
            ["runs", "--jobs", "--status-map", "done=", "--status-map", "error="],
            2,
            "No value of state completes a job",
        ),
        (["parts_1", "--jobs"], 1, "public.parts_1 is a partition"),
        (["names", "--organizations"], 1, "public.names is not a table"),
        (["rowhook.job", "--jobs"], 1, "rowhook.job is a table of Rowhook"),
        (["rowhook.job", "--remove", "--yes"], 1, "rowhook.job is a built-in source"),
    ],
)
async def test_an_unwatchable_table_is_rejected_with_advice(
    hands: CommandLine, platform: Platform, arguments: list[str], code: int, message: str
) -> None:
    (await hands.type("watch", *arguments, "--yes")).refused(code, message)
    assert await platform.value("select count(*) from rowhook.source") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runs"], "Pass one of --jobs, --commits"),
        (["runs", "--jobs", "--agents"], "Pass one of --jobs, --commits"),
        (["--jobs"], "Pass the table"),
        (["--yes"], "Pass the table"),
        (["runs", "--jobs", "--json"], "--json only applies to the list"),
        (["runs", "--remove", "--jobs"], "--remove can only be combined with --yes"),
        (["runs", "--agents", "--status-map", "a=failed"], "--status-map requires --jobs"),
        (["runs", "--jobs", "--map", "colour=x"], "Unknown field colour. Fields of jobs: id,"),
        (["runs", "--jobs", "--map", "cost"], "Invalid value 'cost'. Use NAME=VALUE"),
        (["runs", "--jobs", "--map", "cost={1"], "Invalid constant"),
        (["runs", "--jobs", "--map", 'cost={"colour": 1}'], "Invalid constant"),
    ],
)
async def test_incorrect_usage_exits_2(
    hands: CommandLine, arguments: list[str], message: str
) -> None:
    result = await hands.type("watch", *arguments)
    assert (result.code, message in re.sub(r"[│\s]+", " ", result.err)) == (2, True), result.err


async def test_a_login_that_is_not_the_owner_is_refused_with_the_owner(
    hands: CommandLine, platform: Platform
) -> None:
    name = f"member_{uuid4().hex[:12]}"
    member = f"create role {name} login in role rowhook_worker, rowhook_api"
    await platform.db.execute(member.encode())
    await platform.db.execute(f"grant select, trigger on public.runs to {name}".encode())
    try:
        other = CommandLine(folder=hands.folder, dsn=f"{hands.dsn} user={name}")
        result = await other.type("watch", "runs", "--jobs", "--yes")
    finally:
        await platform.db.execute(
            f"revoke all on public.runs from {name}; drop role {name}".encode()
        )
    result.refused(1, "permission denied", "owner of schema rowhook", "DATABASE_DIRECT_URL")


@pytest.mark.long
async def test_the_process_has_the_documented_exit_codes(hands: CommandLine) -> None:
    assert (await hands.process("", "watch", "runs", "--jobs")).code == 0
    (await hands.process("", "watch", "bots", "--jobs")).refused(2, "--map agent_id=COLUMN")
    gone = "postgresql://nobody@127.0.0.1:9/none"
    (await hands.process("", "watch", DATABASE_URL=gone)).refused(3)


async def test_the_printed_statement_contains_the_mapping(hands: CommandLine) -> None:
    output = await hands.ok("watch", "runs", "--jobs")
    text = re.search(r"'(\{.*\})'", statement(output), re.DOTALL)
    assert text is not None
    assert json.loads(text[1]) == RUNS


async def test_functions_of_the_proposal_are_not_executable_by_public(
    platform: Platform, pool: Pool
) -> None:
    assert await source_queries.find_table(pool, "rowhook.job") == "rowhook.job"
    assert not await platform.value(
        "select bool_or(has_function_privilege('rowhook_producer', p.oid, 'execute'))"
        " from pg_proc p where p.proname in"
        " ('find_table', 'platform_tables', 'table_columns', 'status_values', 'source_list')"
    )
