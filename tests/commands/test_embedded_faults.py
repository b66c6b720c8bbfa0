"""The embedded PostgreSQL ends however its owner ended, and its next start cleans up."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rowhook.embedded.cluster import embedded_postgres
from rowhook.embedded.data_folder import recorded_folder
from rowhook.embedded.folder_locks import is_free
from rowhook.embedded.server_process import EmbeddedUnavailable, server_account
from tests.support.embedded_fixtures import (
    data,
    file_at,
    has_exited,
    installation_folder,
    owner_process,
    parent_of,
    postmaster_pid,
    query,
    read_line,
    wait_until,
)

pytestmark = [pytest.mark.anyio, pytest.mark.long]

__all__ = ["data"]  # a fixture


@pytest.fixture
def other_process() -> Iterator[subprocess.Popen[bytes]]:
    """A process of the server account that is not a server."""
    account = server_account()
    user: dict[str, Any] = {"user": account.uid, "group": account.gid} if account.is_other else {}
    with subprocess.Popen(["/bin/sleep", "600"], **user) as process:
        yield process
        process.kill()


async def test_a_second_start_on_the_same_folder_names_the_first_process(data: Path) -> None:
    async with owner_process(data) as first:
        dsn = await read_line(first)
        with pytest.raises(
            EmbeddedUnavailable, match=rf"in use by process {first.pid}\. Stop it, or set ROWHOOK"
        ):
            await embedded_postgres(data).__aenter__()
        assert await query(dsn, "select 1") == 1


async def test_the_server_stops_when_its_owner_is_killed(data: Path) -> None:
    async with owner_process(data) as first:
        await query(await read_line(first), "create table kept ()")
        first.kill()
        await first.wait()
        async with embedded_postgres(data) as dsn:
            assert await query(dsn, "select to_regclass('kept')::text") == "kept"


async def test_a_server_without_owner_and_watcher_is_stopped_by_the_next_start(data: Path) -> None:
    async with owner_process(data) as first:
        await read_line(first)
        orphan = postmaster_pid(data)
        os.kill(parent_of(orphan), signal.SIGKILL)
        first.kill()
        await first.wait()
        async with embedded_postgres(data) as dsn:
            assert await query(dsn, "select 1") == 1
            assert postmaster_pid(data) != orphan


async def test_the_server_is_stopped_without_its_watcher(data: Path) -> None:
    async with embedded_postgres(data):
        os.kill(parent_of(postmaster_pid(data)), signal.SIGKILL)
    await wait_until(lambda: is_free(installation_folder(data)))


async def test_a_pid_file_with_the_pid_of_another_process_does_not_affect_it(
    data: Path, other_process: subprocess.Popen[bytes]
) -> None:
    async with embedded_postgres(data):
        folder = recorded_folder(installation_folder(data))
        pid_file = (folder.cluster / "postmaster.pid").read_bytes()
    forged = pid_file.replace(pid_file.split(b"\n")[0], str(other_process.pid).encode(), 1)
    (folder.cluster / "postmaster.pid").write_bytes(forged)
    (folder.socket / ".s.PGSQL.5432.lock").write_bytes(forged)
    async with embedded_postgres(data) as dsn:
        assert await query(dsn, "select 1") == 1
    assert other_process.poll() is None


async def test_a_crashed_server_is_restarted(data: Path) -> None:
    async with embedded_postgres(data) as dsn:
        died = postmaster_pid(data)
        os.kill(died, signal.SIGKILL)

        def is_back() -> bool:
            try:
                psycopg.connect(dsn, connect_timeout=1).close()
            except psycopg.OperationalError:
                return False
            return True

        await wait_until(lambda: has_exited(died))
        await wait_until(is_back)
        assert await query(dsn, "select 1") == 1


@pytest.mark.parametrize(
    ("observed", "number"),
    [
        ("server.log", signal.SIGKILL),
        ("cluster.new", signal.SIGTERM),
        ("cluster/postmaster.pid", signal.SIGINT),
        ("created", signal.SIGKILL),
    ],
)
async def test_a_signal_during_the_start_leaves_no_server(
    data: Path, observed: str, number: signal.Signals
) -> None:
    async with owner_process(data) as first:
        await wait_until((installation_folder(data) / observed).exists)
        first.send_signal(number)
        await first.wait()
        await wait_until(lambda: is_free(installation_folder(data)))
    async with embedded_postgres(data) as dsn:
        assert await query(dsn, "select current_database()") == "rowhook"


async def test_a_failed_start_prints_the_end_of_the_log(data: Path) -> None:
    async with embedded_postgres(data):
        pass
    (recorded_folder(installation_folder(data)).cluster / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedUnavailable, match=r"(?s)did not start.*pg_control.*DATABASE_URL"):
        await embedded_postgres(data).__aenter__()
    assert is_free(installation_folder(data))


async def test_a_folder_that_cannot_be_created_is_named(data: Path) -> None:
    with pytest.raises(EmbeddedUnavailable, match=r"Cannot use .*data.*ROWHOOK_DATA_DIR"):
        await embedded_postgres(file_at(data) / "below").__aenter__()
