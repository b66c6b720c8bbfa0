"""A bad network between the workers and PostgreSQL, a pooler, and a full disk."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rowhook.migrate import runner
from tests.faults.commit_producer import Producer, running_producer
from tests.faults.delivery_history import duplicates
from tests.faults.fault_scenario import Scenario, create_scenario, wait_until
from tests.faults.faulty_proxy import NORMAL, NetworkConditions, Proxy
from tests.faults.postgres_server import Server
from tests.faults.recording_receiver import RecordingReceiver
from tests.faults.worker_fleet import Fleet
from tests.support.pgbouncer import pooled_dsn
from tests.support.scoreboard import score

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.faults]
RATE, MOST_STARTS = 100, 4
CONDITIONS = {
    "50 ms late": NetworkConditions(latency_s=0.05),
    "64 KB/s": NetworkConditions(bytes_per_s=65_536),
    "in pieces of 1 to 7 bytes": NetworkConditions(max_piece_bytes=7),
    "silent for 3 s": NetworkConditions(silent=True),
}
TCP_USER_TIMEOUT_S = 15


async def test_a_bad_network_to_postgres_loses_nothing(scenario: Scenario, primary: Server) -> None:
    producer = await scenario.goal("goal", max_in_flight=100, retry_schedule_s=[0, 0, 0])
    async with Proxy(primary.port) as proxy:
        through = f"postgresql://owner@127.0.0.1:{proxy.port}/postgres"
        async with scenario.fleet(lease_s=5, DATABASE_URL=through) as fleet:
            async with running_producer(producer, rate_per_s=RATE):
                start_s = await scenario.first_worker(fleet)
                waits = {}
                for name, conditions in CONDITIONS.items():
                    proxy.set_conditions(conditions)
                    await asyncio.sleep(3)
                    proxy.set_conditions(NORMAL)
                    waits[name] = await scenario.receiver.seconds_to_first_arrival(time.monotonic())
                for number in range(10):
                    proxy.reset()
                    waits[f"reset {number}"] = await scenario.receiver.seconds_to_first_arrival(
                        time.monotonic()
                    )
                    await asyncio.sleep(0.2)
                proxy.drop_packets()
                forgotten = time.monotonic()
                silent = await scenario.receiver.seconds_to_first_arrival(forgotten + 0.1)
            await scenario.wait_until_drained()
            alive = await fleet.poll(fleet.workers[0]) is None
    history = await scenario.checked_history(producer, allowed_duplicates=1000)
    score(
        f"latency, low bandwidth, fragments, silence, resets, dead connections at {RATE}/s",
        required=f"0 lost, no restart, first delivery ≤ {MOST_STARTS} starts of a worker after",
        measured=f"0 lost of {len(history.committed):,}, {duplicates(history.arrivals)} duplicates;"
        f" first delivery after {max(waits.values()):.2f} s,"
        f" {silent:.1f} s after dropped connections;"
        f" a start takes {start_s:.2f} s",
        holds=alive
        and max(waits.values()) <= MOST_STARTS * start_s
        and silent <= 2 * TCP_USER_TIMEOUT_S,
    )


async def delivery_times(scenario: Scenario, producer: Producer, count: int) -> list[float]:
    """Commits one event after another and returns the seconds to each delivery."""
    waits = []
    for _ in range(count):
        committed = time.monotonic()
        await producer.run(rate_per_s=1000, until=len(producer.acknowledged) + 1)
        waits.append(await scenario.receiver.seconds_to_first_arrival(committed))
        await asyncio.sleep(0.3)
    return waits


async def test_a_silent_listener_delays_no_more_than_polling(
    scenario: Scenario, primary: Server
) -> None:
    producer = await scenario.goal("goal", max_in_flight=100)
    async with Proxy(primary.port) as proxy:
        direct = f"postgresql://owner@127.0.0.1:{proxy.port}/postgres"
        async with scenario.fleet(DATABASE_DIRECT_URL=direct) as fleet:
            await fleet.start()
            await producer.run(rate_per_s=10, until=5)
            await scenario.wait_until_drained()
            proxy.refuses = True
            proxy.reset()
            polling = max(await delivery_times(scenario, producer, 20))
            proxy.refuses = False
            await wait_until(lambda: listens(scenario), description="a worker that listens")
            proxy.set_conditions(NetworkConditions(silent=True))
            silent = max(await delivery_times(scenario, producer, 20))
            await scenario.wait_until_drained()
    history = await scenario.checked_history(producer, allowed_duplicates=0)
    score(
        "a LISTEN connection without notifications",
        required="0 lost, ≤ 2 × polling",
        measured=f"0 lost of {len(history.committed)}, {silent:.2f} s at most,"
        f" {polling:.2f} s without LISTEN",
        holds=silent <= 2 * polling,
    )


async def listens(scenario: Scenario) -> bool:
    return bool(await scenario.rows("select from pg_stat_activity where query ilike 'listen%%'"))


async def test_a_transaction_pooler_loses_nothing(
    scenario: Scenario, primary: Server, server_folder: Path
) -> None:
    producer = await scenario.goal("goal", max_in_flight=100)
    folder = server_folder / "pooler"
    folder.mkdir()
    async with (
        pooled_dsn(primary.dsn, folder) as through,
        scenario.fleet(DATABASE_URL=through, DATABASE_DIRECT_URL=primary.dsn) as fleet,
    ):
        await fleet.start()
        await fleet.start()
        await producer.run(rate_per_s=300, until=3000)
        await scenario.wait_until_drained()
    history = await scenario.checked_history(producer, allowed_duplicates=0)
    score(
        f"PgBouncer in transaction mode, 2 workers, {len(history.committed):,} events",
        required="0 lost",
        measured=f"0 lost, {duplicates(history.arrivals)} duplicates",
        holds=True,
    )


async def test_workers_survive_and_report_a_read_only_database(
    scenario: Scenario, primary: Server
) -> None:
    producer = await scenario.goal("goal", max_in_flight=100)
    async with scenario.fleet() as fleet:
        worker = await fleet.start()
        await producer.run(rate_per_s=100, until=50)
        await scenario.wait_until_drained()
        await scenario.run("alter system set default_transaction_read_only = on")
        await scenario.run("select pg_reload_conf()")

        async def is_logged() -> bool:
            return fleet.count_in_logs(b"ReadOnlySqlTransaction") > 0

        await wait_until(is_logged, description="a word in the log")
        await primary.run_writable("alter system reset all", "select pg_reload_conf()")
        back = time.monotonic()
        await producer.run(rate_per_s=100, until=100)
        wait = await scenario.receiver.seconds_to_first_arrival(back)
        await scenario.wait_until_drained()
        alive = await fleet.poll(worker) is None
    await scenario.checked_history(producer, allowed_duplicates=100)
    score(
        "a database that is temporarily read-only",
        required="survived, reported, continues by itself",
        measured=f"0 lost, logged, first delivery after {wait:.2f} s",
        holds=alive,
    )


def run_mount(*line: str) -> bool:
    return subprocess.call(line, stderr=subprocess.DEVNULL) == 0  # noqa: S603  # our own words


def mounted_disk(disk: Path) -> bool:
    """A small disk in memory, where mounting is permitted."""
    options = ("-t", "tmpfs", "-o", "size=120m,mode=0711")
    return os.geteuid() == 0 and run_mount("mount", *options, "tmpfs", str(disk))


@pytest.fixture
async def small_disk(server_folder: Path) -> AsyncIterator[Server]:
    """A server on a disk of 120 MB."""
    disk = server_folder / "disk"
    disk.mkdir()
    if not mounted_disk(disk):
        pytest.skip("a disk that can be full needs root and mount")
    server = Server(disk / "cluster")
    try:
        server.create()
        server.start()
        await server.ready()
        await runner.migrate(server.dsn)
        yield server
    finally:
        server.stop()
        run_mount("umount", str(disk))


async def test_workers_survive_and_report_a_full_disk(
    small_disk: Server, server_folder: Path, receiver: RecordingReceiver
) -> None:
    scenario = await create_scenario(small_disk.dsn, server_folder, receiver)
    producer = await scenario.goal("goal", max_in_flight=100, retry_schedule_s=[0, 0, 0])
    filler = small_disk.folder.parent / "filler"
    async with scenario.fleet() as fleet:
        worker = await fleet.start()
        async with running_producer(producer, rate_per_s=RATE):
            await receiver.seconds_to_first_arrival(0)
            fill(filler)
            await wait_until(lambda: full_disk(fleet), description="a full disk")
            await asyncio.sleep(2)
            filler.unlink()
            freed = time.monotonic()
            await small_disk.ready()
            wait = await receiver.seconds_to_first_arrival(freed)
        await scenario.wait_until_drained()
        alive = await fleet.poll(worker) is None
    history = await scenario.checked_history(producer, allowed_duplicates=1000)
    score(
        f"a full disk for some seconds at {RATE}/s",
        required="survived, reported, continues by itself",
        measured=f"0 lost of {len(history.committed):,}, logged,"
        f" first delivery {wait:.2f} s after space is available",
        holds=alive,
    )


async def full_disk(fleet: Fleet) -> bool:
    return fleet.count_in_logs(b"DiskFull") > 0


def fill(file: Path) -> None:
    """Fills the remaining disk space."""
    with file.open("wb", buffering=0) as open_file:
        try:
            while True:
                open_file.write(bytes(1 << 16))
        except OSError:
            return
