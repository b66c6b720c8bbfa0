"""The PostgreSQL servers of a test process: the embedded 18, and 15 as created by `initdb`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from rowhook.db import connection_pool
from rowhook.embedded.cluster import embedded_postgres
from rowhook.embedded.server_process import Account, Programs, server_account
from tests.support.worker_rig import until

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
OWNER = "platform_owner"
# A test with this marker runs on both servers; all others run on the embedded 18.
every_server = pytest.mark.servers("embedded_18", "stock_15")
embedded_server = pytest.mark.servers("embedded_18")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server. Tests connect as `owner`, who owns their database.

    On the embedded server that is the superuser, as for `rowhook up`. On the stock server it is a
    login with CREATEROLE that is not a superuser.
    """

    superuser_dsn: str
    owner: str

    def dsn(self, database: str) -> str:
        """Returns the DSN of a database for its owner."""
        return make_conninfo(self.superuser_dsn, dbname=database, user=self.owner)

    def dsn_of_superuser(self, database: str) -> str:
        """Returns the DSN of a database for the superuser."""
        return make_conninfo(self.superuser_dsn, dbname=database)

    async def run(self, *statements: str) -> None:
        """Executes statements as the superuser in another database than those of tests."""
        async with await connection_pool.connect(self.superuser_dsn) as connection:
            for statement in statements:
                await connection.execute(statement.encode())


@asynccontextmanager
async def embedded_18() -> AsyncIterator[Server]:
    """Runs the embedded server with JIT and without fsync."""
    with tempfile.TemporaryDirectory(prefix="rowhook-test-", ignore_cleanup_errors=True) as folder:
        async with embedded_postgres(Path(folder) / "data") as dsn:
            server = Server(superuser_dsn=dsn, owner="rowhook")
            await server.run(
                "alter system set jit = on",
                "alter system set fsync = off",
                "select pg_reload_conf()",
            )
            await _reloaded(server)
            yield server


async def _reloaded(server: Server) -> None:
    async def done() -> bool:
        async with await connection_pool.connect(server.superuser_dsn) as connection:
            cursor = await connection.execute(
                "select current_setting('jit') = 'on' and current_setting('fsync') = 'off'"
            )
            return await cursor.fetchone() == (True,)

    await until(done, description="the new settings of the embedded server")


@asynccontextmanager
async def stock_15() -> AsyncIterator[Server]:
    """Runs Debian's PostgreSQL 15 with the settings of `initdb`, and an owner without superuser.

    Its command line has only its folders and `fsync=off`. Skips if it is not installed.
    """
    async with new_cluster() as run, run() as dsn:
        server = Server(superuser_dsn=dsn, owner=OWNER)
        await server.run(f"create role {OWNER} login createrole")
        yield server


def _folders(folder: Path, account: Account) -> tuple[Path, Path]:
    """Returns folders for the data and the socket, owned by the account of the server."""
    if account.is_other:
        folder.chmod(0o711)
    data, socket = folder / "data", folder / "socket"
    for path in (data, socket):
        path.mkdir()
        account.own(path)
    return data, socket


@asynccontextmanager
async def new_cluster() -> AsyncIterator[Callable[[], AbstractAsyncContextManager[str]]]:
    """Creates a PostgreSQL 15; yields a function that runs it, also after a stop."""
    if not (DEBIAN_15 / "postgres").exists():
        pytest.skip("PostgreSQL 15 is not installed: apt-get install postgresql-15")
    with tempfile.TemporaryDirectory(prefix="rowhook-15-", ignore_cleanup_errors=True) as folder:
        async with _stage(Path(folder)) as (stage, data, socket):
            await stage.run(
                "initdb",
                "--pgdata",
                str(data),
                "--username",
                "postgres",
                "--auth",
                "trust",
                "--encoding",
                "UTF8",
                "--locale",
                "C.UTF-8",
                "--no-sync",
            )
            yield lambda: _running(stage, data, socket)


@asynccontextmanager
async def standby(primary: Server) -> AsyncIterator[Server]:
    """Runs a hot standby of a PostgreSQL 15."""
    async with base_backup(primary) as run, run() as dsn:
        yield Server(superuser_dsn=dsn, owner=primary.owner)


@asynccontextmanager
async def base_backup(
    primary: Server, *settings: str
) -> AsyncIterator[Callable[[], AbstractAsyncContextManager[str]]]:
    """Copies a PostgreSQL 15; yields a function that runs it as a standby, also after a stop."""
    with tempfile.TemporaryDirectory(prefix="rowhook-15-", ignore_cleanup_errors=True) as folder:
        async with _stage(Path(folder)) as (stage, data, socket):
            data.chmod(0o700)
            await stage.run(
                "pg_basebackup",
                "--pgdata",
                str(data),
                "--dbname",
                primary.superuser_dsn,
                "--write-recovery-conf",
                "--checkpoint",
                "fast",
                "--no-sync",
            )
            options = [part for setting in settings for part in ("-c", setting)]
            yield lambda: _running(stage, data, socket, *options)


@asynccontextmanager
async def _stage(folder: Path) -> AsyncIterator[tuple[Programs, Path, Path]]:
    """Yields the programs of PostgreSQL 15, and folders for the data and the socket."""
    account = server_account()
    data, socket = _folders(folder, account)
    lock = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        stage = Programs(binaries=DEBIAN_15, account=account, log=folder / "server.log", lock=lock)
        yield stage, data, socket
    finally:
        os.close(lock)


@asynccontextmanager
async def _running(stage: Programs, data: Path, socket: Path, *options: str) -> AsyncIterator[str]:
    arguments = ("-D", str(data), "-k", str(socket), "-h", "", "-c", "fsync=off", *options)
    dsn = f"postgresql:///postgres?host={socket}&user=postgres"

    async def answers() -> bool:
        if child.process.returncode is not None:
            raise stage.failure("PostgreSQL 15 did not start", 0)
        try:
            async with await connection_pool.connect(dsn):
                return True
        except psycopg.OperationalError:
            return False

    async with stage.watched("postgres", *arguments) as child:
        await until(answers, description="the start of PostgreSQL 15")
        yield dsn
