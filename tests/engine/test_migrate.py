"""Migrations: complete steps that are resumed where they stopped and rejected in case of doubt."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rowhook.db import connection_pool, installation_queries
from rowhook.embedded.server_binaries import binaries
from rowhook.migrate import runner, steps
from rowhook.migrate.steps import MigrationRejected, all_steps, is_history
from tests.support.databases import Databases
from tests.support.servers import embedded_server, every_server

pytestmark = [pytest.mark.anyio, every_server]
DUMP = Path(__file__).with_name("schema.sql")
STEPS = [step.name for step in all_steps(steps.sql_folder(), "rowhook")]
TABLES = [name for name in STEPS if is_history(name)]
INSTALLED = [*STEPS, "pgqueuer: install"]


async def value(dsn: str, query: str) -> Any:
    async with await connection_pool.connect(dsn) as connection:
        row = await (await connection.execute(query.encode())).fetchone()
        return row and row[0]


async def applied_steps(dsn: str) -> list[str]:
    async with await connection_pool.connect(dsn) as connection:
        return sorted(await installation_queries.applied_migrations(connection))


async def test_migrate_applies_each_step_in_order_then_pgqueuer(
    empty_dsn: str,
) -> None:
    assert await runner.migrate(empty_dsn) == INSTALLED
    assert await applied_steps(empty_dsn) == sorted(STEPS)


async def test_a_second_migration_has_nothing_to_do(dsn: str) -> None:
    assert await runner.plan(dsn) == []
    assert await runner.migrate(dsn) == []


async def test_a_plan_lists_the_pending_steps_and_changes_nothing(empty_dsn: str) -> None:
    planned = await runner.plan(empty_dsn)
    assert await value(empty_dsn, "select to_regnamespace('rowhook')") is None
    assert await value(empty_dsn, "select to_regnamespace('rowhook_pgqueuer')") is None
    assert await runner.migrate(empty_dsn) == planned


async def test_a_changed_function_is_reapplied_and_keeps_the_data(dsn: str, sql: Path) -> None:
    async with await connection_pool.connect(dsn) as connection:
        await connection.execute("insert into rowhook.organization (name) values ('Acme')")
    with (sql / "functions" / "97_added.sql").open("w") as file:
        file.write("create or replace function rowhook.added() returns int return 1;")
    assert await runner.plan(dsn, sql) == ["functions/97_added"]
    assert await runner.migrate(dsn, sql) == ["functions/97_added"]
    assert await value(dsn, "select rowhook.added()") == 1
    assert await value(dsn, "select name from rowhook.organization") == "Acme"


@pytest.mark.parametrize("run", [runner.plan, runner.migrate])
async def test_an_edited_migration_is_rejected_by_name(dsn: str, sql: Path, run: Any) -> None:
    edited = sql / "tables" / f"{TABLES[1]}.sql"
    edited.write_text(edited.read_text() + "\n-- edited\n")
    with pytest.raises(MigrationRejected, match=f"Migration {TABLES[1]} was edited"):
        await run(dsn, sql)


@pytest.mark.parametrize("run", [runner.plan, runner.migrate])
async def test_a_newer_database_is_rejected(dsn: str, sql: Path, run: Any) -> None:
    (sql / "tables" / "9999_later.sql").write_text("create table rowhook.later ();")
    await runner.migrate(dsn, sql)
    with pytest.raises(MigrationRejected, match=r"newer Rowhook \(9999_later\)\. Upgrade this one"):
        await run(dsn)


@pytest.mark.parametrize("broken", [f"tables/{TABLES[2]}.sql", "functions/20_claim.sql"])
async def test_a_failed_step_is_rolled_back_completely_and_repeated(
    empty_dsn: str, sql: Path, broken: str
) -> None:
    whole = (sql / broken).read_text()
    query = "\ncreate table rowhook.left_behind ();\nselect 1 / 0;\n"
    (sql / broken).write_text(whole + query)
    with pytest.raises(psycopg.Error) as failed:
        await runner.migrate(empty_dsn, sql)
    step = Path(broken).stem if broken.startswith("tables") else broken.removesuffix(".sql")
    (note,) = failed.value.__notes__
    assert note.startswith(f"Step {step} was rolled back")
    assert note.endswith(". Earlier steps are kept.")
    assert await value(empty_dsn, "select to_regclass('rowhook.left_behind')") is None
    completed = await applied_steps(empty_dsn)
    first = step if step in TABLES else next(name for name in STEPS if "/" in name)
    assert completed == sorted(STEPS[: STEPS.index(first)])
    (sql / broken).write_text(whole)
    rest = await runner.migrate(empty_dsn, sql)
    assert rest == INSTALLED[len(completed) :]


async def test_a_migration_interrupted_at_its_end_is_completed_by_the_next(
    dsn: str, db: psycopg.AsyncConnection
) -> None:
    await db.execute("delete from rowhook.schema_line")
    await db.execute("grant execute on function rowhook.retain(interval, int) to public")
    assert await runner.migrate(dsn) == []
    cursor = await db.execute(
        "select count(*) > 100, bool_or(line like '%retain%' and line like '%public%')"
        " from rowhook.schema_line"
    )
    assert await cursor.fetchone() == (True, False)


async def test_two_concurrent_migrations_apply_each_step_once(empty_dsn: str) -> None:
    both = await asyncio.gather(runner.migrate(empty_dsn), runner.migrate(empty_dsn))
    assert sorted(both, key=len) == [[], INSTALLED]


async def test_two_databases_of_one_cluster_can_be_migrated_concurrently(
    empty_dsn: str, databases: Databases
) -> None:
    async with databases.empty() as name:
        other = databases.server.dsn(name)
        both = await asyncio.gather(runner.migrate(empty_dsn), runner.migrate(other))
    assert both[0] == both[1] == INSTALLED


def dump_schema(dsn: str) -> str:
    """Returns the schema from pg_dump, without variable parts and function bodies."""
    command = [str(binaries() / "pg_dump"), "--schema-only", "--schema=rowhook", "--no-owner", dsn]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  # our own program
    entries = re.split(r"^--\n-- (?=Name: )", text, flags=re.MULTILINE)[1:]
    stored = (
        _entry(entry)
        for entry in entries
        if not re.search(r"(attempt|attempt_row|exchange)_\d{8}|_p\d{8}", entry)
    )
    return "\n".join(row for row in stored if row)


def _entry(entry: str) -> str:
    sql = entry.split("\n--\n", 1)[1]
    sql = re.sub(r"^(\\.*|SET .*|--.*)$", "", sql, flags=re.MULTILINE).strip()
    # The body of a function is in sql/functions: its signature and privileges are enough.
    sql = re.sub(r"\n    AS (\$_*\$).*?\1", "", sql, flags=re.DOTALL)
    sql = re.sub(r"\n    (BEGIN ATOMIC\n.*\nEND|RETURN .*);$", ";", sql, flags=re.DOTALL)
    return re.sub(r"\n{2,}", "\n", sql) + "\n" if sql else ""


@embedded_server
async def test_the_schema_is_the_reviewed_one(dsn: str) -> None:
    result = dump_schema(dsn)
    if os.environ.get("ROWHOOK_WRITE_SCHEMA"):
        DUMP.write_text(result)
    assert result == DUMP.read_text(), (
        "the schema differs from tests/engine/schema.sql: if that is meant, write it again with"
        " ROWHOOK_WRITE_SCHEMA=1 bin/test tests/engine/test_migrate.py -k reviewed,"
        " and review the diff"
    )
