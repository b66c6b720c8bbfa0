"""The ground of the battery: a PostgreSQL 18 over TCP for each scenario, a test build for all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from rowhook.migrate import runner
from tests.faults.failpoint_build import make_build
from tests.faults.fault_scenario import Ground, found
from tests.faults.postgres_server import Server
from tests.faults.recording_receiver import Wire


@pytest.fixture(scope="session")
def build() -> Iterator[Path]:
    """The test build, as PYTHONPATH has it."""
    with tempfile.TemporaryDirectory(prefix="rowhook-build-") as folder:
        yield make_build(Path(folder))


@pytest.fixture
def roomy() -> Iterator[Path]:
    """A folder that the server's account can get into."""
    with tempfile.TemporaryDirectory(prefix="rh-", ignore_cleanup_errors=True) as name:
        if os.geteuid() == 0:
            Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
async def primary(roomy: Path) -> AsyncIterator[Server]:
    """A migrated server."""
    server = Server(roomy / "primary")
    server.create()
    server.start()
    await server.ready()
    await runner.migrate(server.dsn)
    yield server
    server.stop()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with Wire() as receiver:
        yield receiver


@pytest.fixture
async def ground(primary: Server, roomy: Path, wire: Wire, build: Path) -> Ground:
    return await found(primary.dsn, roomy, wire, build)
