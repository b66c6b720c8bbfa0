"""The ground of the battery: a PostgreSQL 18 over TCP for each scenario."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from rowhook.migrate import runner
from tests.faults.ground import Ground, found
from tests.faults.server import Server
from tests.faults.wire import Wire


@pytest.fixture
def roomy() -> Iterator[Path]:
    """A folder that the server's account can get into."""
    with tempfile.TemporaryDirectory(prefix="rh-", ignore_cleanup_errors=True) as made:
        if os.geteuid() == 0:
            Path(made).chmod(0o711)
        yield Path(made)


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
    async with Wire() as made:
        yield made


@pytest.fixture
async def ground(primary: Server, roomy: Path, wire: Wire) -> Ground:
    return await found(primary.dsn, roomy, wire)
