"""Real Postgres for every test: one template database through `migrate`, a clone for each test."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from rowhook import migrate, postgres
from rowhook.embedded import embedded_postgres
from tests.calls import Api, running_api
from tests.receiver import Receiver
from tests.rig import Rig
from tests.world import Platform

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


def pytest_collection_finish() -> None:
    """What is loaded stays: to walk it all takes half a second, some hundred times."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session", params=["18", pytest.param("15", marks=pytest.mark.long)])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The DSN of a server: 18 embedded, 15 from Debian's package."""
    binaries = None
    if request.param == "15":
        if not (DEBIAN_15 / "postgres").exists():
            pytest.skip("PostgreSQL 15 is not installed: apt-get install postgresql-15")
        binaries = DEBIAN_15
    with tempfile.TemporaryDirectory(prefix="rowhook-test-", ignore_cleanup_errors=True) as folder:
        async with embedded_postgres(Path(folder) / "data", binaries=binaries) as dsn:
            yield dsn


@pytest.fixture(scope="session")
async def template(server: str) -> str:
    """A migrated database, to be cloned."""
    async with await postgres.connect(server) as connection:
        await connection.execute("create database rowhook_template")
    await migrate.migrate(naming(server, "rowhook_template"))
    return "rowhook_template"


async def become_installation(dsn: str) -> None:
    """Makes a cloned database an installation of its own: a copy of the template sends nothing."""
    async with await postgres.connect(dsn) as connection:
        await connection.execute("delete from rowhook.installation")
        await connection.execute("select rowhook.check_installation()")


def naming(dsn: str, database: str) -> str:
    """The same server, another database."""
    return psycopg.conninfo.make_conninfo(dsn, dbname=database)


@pytest.fixture
async def dsn(server: str, template: str) -> AsyncIterator[str]:
    """A migrated database of this test's own."""
    name = f"test_{uuid4().hex[:12]}"
    async with await postgres.connect(server) as connection:
        await connection.execute(f"create database {name} template {template}".encode())
        await become_installation(naming(server, name))
        yield naming(server, name)
        await connection.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
async def empty_dsn(server: str) -> AsyncIterator[str]:
    """A database that Rowhook never saw."""
    name = f"empty_{uuid4().hex[:12]}"
    async with await postgres.connect(server) as connection:
        await connection.execute(f"create database {name}".encode())
        yield naming(server, name)
        await connection.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[postgres.Pool]:
    async with postgres.open_pool(dsn, size=4) as opened:
        yield opened


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection of the owner, in autocommit."""
    async with await postgres.connect(dsn) as connection:
        yield connection


@pytest.fixture
async def platform(db: psycopg.AsyncConnection) -> Platform:
    """An organization with an agent and a goal, and hands to make what happens to them."""
    made = Platform(db)
    await made.set_up()
    return made


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short-lived folder with a short path: sockets fit into it."""
    with tempfile.TemporaryDirectory(prefix="rh-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest.fixture
async def api(dsn: str) -> AsyncIterator[Api]:
    """The API over this test's database, over real HTTP on loopback."""
    async with running_api(dsn) as running:
        yield running


@pytest.fixture(scope="module")
async def empty_api(server: str, template: str) -> AsyncIterator[Api]:
    """The API over a database in which nothing is, and stays so: for what is refused."""
    name = f"empty_{uuid4().hex[:12]}"
    async with await postgres.connect(server) as connection:
        await connection.execute(f"create database {name} template {template}".encode())
        await become_installation(naming(server, name))
        async with running_api(naming(server, name)) as running:
            yield running
        await connection.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
async def rig(dsn: str, pool: postgres.Pool, platform: Platform) -> AsyncIterator[Rig]:
    """Workers in this process, and a receiver that they deliver to."""
    async with Receiver() as receiver:
        yield Rig(dsn, pool, platform, receiver)
