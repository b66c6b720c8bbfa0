"""Settings that an administrator gave a database or a login do not change Rowhook's behaviour."""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from rowhook.db import connection_pool
from rowhook.migrate import runner
from tests.engine.test_sources import RUNS_MAPPING, snapshots, watch, watched_runs
from tests.support.pgbouncer import pooled_dsn
from tests.support.servers import every_server
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, every_server]
SETTINGS = {
    "datestyle": "German",
    "intervalstyle": "iso_8601",
    "timezone": "America/St_Johns",
    "standard_conforming_strings": "off",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "quote_all_identifiers": "on",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "row_security": "off",
    "default_transaction_isolation": "serializable",
    "plan_cache_mode": "force_custom_plan",
    "idle_session_timeout": "3s",
    "statement_timeout": "1min",
    "search_path": '""',
}
FORMATS = ("datestyle", "timezone", "standard_conforming_strings")


@pytest.fixture
async def unusual(dsn: str, db: psycopg.AsyncConnection) -> str:
    """The DSN of a database with unusual settings."""
    for name, value in SETTINGS.items():
        await db.execute(
            sql.SQL("alter database {} set {} = {}").format(
                sql.Identifier(db.info.dbname), sql.Identifier(name), sql.Literal(value)
            )
        )
    return dsn


async def current(connection: psycopg.AsyncConnection, *names: str) -> list[str]:
    cursor = await connection.execute(
        "select array(select current_setting(name) from unnest(%s::text[]) as name)", (list(names),)
    )
    row = await cursor.fetchone()
    assert row is not None
    values: list[str] = row[0]
    return values


async def test_other_clients_have_the_settings_of_the_database(unusual: str) -> None:
    async with await psycopg.AsyncConnection.connect(unusual) as other:
        names = ("quote_all_identifiers", "datestyle", "row_security")
        assert await current(other, *names) == ["on", "German, DMY", "off"]


async def test_connections_replace_settings_that_change_a_statement(unusual: str) -> None:
    names = (*FORMATS, "quote_all_identifiers", "row_security", "idle_session_timeout")
    expected = ["ISO, MDY", "UTC", "on", "off", "on", "0"]
    async with await connection_pool.connect(unusual) as connection:
        assert await current(connection, *names) == expected
    async with connection_pool.open_pool(unusual) as pool, pool.connection() as connection:
        assert await current(connection, *names) == expected


async def test_a_search_path_puts_no_operator_before_those_of_postgresql(unusual: str) -> None:
    async with await psycopg.AsyncConnection.connect(unusual, autocommit=True) as other:
        await other.execute("create schema evil")
        await other.execute(
            "create function evil.eq(text, text) returns boolean language sql as 'select 1 / 0 = 1'"
        )
        await other.execute(
            "create operator evil.= (leftarg = text, rightarg = text, function = evil.eq)"
        )
        await other.execute(
            sql.SQL("alter database {} set search_path = evil, pg_catalog").format(
                sql.Identifier(other.info.dbname)
            )
        )
    async with await connection_pool.connect(unusual) as connection:
        cursor = await connection.execute("select 'a'::text = 'a', current_schemas(false)")
        assert await cursor.fetchone() == (True, ["evil"])
    assert await runner.plan(unusual) == []


async def test_an_administrator_can_still_stop_all_writes(unusual: str) -> None:
    async with await psycopg.AsyncConnection.connect(unusual, autocommit=True) as other:
        await other.execute(
            sql.SQL("alter database {} set default_transaction_read_only = on").format(
                sql.Identifier(other.info.dbname)
            )
        )
    async with await connection_pool.connect(unusual) as connection:
        assert await current(connection, "transaction_read_only") == ["on"]
        await connection.execute("set default_transaction_read_only = off")
        await connection.execute(
            sql.SQL("alter database {} reset default_transaction_read_only").format(
                sql.Identifier(connection.info.dbname)
            )
        )


async def test_a_transaction_pooler_keeps_the_formats_of_a_client(
    unusual: str, folder: Path
) -> None:
    async with (
        pooled_dsn(unusual, folder) as through,
        connection_pool.open_pool(through, pooler=True) as pool,
    ):
        for _ in range(3):
            async with pool.connection() as connection:
                assert await current(connection, *FORMATS) == ["ISO, MDY", "UTC", "on"]


async def test_a_migration_finds_the_schema_unchanged(unusual: str) -> None:
    assert await runner.plan(unusual) == []


async def test_a_delivery_and_a_missed_row_are_captured_and_sent(rig: Rig, unusual: str) -> None:
    await rig.webhook()
    async with await psycopg.AsyncConnection.connect(unusual, autocommit=True) as other:
        # As the platform: with the settings of the database.
        mine = rig.platform.with_connection(other)
        await mine.commit('{"text": "a\\\\b"}')
        await watched_runs(mine)
        await watch(mine, "jobs", "public.runs", RUNS_MAPPING)
        await mine.run("insert into public.runs values (1, 1, 'c', 'done', null, null, now())")
    async with rig.worker():
        await rig.reaches("delivered")
    assert [shot["data"] for shot in await snapshots(rig.platform)] == [{"text": "a\\b"}, None]
    assert await rig.platform.value("select rowhook.heal()") == 0


async def test_a_connection_that_is_cancelled_while_it_opens_is_closed(dsn: str) -> None:
    for milliseconds in range(1, 30):
        task = asyncio.create_task(connection_pool.connect(dsn))
        await asyncio.sleep(milliseconds / 1000)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await (await task).close()
    # An open connection that is collected is a ResourceWarning, which fails the test.
    gc.collect()
