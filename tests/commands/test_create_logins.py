"""deploy/postgres/create-logins.sh: its logins suffice, and can do no more."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rowhook.db import connection_pool
from rowhook.embedded.server_binaries import binaries
from tests.support.clusters import Cluster, cluster
from tests.support.commands import run_command
from tests.support.deployment import ROOT

pytestmark = [pytest.mark.anyio, pytest.mark.long]
SCRIPT = ROOT / "deploy/postgres/create-logins.sh"
PASSWORDS = {"OWNER_PASSWORD": "o'wner1", "SERVICE_PASSWORD": "service2"}


def create_logins(server: Cluster) -> None:
    """Runs the script as the container of PostgreSQL does."""
    address = conninfo_to_dict(server.dsn)
    path = os.environ["PATH"] if shutil.which("psql") else f"{os.environ['PATH']}:{binaries()}"
    variables = {
        "PATH": path,
        "PGHOST": str(address["host"]),
        "PGPORT": str(address.get("port") or 5432),
        "POSTGRES_USER": str(address["user"]),
        **PASSWORDS,
    }
    subprocess.run([str(SCRIPT)], check=True, env=variables)  # noqa: S603  # our own


@pytest.mark.parametrize("version", ["15", "18"])
async def test_the_owner_migrates_and_the_other_login_is_ready(folder: Path, version: str) -> None:
    async with cluster(version) as server:
        await server.run("drop database if exists rowhook")
        create_logins(server)
        service = server.dsn_of("rowhook", "rowhook_service")
        migrated = await run_command(
            folder,
            "migrate",
            DATABASE_URL=service,
            DATABASE_DIRECT_URL=server.dsn_of("rowhook", "rowhook_owner"),
        )
        assert migrated.code == 0, migrated.err
        plan = await run_command(folder, "migrate", "--plan", DATABASE_URL=service)
        assert plan.code == 0, plan.err
        async with await connection_pool.connect(service) as connection:
            await connection.execute("select rowhook.set_tenant(null, 'test')")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute("create table rowhook.mine ()")
        async with await connection_pool.connect(
            make_conninfo(server.dsn, dbname="rowhook")
        ) as superuser:
            cursor = await superuser.execute(
                "select rolname, rolsuper, rolcreaterole, rolpassword is not null from pg_authid"
                " where rolname in ('rowhook_owner', 'rowhook_service') order by rolname"
            )
            assert await cursor.fetchall() == [
                ("rowhook_owner", False, True, True),
                ("rowhook_service", False, False, True),
            ]
