"""Fixtures: a PostgreSQL server per process and a database per test."""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import settings
from playwright.async_api import Browser
from psycopg.conninfo import conninfo_to_dict

from rowhook.db import connection_pool
from rowhook.db.connection_pool import Pool
from rowhook.migrate import steps
from tests.support import servers
from tests.support.browser import browser
from tests.support.calls import Api, running_api
from tests.support.databases import Databases
from tests.support.receiver import Receiver
from tests.support.sample_platform import Platform
from tests.support.servers import Server
from tests.support.worker_rig import Rig


def pytest_configure(config: pytest.Config) -> None:
    """Generates fewer examples in `bin/test`, which leaves out what is marked `long`."""
    settings.register_profile("brief", max_examples=25)
    if "not long" in config.option.markexpr:
        settings.load_profile("brief")


def pytest_collection_finish() -> None:
    """Excludes loaded modules from garbage collection, which would take half a second each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": True}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test on the servers that its nearest `servers` marker names.

    If a test has two servers, the run on PostgreSQL 15 is marked `long`, so only `bin/test all`
    and CI run it.
    """
    marker = metafunc.definition.get_closest_marker("servers")
    if marker is None or "databases" not in metafunc.fixturenames:
        return
    twin = pytest.mark.long if len(marker.args) > 1 else ()
    metafunc.parametrize(
        "databases",
        [pytest.param(name, marks=twin if name == "stock_15" else ()) for name in marker.args],
        indirect=True,
    )


@pytest.fixture(scope="session")
async def embedded_18() -> AsyncIterator[Databases]:
    async with servers.embedded_18() as server, aclosing(Databases(server)) as databases:
        yield databases


@pytest.fixture(scope="session")
async def stock_15() -> AsyncIterator[Databases]:
    async with servers.stock_15() as server, aclosing(Databases(server)) as databases:
        yield databases


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with browser() as started:
        yield started


@pytest.fixture
def databases(request: pytest.FixtureRequest) -> Databases:
    """The databases of the server that this test runs on, the embedded PostgreSQL 18 by default."""
    chosen: Databases = request.getfixturevalue(getattr(request, "param", "embedded_18"))
    return chosen


@pytest.fixture
def server(databases: Databases) -> Server:
    return databases.server


@pytest.fixture
async def dsn(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[str]:
    """The DSN of the owner of a migrated database; a new one with the marker `new_database`."""
    is_new = request.node.get_closest_marker("new_database") is not None
    async with databases.new() if is_new else databases.migrated() as name:
        yield databases.server.dsn(name)


@pytest.fixture
async def empty_dsn(databases: Databases) -> AsyncIterator[str]:
    """The DSN of the owner of a database without Rowhook."""
    async with databases.empty() as name:
        yield databases.server.dsn(name)


@pytest.fixture
async def superuser(server: Server, dsn: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection of a superuser to the database of this test."""
    database = conninfo_to_dict(dsn)["dbname"]
    async with await connection_pool.connect(server.dsn_of_superuser(str(database))) as connection:
        yield connection


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    async with connection_pool.open_pool(dsn, size=4) as opened:
        yield opened


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """An autocommit connection of the owner."""
    async with await connection_pool.connect(dsn) as connection:
        yield connection


@pytest.fixture
async def platform(db: psycopg.AsyncConnection) -> Platform:
    """An organization with an agent and a goal."""
    sample = Platform(db)
    await sample.set_up()
    return sample


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="rh-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture
def sql(tmp_path: Path) -> Path:
    """A copy of `sql/` that a test may change."""
    return Path(shutil.copytree(steps.sql_folder(), tmp_path / "sql"))


@pytest.fixture
async def api(dsn: str) -> AsyncIterator[Api]:
    """The API on the database of this test, over HTTP on loopback."""
    async with running_api(dsn) as running:
        yield running


@pytest.fixture(scope="module")
async def empty_api(embedded_18: Databases) -> AsyncIterator[Api]:
    """The API on an empty database that stays empty, for requests that are rejected."""
    async with (
        embedded_18.migrated() as name,
        running_api(embedded_18.server.dsn(name)) as running,
    ):
        yield running


@pytest.fixture
async def rig(dsn: str, pool: Pool, platform: Platform) -> AsyncIterator[Rig]:
    """A worker rig with a receiver."""
    async with Receiver() as receiver:
        yield Rig(dsn, pool, platform, receiver)
