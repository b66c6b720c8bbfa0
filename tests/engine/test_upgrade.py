"""Upgrades of databases of earlier releases, and the rules that keep them possible."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, LiteralString

import pytest

from rowhook.db import connection_pool, installation_queries, statements
from rowhook.db.connection_pool import Pool
from rowhook.migrate import runner, steps
from rowhook.migrate.locks import Patience
from rowhook.migrate.runner import apply_all
from rowhook.migrate.steps import DEFAULT_PREFIX, all_steps, pending, read_sql
from rowhook.model import STATUSES
from rowhook.security.vault import Keyring
from rowhook.services import webhooks
from rowhook.services.webhook_documents import WebhookPatch
from tests.engine.test_migrate import dump_schema
from tests.engine.upgrade.make_dump import MASTER_KEYS, SECRET, SESSION
from tests.support.database_copies import consume_xids
from tests.support.receiver import Receiver
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio
RELEASED = {
    "0001_roles.sql": "a2ff822960b0e571acf5bab799eb070537cc92e3b93b41c7b4f9fb2b3e448962",
    "0002_platform.sql": "57687b8963a032fe0f5b42fedf25a99ab9c47f0d3396659eb1d85fd7a27f28af",
    "0003_webhook.sql": "ad1f2148850bbb8631439d4b1db2a1a2d8f221c6d410ea1b83e701da28f0acb8",
    "0004_outbox.sql": "f7f0720d40e35aaf91228f9b4a588b8ca7d919f7454f31430525ae4916d2af2a",
    "0005_service.sql": "7d1ae163a974725d671452305c77add27960462f16bc3766d272c64e97390de7",
    "0006_callback.sql": "15f0a1ff5fc29cb3944d410bef62419cb03571a4756e416481758674c352355c",
    "0007_sign_in.sql": "d0250b5e79b81ba403ed173ca3c557f6ffe6b4328812f91620e1e5b563b47a8a",
}
DUMPS = sorted(Path(__file__).with_name("upgrade").glob("*.sql"))
COLUMNS: LiteralString = (
    "select c.relname as name, array_agg(quote_ident(a.attname) || '::text' order by a.attnum)"
    " as columns from pg_class c join pg_attribute a on a.attrelid = c.oid"
    " where c.relnamespace = 'rowhook'::regnamespace and c.relkind in ('r', 'p')"
    " and not c.relispartition and a.attnum > 0 and not a.attisdropped group by c.relname"
)
WAITING: LiteralString = (
    "select d.key from rowhook.delivery d join rowhook.webhook w on w.id = d.webhook_id"
    " where d.status in ('pending', 'sending', 'held') and w.kind = 'http'"
)
# Tables of a release → their current names.
RENAMED = {"capture_source": "source"}
Rows = dict[str, set[tuple[Any, ...]]]


@pytest.fixture(params=DUMPS, ids=lambda path: path.stem)
async def restored(request: pytest.FixtureRequest, empty_dsn: str) -> str:
    """A database of an earlier release, in a cluster with sufficient transaction ids."""
    await consume_xids(empty_dsn, 1000)
    async with await connection_pool.connect(empty_dsn) as connection:
        roles = read_sql(steps.sql_folder() / "roles.sql", DEFAULT_PREFIX)
        await statements.run_script(connection, roles)
        await statements.run_script(connection, request.param.read_text("utf-8"))
    return empty_dsn


async def columns_of(dsn: str) -> dict[str, list[str]]:
    async with await connection_pool.connect(dsn) as connection:
        return {row["name"]: row["columns"] for row in await Platform(connection).rows(COLUMNS)}


async def rows_of(
    dsn: str, columns: dict[str, list[str]], renamed: Mapping[str, str] = MappingProxyType({})
) -> Rows:
    """Returns the rows of these columns as text. `renamed` maps old to new tables."""
    rows_by_table: Rows = {}
    async with await connection_pool.connect(dsn) as connection:
        for table, names in columns.items():
            # System catalog columns.
            query = f"select {', '.join(names)} from rowhook.{renamed.get(table, table)}"
            rows_by_table[table] = set(await (await connection.execute(query.encode())).fetchall())
    rows_by_table["migration"] = {row for row in rows_by_table["migration"] if row[0][0].isdigit()}
    return rows_by_table


async def test_released_table_files_are_never_edited() -> None:
    folder = steps.sql_folder() / "tables"
    checksums = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in RELEASED
    }
    assert checksums == RELEASED, "put the change into a new numbered file: sql/tables/README.md"


async def test_a_dump_has_rows_in_every_table_and_deliveries_in_every_status(
    restored: str,
) -> None:
    rows = await rows_of(restored, await columns_of(restored))
    assert [table for table, table_rows in rows.items() if not table_rows] == []
    statuses = await rows_of(restored, {"outbox": ["status"], "migration": ["name"]})
    assert {status for (status,) in statuses["outbox"]} == set(STATUSES)


async def test_an_upgrade_keeps_every_row_with_its_values(restored: str) -> None:
    columns = await columns_of(restored)
    before = await rows_of(restored, columns)
    assert await runner.migrate(restored)
    after = await rows_of(restored, columns, RENAMED)
    assert {
        table: rows - after[table] for table, rows in before.items() if rows - after[table]
    } == {}


async def test_an_upgraded_schema_is_that_of_a_new_database(restored: str, dsn: str) -> None:
    await runner.migrate(restored)
    assert await runner.plan(restored) == []
    assert dump_schema(restored) == dump_schema(dsn)


async def test_an_upgrade_fills_what_links_copy_from_their_webhooks(restored: str) -> None:
    async with await connection_pool.connect(restored) as db:
        platform = Platform(db)
        await platform.run(
            "update rowhook.webhook set state = 'disabled' where id ="
            " (select webhook_id from rowhook.link where id = 1)"
        )
        await platform.run(
            "update rowhook.webhook set retry_schedule_s = '{30,60}' where id ="
            " (select webhook_id from rowhook.link where id = 2)"
        )
        await runner.migrate(restored)
        copies = await platform.rows(
            "select first_status, starts_ready, first_delay_s from rowhook.link order by id limit 3"
        )
    assert [tuple(row.values()) for row in copies] == [
        ("skipped", False, 0),
        ("pending", False, 30),
        ("pending", True, 0),
    ]


async def test_waiting_and_new_deliveries_are_sent_after_an_upgrade(restored: str) -> None:
    await runner.migrate(restored)
    async with (
        await connection_pool.connect(restored) as db,
        connection_pool.open_pool(restored) as pool,
        Receiver() as receiver,
    ):
        rig = await upgraded_rig(restored, pool, Platform(db), receiver)
        waiting = {row["key"] for row in await rig.platform.rows(WAITING)}
        async with rig.worker(lease_s=2):
            new_commit = await rig.platform.commit('{"amount": 9.90}', session=SESSION)
            await rig.platform.finish(await rig.platform.job(output='{"digits": 2.20}'))
            await until(
                lambda: settled(rig.platform), description="every delivery over HTTP settled"
            )
        jobs = [json.loads(request.body) for request in receiver.requests if request.path == "/job"]
        commits = {request.header("idempotency-key"): request for request in receiver.requests}
    assert waiting | {new_commit} <= set(commits)
    assert len(waiting) > 1
    assert commits[new_commit].header("authorization") == f"Bearer {SECRET}"
    assert commits[new_commit].body == b'{"amount": 9.90, "locale": "de"}'
    assert sorted(job["job"]["output"]["digits"] for job in jobs) == [1.1, 2.2]
    assert await runner.plan(restored) == []


@pytest.mark.long
async def test_commits_between_two_steps_of_an_upgrade_are_captured_once(
    restored: str,
) -> None:
    commits, jobs = set(), set()
    async with (
        await connection_pool.connect(restored) as db,
        await connection_pool.connect(restored) as connection,
    ):
        platform = await known_platform(Platform(db))
        open_errors = "select * from rowhook.capture_error where healed_at is null"
        expected = all_steps(steps.sql_folder(), DEFAULT_PREFIX)
        todo = pending(expected, await installation_queries.applied_migrations(connection))
        for step in [step for step in todo if step.kind in ("script", "outside")]:
            await apply_all(connection, [step], Patience(dsn=restored, seconds=60))
            commits.add(await platform.commit())
            job = await platform.job("running")
            await platform.finish(job)
            # A platform may set the time in a separate statement: the same completion.
            await platform.run(
                "update rowhook.job set completed_at = clock_timestamp() where id = %s", job
            )
            jobs.add(str(job))
        await runner.migrate(restored)
        await platform.value("select rowhook.heal()")
        assert await platform.rows("select * from rowhook.capture_gap") == []
        assert await platform.rows(open_errors) == []
        assert await platform.value("select rowhook.heal()") == 0
        events = await platform.rows(
            "select coalesce(commit_id, job_id) as id, count(*), min(source) as source"
            " from rowhook.event group by 1 having coalesce(commit_id, job_id) = any(%s)",
            [*commits, *jobs],
        )
    assert {row["id"]: (row["count"], row["source"]) for row in events} == {
        **dict.fromkeys(commits, (1, "commit")),
        **dict.fromkeys(jobs, (1, "job")),
    }


async def known_platform(platform: Platform) -> Platform:
    """Returns a platform with the organization, goal, agent and version of the dump."""
    (row,) = await platform.rows(
        "select g.organization_id, g.id as goal, v.agent_id, v.id as version"
        " from rowhook.goal g, rowhook.agent_version v"
    )
    platform.organization, platform.goal = row["organization_id"], row["goal"]
    platform.agent, platform.version = row["agent_id"], row["version"]
    return platform


async def upgraded_rig(dsn: str, pool: Pool, platform: Platform, receiver: Receiver) -> Rig:
    """A rig with the master key and platform of the dump, whose webhooks call the receiver."""
    rig = Rig(dsn, pool, await known_platform(platform), receiver)
    rig.keyring = Keyring(MASTER_KEYS)
    rig.ctx = replace(rig.ctx, keyring=rig.keyring)
    for webhook in await platform.rows("select id, name from rowhook.webhook where kind = 'http'"):
        url = f"{receiver.url}/{webhook['name'].removeprefix('/')}"
        await webhooks.patch_webhook(rig.ctx, webhook["id"], WebhookPatch(url=url))
    return rig


async def settled(platform: Platform) -> bool:
    return not await platform.rows(WAITING)


async def test_obsolete_functions_are_dropped_after_all_functions_are_applied(
    dsn: str, tmp_path: Path
) -> None:
    sql = Path(shutil.copytree(steps.sql_folder(), tmp_path / "sql"))
    added = sql / "functions" / "97_zz_added.sql"
    added.write_text("create or replace function rowhook.added() returns int return 1;")
    await runner.migrate(dsn, sql)
    obsolete = sql / "functions" / "99_obsolete.sql"
    obsolete.write_text(f"{obsolete.read_text()}\ndrop function if exists rowhook.added();\n")
    await runner.migrate(dsn, sql)
    async with await connection_pool.connect(dsn) as db:
        query = await Platform(db).rows("select from pg_proc where proname = 'added'")
    assert query == []


@pytest.mark.long
async def test_heal_sends_nothing_that_retention_of_the_previous_release_removed(
    restored: str,
) -> None:
    async with await connection_pool.connect(restored) as db:
        platform = Platform(db)
        # A retention of two days, which left no trace.
        for statement in (
            "update rowhook.capture_source set installed_at = now() - interval '30 days'",
            "update rowhook.link set created_at = now() - interval '30 days'",
            (
                "update rowhook.job set completed_at = now() - '3 d'::interval"
                " where completed_at < now()"
            ),
            "update rowhook.commit set committed_at = now() - interval '3 days'",
            "delete from rowhook.outbox",
            "delete from rowhook.event",
        ):
            await db.execute(statement)
        await runner.migrate(restored)
        for _ in range(3):
            assert await platform.value("select rowhook.heal('400 days')") == 0


@pytest.mark.long
async def test_a_worker_of_the_release_before_tells_the_rows_of_its_claim_by_their_nulls(
    platform: Platform,
) -> None:
    await platform.run(
        "insert into rowhook.webhook (organization_id, name, url)"
        " select %s, 'w' || n, 'http://127.0.0.1:9/' from generate_series(1, 256) n",
        platform.organization,
    )
    await platform.run(
        "insert into rowhook.link (organization_id, webhook_id, goal_id)"
        " select organization_id, id, %s from rowhook.webhook",
        platform.goal,
    )
    commit = await platform.commit('{"amount": 9.90}')
    lanes = await platform.rows("select id from rowhook.webhook order by id")
    watermark, cursor, claimed = await platform.rows(
        "select * from rowhook.claim(gen_random_uuid(), 1, 1)"
    )
    assert (claimed["webhook_id"], claimed["key"]) == (lanes[0]["id"], commit)
    assert (claimed["data"], claimed["large"]) == ('{"amount": 9.90}', False)
    assert None not in (claimed["token"], claimed["event_id"], claimed["occurred_at"])
    assert watermark.pop("occurred_at") < claimed["occurred_at"]
    assert set_fields(watermark) == {"webhook_id": lanes[0]["id"]}
    assert set_fields(cursor) == {"webhook_id": lanes[0]["id"]}


def set_fields(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}
