"""Fixtures and queries of the tests of the embedded PostgreSQL."""

from __future__ import annotations

import asyncio
import fcntl
import stat
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from rowhook.db import connection_pool
from rowhook.embedded.cluster import discard
from rowhook.embedded.data_folder import recorded_folder
from tests.support.deadline import DEADLINE_S

_OWNER = Path(__file__).with_name("embedded_owner.py")


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder that is accessible to a second account."""
    with tempfile.TemporaryDirectory(prefix="rh-") as name:
        Path(name).chmod(0o755)
        yield Path(name) / "data"


@pytest.fixture
def private_data() -> Iterator[Path]:
    """A data folder in a 0700 folder."""
    with tempfile.TemporaryDirectory(prefix="rh-") as name:
        yield Path(name) / "data"
        discard(Path(name) / "data")


async def wait_until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            await asyncio.sleep(0.005)


def is_free(own: Path) -> bool:
    """Whether the data folder has no owner and no running server process."""
    for name in ("owner.lock", "server.lock"):
        with (own / name).open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
    return True


async def query(dsn: str, text: str) -> Any:
    async with await connection_pool.connect(dsn) as connection:
        cursor = await connection.execute(text.encode())
        row = await cursor.fetchone() if cursor.description else None
        return row and row[0]


@asynccontextmanager
async def owner_process(data: Path) -> AsyncIterator[Process]:
    """Runs another process that starts the server of `data`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(_OWNER), str(data), stdout=PIPE, stderr=DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
        await wait_until(
            lambda: not installation_folder(data).exists() or is_free(installation_folder(data))
        )


async def read_line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        return (await process.stdout.readline()).decode().strip()


def installation_folder(data: Path) -> Path:
    return data.resolve() / "embedded"


def postmaster_pid(data: Path) -> int:
    return int(
        (recorded_folder(installation_folder(data)).cluster / "postmaster.pid")
        .read_text()
        .split("\n")[0]
    )


def path_exists(path: Path) -> bool:
    return path.exists()


def is_installed(programs: Path) -> bool:
    return path_exists(programs / "postgres")


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def environment_of(pid: int) -> set[str]:
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return {entry.split("=")[0] for entry in entries if entry}


def has_exited(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def file_at(path: Path) -> Path:
    path.write_text("not a folder")
    return path
