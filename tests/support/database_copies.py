"""Databases that are copies: by template, by dump and restore, or by their installation record."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from psycopg.conninfo import make_conninfo

from rowhook.db import connection_pool
from rowhook.embedded.server_binaries import binaries
from tests.support.sample_platform import Platform
from tests.support.servers import DEBIAN_15, Server

ROLES = ("producer", "reader", "operator", "worker", "api")
PG_18 = 180000
# Above the transaction ids of any cluster of the tests.
FOREIGN_XID = 9_000_000_000_000


async def mark_as_copied(platform: Platform) -> None:
    """Changes the installation record to that of a copy by template."""
    await platform.run("update rowhook.installation set database_oid = 1, checked_file = 'another'")


async def mark_as_restored(platform: Platform) -> None:
    """Changes all captured rows to those of a cluster with far higher transaction ids."""
    await platform.run(
        "update rowhook.event set xact = (xact::text::bigint + %s)::text::xid8", FOREIGN_XID
    )
    await platform.run(
        "update rowhook.outbox set token = nextval('rowhook.token'),"
        " ordered_by = (ordered_by::text::bigint + %s)::text::xid8",
        FOREIGN_XID,
    )
    await platform.run(
        "update rowhook.installation set system_identifier = 1, epoch_system_identifier = 1,"
        " checked_file = 'another', highest_xid = (%s + 100000)::text::xid8",
        FOREIGN_XID,
    )
    await platform.run("update rowhook.source set next_xact = %s::text::xid8", str(FOREIGN_XID))


@asynccontextmanager
async def cloned_database(server: Server, dsn: str) -> AsyncIterator[str]:
    """A copy in the same cluster by `create database … template`, which requires no connections."""
    name = f"copy_{uuid4().hex[:12]}"
    source = make_conninfo(dsn).split("dbname=")[1].split()[0]
    async with await connection_pool.connect(server.superuser_dsn) as connection:
        # Of the connection that resets the database; the next statement waits for their end.
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (source,)
        )
        await connection.execute(f"create database {name} template {source}".encode())
        try:
            yield make_conninfo(dsn, dbname=name)
        finally:
            await connection.execute(f"drop database {name} with (force)".encode())


async def create_roles(dsn: str) -> None:
    """Creates the service roles, which a dump of a database does not contain."""
    async with await connection_pool.connect(dsn) as connection:
        for role in ROLES:
            await connection.execute(f"create role rowhook_{role} nologin".encode())


async def restore(old: str, new: str, *, clean: bool = False) -> None:
    """Runs `pg_dump old | pg_restore new`; `clean` drops existing objects first."""
    async with await connection_pool.connect(old) as connection:
        programs = binaries() if connection.info.server_version >= PG_18 else DEBIAN_15
    await asyncio.to_thread(_restore, programs, old, new, clean=clean)


def _restore(programs: Path, old: str, new: str, *, clean: bool) -> None:
    dump = [str(programs / "pg_dump"), "-Fc", "--schema=rowhook*", old]
    dumped = subprocess.run(dump, check=True, capture_output=True)  # noqa: S603  # our own program
    load = [str(programs / "pg_restore"), "--exit-on-error", "-d", new]
    load += ["--clean", "--if-exists"] if clean else []
    subprocess.run(load, check=True, input=dumped.stdout)  # noqa: S603  # our own program


async def consume_xids(dsn: str, count: int) -> None:
    """Consumes transaction ids."""
    async with await connection_pool.connect(dsn) as connection:
        await connection.execute(
            f"do $$ begin for i in 1..{count} loop"
            " perform pg_current_xact_id(); commit; end loop; end $$".encode()
        )
