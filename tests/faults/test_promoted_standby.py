"""A standby that replayed the migration, and is promoted."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from rowhook.db import connection_pool
from rowhook.migrate import runner
from tests.faults.postgres_server import Server
from tests.support.sample_platform import Platform
from tests.support.servers import DEBIAN_15
from tests.support.worker_rig import until

pytestmark = [pytest.mark.anyio, pytest.mark.long]
LOGGED = "0027_logged_registers.sql"
CLAIM = "select count(*) from rowhook.claim_batch(gen_random_uuid(), 8, 4, falls_asleep => true)"


@pytest.fixture(params=[False, True], ids=["embedded_18", "stock_15"])
async def pair(
    request: pytest.FixtureRequest, server_folder: Path
) -> AsyncIterator[tuple[Server, Server]]:
    """A primary without Rowhook, and its standby."""
    if request.param and not DEBIAN_15.is_dir():
        pytest.skip("PostgreSQL 15 is not installed: apt-get install postgresql-15")
    primary, standby = (
        Server(server_folder / name, is_stock=request.param) for name in ("primary", "standby")
    )
    try:
        primary.create()
        primary.start()
        await primary.ready()
        standby.follow(primary)
        standby.start()
        await standby.ready()
        yield primary, standby
    finally:
        primary.stop()
        standby.stop()


async def fail_over(primary: Server, standby: Server) -> None:
    """Promotes the standby when it has everything."""
    async with await connection_pool.connect(primary.dsn) as connection:
        place = await Platform(connection).value("select pg_current_wal_lsn()::text")
    async with await connection_pool.connect(standby.dsn) as connection:
        reader = Platform(connection)

        async def is_replayed() -> bool:
            return bool(await reader.value("select pg_last_wal_replay_lsn() >= %s::pg_lsn", place))

        await until(is_replayed, description="the standby")
    primary.stop(signal.SIGKILL)
    await standby.promote()


async def commit_and_claim(server: Server) -> None:
    async with await connection_pool.connect(server.dsn) as connection:
        platform = Platform(connection)
        await platform.set_up()
        await platform.commit()
        await platform.value(CLAIM)


async def test_commits_and_claims_work_after_the_promotion(pair: tuple[Server, Server]) -> None:
    primary, standby = pair
    await runner.migrate(primary.dsn)
    await fail_over(primary, standby)
    await commit_and_claim(standby)


async def test_a_migration_repairs_registers_that_a_promotion_made_unreadable(
    pair: tuple[Server, Server], sql: Path
) -> None:
    primary, standby = pair
    (sql / "tables" / LOGGED).unlink()
    with (sql / "functions/10_capture.sql").open("a") as file:
        file.write("-- of an earlier release\n")
    await runner.migrate(primary.dsn, sql)
    await fail_over(primary, standby)
    with pytest.raises(psycopg.errors.InternalError_, match="bad magic number"):
        await commit_and_claim(standby)
    await runner.migrate(standby.dsn)
    await commit_and_claim(standby)
    assert await runner.plan(standby.dsn) == []
