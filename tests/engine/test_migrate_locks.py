"""Migrations during use by the platform: short lock waits, and only changes are applied."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from structlog.testing import capture_logs

from rowhook.db import installation_queries
from rowhook.db.connection_pool import Pool
from rowhook.migrate import runner, steps
from rowhook.migrate.steps import OUTSIDE, MigrationRejected, all_steps, is_history
from tests.support.sample_platform import Platform
from tests.support.servers import every_server
from tests.support.worker_rig import until

pytestmark = [pytest.mark.anyio, every_server]
COMMENTS: LiteralString = (
    "select string_agg(col_description(%s::regclass, attnum), ' ') from pg_attribute"
    " where attrelid = %s::regclass and attnum > 0"
)
TRIGGER = "triggers/commit.capture_inserted_commit"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def change_trigger(sql: Path) -> None:
    edit(
        sql / "triggers.sql",
        "after insert on rowhook.commit",
        "after insert\n  on rowhook.commit",
    )


def change_policies(sql: Path, table: str) -> None:
    edit(
        sql / "policies.sql",
        f"on rowhook.{table} to rowhook_worker",
        f"on rowhook.{table}  to rowhook_worker",
    )


async def rows(db: psycopg.AsyncConnection, query: str) -> list[tuple[Any, ...]]:
    return await (await db.execute(query.encode())).fetchall()


@asynccontextmanager
async def open_transaction(dsn: str, platform: Platform) -> AsyncIterator[int]:
    """Runs a platform transaction with a commit; yields its process id."""
    async with await psycopg.AsyncConnection.connect(dsn, application_name="platform") as holder:
        await holder.execute(
            "insert into rowhook.commit (goal_id, data) values (%s, '{}')", (platform.goal,)
        )
        yield holder.info.backend_pid


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (change_trigger, TRIGGER),
        (lambda sql: change_policies(sql, "event"), "policies/event"),
        (lambda sql: change_policies(sql, "outbox"), "policies/outbox"),
    ],
    ids=["trigger", "policies of event", "policies of outbox"],
)
async def test_a_migration_waiting_for_a_lock_does_not_block_the_platform(
    dsn: str, sql: Path, platform: Platform, change: Any, step: str
) -> None:
    await platform.webhook()
    change(sql)
    async with asyncio.TaskGroup() as group:
        async with open_transaction(dsn, platform) as pid:
            with capture_logs() as logged:
                migration = group.create_task(runner.migrate(dsn, sql))

                async def waits() -> bool:
                    return any(line["event"] == "migration.waiting" for line in logged)

                await until(waits)
                for _ in range(20):
                    await platform.commit()
                assert not migration.done()
                result = [line for line in logged if line["event"] == "migration.waiting"]
        assert await migration == [step]
    assert [(line["step"], line["pid"], line["application_name"]) for line in result] == [
        (step, pid, "platform")
    ]
    assert result[0]["transaction_started_at"] is not None


async def test_a_migration_that_cannot_lock_names_the_blocking_session_and_can_be_repeated(
    dsn: str, sql: Path, platform: Platform
) -> None:
    edit(sql / "functions" / "10_capture.sql", "begin", "begin\n  -- changed\n")
    change_trigger(sql)
    async with open_transaction(dsn, platform) as pid:
        with pytest.raises(MigrationRejected) as refused:
            await runner.migrate(dsn, sql, patience_s=0)
    message = str(refused.value)
    assert (
        f"Step {TRIGGER} could not lock its tables within 0 s: process {pid} (platform" in message
    )
    assert "run rowhook migrate again" in message
    assert await runner.migrate(dsn, sql) == [TRIGGER]


async def test_exactly_the_changed_functions_are_replaced_in_one_transaction(
    dsn: str, sql: Path, db: psycopg.AsyncConnection
) -> None:
    written = (
        "select proname, xmin::text from pg_proc"
        " where proname in ('fill_completed_at', 'retain_held', 'heal')"
    )
    before = dict(await rows(db, written))
    for name in ("10_capture", "62_retain_other"):
        edit(sql / "functions" / f"{name}.sql", "begin", "begin\n  -- changed\n")
    changed = ["functions/10_capture", "functions/62_retain_other", "captures"]
    assert await runner.plan(dsn, sql) == changed
    assert await runner.migrate(dsn, sql) == changed
    after = dict(await rows(db, written))
    assert after["fill_completed_at"] == after["retain_held"] != before["retain_held"]


async def test_comments_are_set_one_table_at_a_time(
    dsn: str, sql: Path, db: psycopg.AsyncConnection
) -> None:
    edit(sql / "comments.sql", "'in USD'", "'in US dollars'")
    edit(sql / "comments.sql", "'paths that its", "'the paths that its")

    async def commented(table: str) -> str:
        ((text,),) = await (await db.execute(COMMENTS, (table, table))).fetchall()
        return str(text)

    async with await psycopg.AsyncConnection.connect(dsn) as holder:
        await holder.execute("lock table rowhook.webhook in share update exclusive mode")
        migrating = asyncio.create_task(runner.migrate(dsn, sql))
        pids: list[tuple[Any, ...]] = []

        async def waits() -> bool:
            pids[:] = await rows(
                db,
                "select w.pid, count(h.pid) from pg_locks w left join pg_locks h"
                " on h.pid = w.pid and h.granted and h.mode = 'ShareUpdateExclusiveLock'"
                " where not w.granted and w.relation = 'rowhook.webhook'::regclass group by 1",
            )
            return bool(pids)

        await until(waits, description="the comments of the locked table")
        assert [held for _, held in pids] == [0]
        assert "in US dollars" in await commented("rowhook.job")
    assert await migrating == ["comments"]
    assert "the paths that its" in await commented("rowhook.webhook")


async def test_only_a_changed_trigger_is_replaced_and_it_stays_disabled_if_it_was(
    dsn: str, sql: Path, db: psycopg.AsyncConnection
) -> None:
    enabled = (
        "select tgname, xmin::text, tgenabled from pg_trigger where tgname ~ '^capture' order by 1"
    )
    before = await rows(db, enabled)
    await db.execute("alter table rowhook.commit disable trigger capture_inserted_commit")
    change_trigger(sql)
    assert await runner.migrate(dsn, sql) == [TRIGGER]
    after = await rows(db, enabled)
    assert [state for _, _, state in after] == ["D", "O", "O", "O"]
    assert after[1:] == before[1:]


async def test_doctor_reports_a_disabled_trigger(pool: Pool, db: psycopg.AsyncConnection) -> None:
    async def notices() -> tuple[Any, ...]:
        (result,) = [
            row
            for row in await installation_queries.diagnosis(pool)
            if row["subject"] == "other triggers"
        ]
        return result["healthy"], result["finding"], result["advice"]

    assert (await notices())[0] is True
    await db.execute("alter table rowhook.outbox disable trigger must_fit")
    healthy, finding, advice = await notices()
    assert (healthy, finding) == (False, "must_fit is disabled")
    await db.execute(advice.encode())
    assert (await notices())[0] is True
    assert await rows(db, "select tgenabled from pg_trigger where tgname = 'must_fit'") == [("A",)]


async def test_a_renamed_or_deleted_function_file_is_not_a_newer_version(
    dsn: str, sql: Path, db: psycopg.AsyncConnection
) -> None:
    folder = sql / "functions"
    (folder / "60_retain.sql").rename(folder / "60_run_retention.sql")
    assert await runner.migrate(dsn, sql) == ["functions/60_run_retention"]
    named = "select name from rowhook.migration where name ~ '60_'"
    assert await rows(db, named) == [("functions/60_run_retention",)]
    (folder / "60_run_retention.sql").unlink()
    assert await runner.plan(dsn, sql) == []


async def test_a_database_with_all_functions_in_one_step_is_upgraded(
    dsn: str, db: psycopg.AsyncConnection
) -> None:
    await db.execute("delete from rowhook.migration where name !~ '^[0-9]{4}_'")
    await db.execute("insert into rowhook.migration (name, checksum) values ('engine', 'x')")
    await db.execute("drop function rowhook.schema_differences(), rowhook.schema_state()")
    await db.execute("drop table rowhook.schema_line")
    expected = [step.name for step in all_steps(steps.sql_folder(), "rowhook")]
    assert await runner.migrate(dsn) == [name for name in expected if not is_history(name)]
    assert sorted(await installation_queries.applied_migrations(db)) == sorted(expected)
    assert await runner.plan(dsn) == []


async def test_statements_outside_a_transaction_are_repeated_until_all_succeed(
    dsn: str, sql: Path, db: psycopg.AsyncConnection
) -> None:
    file = sql / "tables" / "9998_index.sql"
    index = (
        f"{OUTSIDE}drop index concurrently if exists rowhook.by_name;\n\n"
        "create index concurrently by_name\n  on rowhook.organization (name);\n"
    )
    file.write_text(f"{index}\nselect 1 / 0;\n")
    with pytest.raises(psycopg.errors.DivisionByZero) as failed:
        await runner.migrate(dsn, sql)
    assert failed.value.__notes__ == [
        "Step 9998_index was interrupted. It will be repeated from its first statement."
    ]
    assert await runner.plan(dsn, sql) == ["9998_index"]
    file.write_text(index)
    assert await runner.migrate(dsn, sql) == ["9998_index"]
    assert await rows(
        db, "select indisvalid from pg_index where indexrelid = 'rowhook.by_name'::regclass"
    ) == [(True,)]


async def test_a_waiting_migration_does_not_prevent_building_an_index(dsn: str, sql: Path) -> None:
    (sql / "tables" / "9998_index.sql").write_text(
        f"{OUTSIDE}drop index concurrently if exists rowhook.by_name;\n\n"
        "create index concurrently by_name on rowhook.organization (name);\n"
    )
    both = await asyncio.gather(runner.migrate(dsn, sql), runner.migrate(dsn, sql))
    assert sorted(both) == [[], ["9998_index"]]


@pytest.mark.parametrize(
    ("name", "kind"), [("triggers.sql", "trigger"), ("policies.sql", "policies")]
)
def test_every_trigger_and_policy_belongs_to_a_step_of_its_table(name: str, kind: str) -> None:
    folder = steps.sql_folder()
    created = re.compile(r"^create (?:or replace )?(?:trigger|policy) .*", re.MULTILINE)
    applied = [
        line
        for step in all_steps(folder, "rowhook")
        if step.kind == kind
        for line in created.findall(step.sql)
    ]
    assert applied == created.findall((folder / name).read_text())
    for step in all_steps(folder, "rowhook"):
        if step.kind == kind:
            assert set(re.findall(r"\b(?:on|table) rowhook\.(\w+)", step.sql)) == {step.table}
