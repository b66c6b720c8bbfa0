"""Objects missing after a restore or a manual change are reported and repaired by migrate."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from rowhook.db import connection_pool
from rowhook.embedded.server_binaries import binaries
from rowhook.migrate import runner
from tests.support.clusters import Cluster, cluster
from tests.support.command_line import CommandLine
from tests.support.sample_platform import Platform
from tests.support.servers import embedded_server, every_server

pytestmark = [pytest.mark.anyio, every_server]
# The others of the same kinds are for CI.
OF_EACH_KIND = (
    "drop policy own",
    "create policy",
    "revoke select",
    "grant select",
    "drop trigger",
    "drop function rowhook.number",
    "drop view",
    "alter function rowhook.applied",
)
OPEN_FUNCTION = """
create function rowhook.capture_of_a_table() returns int language sql return 1;
comment on function rowhook.capture_of_a_table() is 'generated: capture of public.runs'
"""
DAMAGES = {
    "drop policy own_organization on rowhook.webhook": "1 policy is missing",
    "alter table rowhook.secret disable row level security": "1 policy is missing",
    "alter policy own_organization on rowhook.secret to public": (
        "1 policy is missing; 1 policy is not ours"
    ),
    "create policy all_rows on rowhook.secret to rowhook_api using (true)": "1 policy is not ours",
    "revoke select, insert on rowhook.webhook from rowhook_api": "2 grants are missing",
    "revoke update (status) on rowhook.outbox from rowhook_operator": "1 grant is missing",
    "revoke usage on schema rowhook_pgqueuer from rowhook_worker": "1 grant is missing",
    "grant select on rowhook.secret to public": "1 grant is not ours",
    "drop trigger capture_inserted_commit on rowhook.commit": "1 trigger is missing",
    "drop function rowhook.number_revision() cascade": (
        "1 function, 1 grant, 1 trigger are missing"
    ),
    "drop view rowhook.capture_gap": "3 grants, 1 view are missing",
    "drop function rowhook.role_prefix()": "1 function, 1 grant are missing",
    "alter policy own_organization on rowhook.webhook using (true)": "1 policy is changed",
    "alter policy own_organization on rowhook.outbox with check (true)": "1 policy is changed",
    "create or replace function rowhook.may_send() returns boolean language sql return true": (
        "1 function is changed"
    ),
    "alter function rowhook.fill_completed_at() reset search_path": "1 function is changed",
    "alter function rowhook.applied_migrations() volatile": "1 function is changed",
    "create or replace trigger guard_outbox before update on rowhook.outbox"
    " for each row when (false) execute function rowhook.guard_outbox()": "1 trigger is changed",
    "create or replace view rowhook.capture_gap as"
    " select ''::text as source, ''::text as source_id, now() as occurred_at": "1 view is changed",
}


async def schema_state(dsn: str) -> list[str]:
    """Returns roles, grants, policies, triggers, functions and views with their definitions."""
    async with await connection_pool.connect(dsn) as connection:
        cursor = await connection.execute(
            "select concat_ws(' ', line, digest) from rowhook.schema_state() order by line"
        )
        return [line for (line,) in await cursor.fetchall()]


async def finding(folder: Path, dsn: str, subject: str) -> str:
    """Returns the finding of doctor for a subject."""
    result = await CommandLine(folder=folder, dsn=dsn).type("doctor")
    (line,) = [line for line in result.out.splitlines() if f" {subject}: " in line]
    return line


@pytest.mark.parametrize(
    ("damage", "lacks"),
    [
        pytest.param(
            damage,
            lacks,
            marks=() if damage.startswith(OF_EACH_KIND) else pytest.mark.long,
            id=f"{damage[:40]}-{lacks[:40]}",
        )
        for damage, lacks in DAMAGES.items()
    ],
)
async def test_removed_objects_and_additional_grants_are_reported_and_repaired(
    dsn: str, db: psycopg.AsyncConnection, damage: str, lacks: str
) -> None:
    before = await schema_state(dsn)
    await db.execute(damage.encode())
    assert await runner.plan(dsn) == [f"repair: {lacks}"]
    assert await runner.migrate(dsn) == [f"repair: {lacks}"]
    assert await schema_state(dsn) == before
    assert await runner.plan(dsn) == []


async def test_doctor_reports_damage_of_the_schema(
    dsn: str, db: psycopg.AsyncConnection, folder: Path
) -> None:
    assert "none pending" in await finding(folder, dsn, "migrations")
    await db.execute("drop policy own_organization on rowhook.webhook")
    assert "pending: repair: 1 policy is missing" in await finding(folder, dsn, "migrations")


@pytest.mark.long
async def test_definitions_that_another_major_version_prints_differently_are_reapplied_once(
    dsn: str, db: psycopg.AsyncConnection
) -> None:
    before = await schema_state(dsn)
    await db.execute("update rowhook.schema_line set digest = 'of 14' where digest is not null")
    (repair,) = await runner.migrate(dsn)
    assert "are changed" in repair
    assert await schema_state(dsn) == before
    assert await runner.migrate(dsn) == []


async def test_a_start_is_refused_for_missing_objects_but_not_for_changed_or_additional_ones(
    dsn: str, db: psycopg.AsyncConnection, folder: Path
) -> None:
    hands = CommandLine(folder=folder, dsn=dsn)
    await db.execute("grant select on rowhook.outbox to rowhook_reader")
    await db.execute("alter function rowhook.fill_completed_at() reset search_path")
    assert await runner.plan(dsn) == ["repair: 1 function is changed; 1 grant is not ours"]
    await hands.ok("status")
    await db.execute("drop trigger capture_inserted_commit on rowhook.commit")
    (await hands.type("status")).refused(1, "repair: 1 trigger is missing", "rowhook migrate")


async def test_grants_and_policies_of_other_roles_are_kept_and_are_not_damage(
    dsn: str, db: psycopg.AsyncConnection, superuser: psycopg.AsyncConnection
) -> None:
    await db.execute("create role analyst")
    try:
        await db.execute("grant select on rowhook.outbox to analyst")
        await db.execute("create policy analysts on rowhook.outbox to analyst using (true)")
        assert await runner.plan(dsn) == []
        await db.execute("drop policy every_organization on rowhook.outbox")
        await db.execute("revoke select on rowhook.outbox from rowhook_worker")
        await runner.migrate(dsn)
        stored = await db.execute(
            "select has_table_privilege('analyst', 'rowhook.outbox', 'select'),"
            " exists (select from pg_policies where policyname = 'analysts')"
        )
        assert await stored.fetchone() == (True, True)
    finally:
        await superuser.execute("drop owned by analyst; drop role analyst")


async def test_objects_created_at_run_time_are_not_damage(
    dsn: str, db: psycopg.AsyncConnection, sql: Path
) -> None:
    await db.execute("select rowhook.make_partition('attempt_row', '2099-01-01')")
    await db.execute(OPEN_FUNCTION)
    assert await runner.plan(dsn) == []
    with (sql / "functions" / "97_added.sql").open("w") as file:
        file.write("create or replace function rowhook.added() returns int return 1;")
    await runner.migrate(dsn, sql)
    await db.execute("drop function rowhook.capture_of_a_table()")
    await db.execute("drop table rowhook.attempt_row_20990101")
    assert await runner.plan(dsn, sql) == []


@pytest.fixture
async def other_cluster() -> AsyncIterator[Cluster]:
    """A server without Rowhook."""
    async with cluster("18") as started:
        yield started


def dump_and_restore(source: str, target: str, file: Path) -> None:
    """Runs pg_dump and pg_restore without roles; statements with roles fail."""
    dump = [str(binaries() / "pg_dump"), "--format=custom", f"--file={file}", source]
    subprocess.run(dump, check=True, capture_output=True)  # noqa: S603  # our own program
    restore = [str(binaries() / "pg_restore"), f"--dbname={target}", str(file)]
    result = subprocess.run(restore, check=False, capture_output=True, text=True)  # noqa: S603
    assert 'role "rowhook_worker" does not exist' in result.stderr


@embedded_server
async def test_migrate_restores_roles_grants_and_policies_after_a_restore_into_another_cluster(
    dsn: str, platform: Platform, other_cluster: Cluster, folder: Path
) -> None:
    await platform.webhook()
    restored = psycopg.conninfo.make_conninfo(
        other_cluster.dsn, dbname=await other_cluster.database()
    )
    dump_and_restore(dsn, restored, folder / "dump")
    assert "rowhook_worker" in await finding(folder, restored, "roles")
    (repair,) = await runner.plan(restored)
    for lacks in (" grants", " policies", "5 roles"):
        assert lacks in repair
    assert (await runner.migrate(restored))[0] == repair
    assert await schema_state(restored) == await schema_state(dsn)
    assert await runner.plan(restored) == []
    assert "none pending" in await finding(folder, restored, "migrations")
    async with await connection_pool.connect(restored) as connection, connection.transaction():
        observed = []
        for role, organization in (
            ("rowhook_api", None),
            ("rowhook_api", platform.organization),
            ("rowhook_worker", None),
        ):
            await connection.execute("select set_config('role', %s, true)", (role,))
            await connection.execute(
                "select set_config('rowhook.organization', %s, true)", (str(organization or ""),)
            )
            cursor = await connection.execute("select count(*) from rowhook.webhook")
            observed += [number for (number,) in await cursor.fetchall()]
        assert observed == [0, 1, 1]
