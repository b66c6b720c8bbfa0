"""Servers of several PostgreSQL versions, with logins of few privileges."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from psycopg.conninfo import make_conninfo

from rowhook.db import connection_pool
from rowhook.embedded.cluster import embedded_postgres
from rowhook.embedded.server_binaries import binaries, cached_copy
from rowhook.embedded.server_process import server_account
from tests.support.servers import DEBIAN_15


def programs(version: str) -> Path | None:
    """Returns the folder of the binaries of a version; None for those of the embedded server."""
    if version == "15":
        if not (DEBIAN_15 / "postgres").exists():
            pytest.skip("PostgreSQL 15 is not installed: apt-get install postgresql-15")
        return DEBIAN_15
    if version == "16":
        wheel = binaries().parents[1] / "pginstall" / "bin"
        return cached_copy(wheel, server_account()) if os.geteuid() == 0 else wheel
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A running server; `dsn` is the superuser's."""

    version: str
    dsn: str

    async def run(self, *statements: str, database: str = "postgres") -> None:
        """Executes statements as the superuser."""
        dsn = make_conninfo(self.dsn, dbname=database)
        async with await connection_pool.connect(dsn) as connection:
            for statement in statements:
                await connection.execute(statement.encode())

    async def login(self, options: str = "") -> str:
        """Creates a login and returns its name."""
        name = f"login_{uuid4().hex[:12]}"
        await self.run(f"create role {name} login {options}")
        return name

    async def database(self, owner: str | None = None, options: str = "") -> str:
        """Creates a database and returns its name."""
        name = f"database_{uuid4().hex[:12]}"
        owned = "" if owner is None else f"owner {owner}"
        await self.run(f"create database {name} {owned} {options}")
        return name

    def dsn_of(self, database: str, login: str) -> str:
        """Returns the DSN of a login."""
        return make_conninfo(self.dsn, dbname=database, user=login)

    async def clean(self) -> None:
        """Removes every database and login of a test, and the roles of Rowhook."""
        async with await connection_pool.connect(self.dsn) as connection:
            databases = await connection.execute(
                "select datname from pg_database where datname ~ '^database_'"
            )
            for (name,) in await databases.fetchall():
                await connection.execute(f"drop database {name} with (force)".encode())
            roles = await connection.execute(
                "select rolname from pg_roles where rolname !~ '^pg_' and not rolsuper"
            )
            names = ", ".join(name for (name,) in await roles.fetchall())
            if names:
                await connection.execute(f"drop role {names}".encode())


@asynccontextmanager
async def cluster(version: str) -> AsyncIterator[Cluster]:
    """Runs a server of a version with a new cluster."""
    with tempfile.TemporaryDirectory(prefix="rowhook-test-", ignore_cleanup_errors=True) as folder:
        async with embedded_postgres(Path(folder) / "data", binaries=programs(version)) as dsn:
            yield Cluster(version=version, dsn=dsn)
