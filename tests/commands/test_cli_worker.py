"""`rowhook worker` as processes: they deliver and drain, and a killed one is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rowhook.db.connection_pool import Pool
from rowhook.security.vault import Keyring, generate_master_key
from tests.support.commands import (
    children,
    environment,
    is_running,
    running_command,
    wait_for_exit,
)
from tests.support.receiver import Receiver, answer, stall
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig, until

pytestmark = [pytest.mark.anyio, pytest.mark.long]


class Fleet(Rig):
    """A rig with workers as processes."""

    def start(self, home: Path, *arguments: str, key: str, lease_s: float = 20) -> Any:
        return running_command(
            home,
            "worker",
            *arguments,
            DATABASE_URL=self.dsn,
            ROWHOOK_MASTER_KEYS=key,
            ROWHOOK_ALLOW_NETWORKS="127.0.0.0/8",
            ROWHOOK_LEASE_S=str(lease_s),
        )

    async def wait_for_workers(self, count: int) -> list[int]:
        """Waits until this number of workers is registered; returns their process ids."""

        async def are_registered() -> bool:
            return len(await self.platform.rows("select pid from rowhook.worker")) == count

        await until(are_registered, description=f"{count} workers at work")
        return [row["pid"] for row in await self.platform.rows("select pid from rowhook.worker")]


@pytest.fixture
def key() -> str:
    return generate_master_key()


@pytest.fixture
async def fleet(dsn: str, pool: Pool, platform: Platform, key: str) -> AsyncIterator[Fleet]:
    async with Receiver() as receiver:
        started_fleet = Fleet(dsn, pool, platform, receiver)
        started_fleet.ctx = replace(started_fleet.ctx, keyring=Keyring(key))
        yield started_fleet


async def test_two_worker_processes_deliver_and_drain_on_sigterm(
    fleet: Fleet, folder: Path, key: str
) -> None:
    await fleet.webhook(max_in_flight=50)
    async with fleet.start(folder, "--processes", "2", key=key) as supervisor:
        pids = await fleet.wait_for_workers(2)
        assert sorted(pids) == sorted(children(supervisor.pid))
        for _ in range(100):
            await fleet.platform.commit()
        await fleet.reaches("delivered", count=100)
        supervisor.send_signal(signal.SIGTERM)
        result = await wait_for_exit(supervisor)
    assert result.code == 0, result.err
    assert not any(map(is_running, pids))
    assert await fleet.wait_for_workers(0) == []
    keys = [request.header("idempotency-key") for request in fleet.receiver.requests]
    assert len(keys) == len(set(keys)) == 100


async def test_a_crashed_worker_process_is_restarted(fleet: Fleet, folder: Path, key: str) -> None:
    await fleet.webhook()
    async with fleet.start(folder, "--processes", "2", key=key) as supervisor:
        first, second = await fleet.wait_for_workers(2)
        os.kill(first, signal.SIGKILL)

        async def replaced() -> bool:
            return len(set(children(supervisor.pid)) - {first, second}) == 1

        await until(replaced, description="a new process")
        await fleet.platform.commit()
        await fleet.reaches("delivered")
        supervisor.send_signal(signal.SIGTERM)
        assert (await wait_for_exit(supervisor)).code == 0


async def test_files_of_the_working_folder_are_not_imported_by_the_processes(
    fleet: Fleet, folder: Path, key: str
) -> None:
    (folder / "yaml.py").write_text("raise SystemExit(9)")
    (folder / "httptools.py").write_text("raise SystemExit(9)")
    script = Path(sys.executable).with_name("rowhook")
    process = await asyncio.create_subprocess_exec(
        script,
        "worker",
        "--processes",
        "2",
        env=environment(folder, DATABASE_URL=fleet.dsn, ROWHOOK_MASTER_KEYS=key),
        cwd=folder,
    )
    try:
        assert len(await fleet.wait_for_workers(2)) == 2
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def test_sigterm_lets_requests_in_flight_finish(fleet: Fleet, folder: Path, key: str) -> None:
    await fleet.webhook()
    gate: list[Any] = []

    async def wait(request: Any, writer: Any) -> None:
        gate[0].send_signal(signal.SIGTERM)
        await answer(204, b"", ())(request, writer)

    fleet.receiver.script("/hook", wait)
    async with fleet.start(folder, key=key) as worker:
        gate.append(worker)
        await fleet.platform.commit()
        assert (await wait_for_exit(worker)).code == 0
    (row,) = await fleet.platform.deliveries()
    assert (row["status"], row["attempts"]) == ("delivered", 1)


async def test_deliveries_of_a_killed_worker_are_sent_by_another(
    fleet: Fleet, folder: Path, key: str
) -> None:
    await fleet.webhook(raw_payload=True)
    fleet.receiver.script("/hook", stall(), answer())
    async with fleet.start(folder, key=key, lease_s=2) as killed:
        commit = await fleet.platform.commit()
        await fleet.receiver.wait_for(1)
        async with fleet.start(folder, key=key, lease_s=2) as other:
            await fleet.wait_for_workers(2)
            killed.kill()
            await killed.wait()
            first, second = await fleet.receiver.wait_for(2)
            (row,) = await fleet.reaches("delivered")
            assert first.header("idempotency-key") == second.header("idempotency-key") == commit
            assert first.body == second.body
            assert row["attempts"] == 1
            other.send_signal(signal.SIGTERM)
            assert (await wait_for_exit(other)).code == 0
