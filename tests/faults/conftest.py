"""Fixtures of the fault battery: a PostgreSQL 18 over TCP per scenario."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from rowhook.migrate import runner
from tests.faults.fault_scenario import Scenario, create_scenario
from tests.faults.postgres_server import Server
from tests.faults.recording_receiver import RecordingReceiver


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """A folder that is accessible to the account of the server."""
    with tempfile.TemporaryDirectory(prefix="rh-", ignore_cleanup_errors=True) as name:
        if os.geteuid() == 0:
            Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
async def primary(server_folder: Path) -> AsyncIterator[Server]:
    """A migrated server."""
    server = Server(server_folder / "primary")
    server.create()
    server.start()
    await server.ready()
    await runner.migrate(server.dsn)
    yield server
    server.stop()


@pytest.fixture
async def receiver() -> AsyncIterator[RecordingReceiver]:
    async with RecordingReceiver() as receiver:
        yield receiver


@pytest.fixture
async def scenario(primary: Server, server_folder: Path, receiver: RecordingReceiver) -> Scenario:
    return await create_scenario(primary.dsn, server_folder, receiver)
