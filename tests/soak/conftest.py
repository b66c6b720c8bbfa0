"""Fixtures of the soak: a server with a full database of a month of deliveries and an empty one."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rowhook.embedded.cluster import embedded_postgres
from rowhook.security.vault import generate_master_key
from tests.faults.recording_receiver import RecordingReceiver
from tests.soak.past_deliveries import DAYS, DELIVERIES, Past, fill
from tests.soak.retention_run import set_ages
from tests.soak.soak_databases import KEPT_DAYS, Installation, install
from tests.support.databases import Databases
from tests.support.scoreboard import score
from tests.support.servers import Server

# The disk space of 20 million rows, their WAL and the sorting of their indexes.
_ROOM_GB = 20
_SETTINGS = (
    "alter system set fsync = off",
    "alter system set max_wal_size = '4GB'",
    "select pg_reload_conf()",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """The shared state of all soak tests. `log` is that of the server."""

    full: Installation
    empty: Installation
    past: Past
    receiver: RecordingReceiver
    folder: Path
    log: Path


def _require_room(folder: Path) -> None:
    free_gb = shutil.disk_usage(folder).free / 2**30
    if free_gb < _ROOM_GB:
        pytest.skip(
            f"the soak needs {_ROOM_GB} GB in {folder}, {free_gb:.0f} GB are free: set TMPDIR"
        )


@pytest.fixture(scope="session")
async def receiver() -> AsyncIterator[RecordingReceiver]:
    async with RecordingReceiver() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder with enough disk space that is accessible to the account of the server."""
    with tempfile.TemporaryDirectory(prefix="rh-soak-", ignore_cleanup_errors=True) as name:
        _require_room(Path(name))
        if os.geteuid() == 0:
            Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="session")
async def soak(receiver: RecordingReceiver, server_folder: Path) -> AsyncIterator[Soak]:
    async with embedded_postgres(server_folder / "data") as dsn:
        server = Server(superuser_dsn=dsn, owner="rowhook")
        await server.run(*_SETTINGS)
        databases = Databases(server)
        async with databases.new() as full, databases.new() as empty:
            key = generate_master_key()
            yield await _filled(
                await install(server.dsn(full), receiver, key),
                await install(server.dsn(empty), receiver, key),
                receiver,
                server_folder,
            )


async def _filled(
    full: Installation, empty: Installation, receiver: RecordingReceiver, folder: Path
) -> Soak:
    begun = time.monotonic()
    await set_ages(full, KEPT_DAYS)
    past = await fill(full)
    size_gb = await full.value("select pg_database_size(current_database())") / 2**30
    score(
        f"fill: {DAYS} days, {past.deliveries:,} deliveries",
        required="20 million rows, or as set by ROWHOOK_SOAK_DELIVERIES",
        measured=f"{past.rows:,} rows, {size_gb:.1f} GB, {time.monotonic() - begun:.0f} s",
        holds=past.rows >= min(20_000_000, 3 * DELIVERIES),
    )
    return Soak(
        full=full, empty=empty, past=past, receiver=receiver, folder=folder, log=_server_log(folder)
    )


def _server_log(folder: Path) -> Path:
    (log,) = folder.rglob("server.log")
    return log
