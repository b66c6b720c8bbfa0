"""`bench` on an existing server: it measures, and removes everything that it created."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bench import bulk, shapes
from bench import test_rows as ground
from bench.command import tables
from bench.peers.peer_list import PEERS
from rowhook.db import connection_pool
from rowhook.migrate import runner
from tests.support.clusters import Cluster, cluster
from tests.support.commands import (
    CommandResult,
    children,
    is_running,
    run_command,
    running_command,
)
from tests.support.sample_platform import Platform
from tests.support.worker_rig import until

pytestmark = pytest.mark.anyio
# Measurements that do not depend on the server use the one that platforms have.
on_stock_15 = pytest.mark.parametrize("running", ["15"], indirect=True, scope="module")
SMALL = (
    "--deliveries",
    "100",
    "--rounds",
    "1",
    "--latency-s",
    "1",
    "--low-rate-s",
    "1",
    "--capture-s",
    "0.2",
    "--bulk-rows",
    "1000",
)
_INSTALLATION_S = 500
REGISTRY_VARIABLES = ("UV_", "PIP_", "NPM_", "npm_", "NODE_", "SSL_", "HTTPS_", "https_")
SETTINGS = {
    "jit",
    "shared_buffers",
    "fsync",
    "synchronous_commit",
    "max_connections",
    "full_page_writes",
    "wal_level",
    "random_page_cost",
}


class Subject(NamedTuple):
    """A migrated database, the DSN of its owner, and a platform that writes as the owner."""

    version: str
    dsn: str
    platform: Platform

    async def bench(self, home: Path, *arguments: str, **variables: str) -> CommandResult:
        flags = ("--database-url", self.dsn, "--json", "--no-lists", *SMALL)
        return await run_command(home, *flags, *arguments, before=(), module="bench", **variables)

    async def census(self) -> dict[str, Any]:
        """Returns the content of the schema: functions, and tables with their row counts."""
        names = await self.platform.rows(
            "select c.oid::regclass::text as name from pg_class c where c.relkind in ('r', 'p')"
            " and c.relnamespace = 'rowhook'::regnamespace order by 1"
        )
        counts = " union all ".join(
            f"select '{row['name']}', count(*) from {row['name']}" for row in names
        )
        functions = await self.platform.rows(
            "select p.oid::regprocedure::text as name from pg_proc p"
            " where p.pronamespace = 'rowhook'::regnamespace order by 1"
        )
        tables = await self.platform.db.execute(counts.encode())
        return {"tables": sorted(await tables.fetchall()), "functions": functions}


@pytest.fixture(scope="module", params=["18", pytest.param("15", marks=pytest.mark.long)])
async def running(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    async with cluster(request.param) as started:
        yield started


@pytest.fixture
async def subject(running: Cluster) -> AsyncIterator[Subject]:
    """The database of an owner without superuser."""
    owner = await running.login("createrole createdb")
    dsn = running.dsn_of(await running.database(owner), owner)
    await runner.migrate(dsn)
    async with await connection_pool.connect(dsn) as db:
        yield Subject(running.version, dsn, Platform(db))
    await running.clean()


async def make_delivery(platform: Platform, status: str = "cancelled") -> None:
    await platform.set_up()
    await platform.webhook_of_goal()
    await platform.commit()
    if status != "pending":
        await platform.run("update rowhook.outbox set status = %s", status)


def assert_shapes(figures: dict[str, Any]) -> None:
    """Every shape and every ratio has positive values; the server is on this machine."""
    for shape in shapes.SHAPES:
        assert figures[shape]["cpu_us_per_commit"]["median"] > 0
        assert figures[shape]["commits_per_s_1_writer"]["median"] > 0
        assert figures[shape]["commits_per_s_32_writers"]["median"] > 0
    for ratio in shapes.CPU_RATIOS:
        assert figures[ratio]["median"] > 0
    for ratio in shapes.RATE_RATIOS:
        assert figures[f"{ratio}_1_writer"]["median"] > 0
        assert figures[f"{ratio}_32_writers"]["median"] > 0


def assert_bulk(figures: dict[str, Any]) -> None:
    assert figures["rows"] == 1000
    for name in bulk.STATEMENTS:
        assert {key for key, spread in figures[name].items() if spread["median"] > 0} == {
            "elapsed_s_plain",
            "elapsed_s_captured",
            "elapsed_ratio_captured_to_plain",
            "cpu_s_plain",
            "cpu_s_captured",
            "cpu_ratio_captured_to_plain",
        }


@pytest.mark.long
async def test_bench_measures_as_the_owner_and_removes_everything_it_created(
    subject: Subject, folder: Path
) -> None:
    before = await subject.census()
    ended = await subject.bench(folder)
    assert ended.code == 0, ended.err
    figures = json.loads(ended.out)
    assert figures["server"]["version"].startswith(subject.version)
    assert figures["server"]["jit_available"] == (subject.version == "15")
    assert set(figures["server"]["settings"]) >= SETTINGS
    assert_shapes(figures["shapes"])
    assert_bulk(figures["bulk"])
    assert [line["writers"] for line in figures["capture"]] == [1, 32]
    assert set(figures["capture_cpu_ms"]) == {"jit_on", "jit_off"}
    for name in ("ratio", "deliveries_per_s", "baseline_per_s", "limit_per_s"):
        assert figures[name]["median"] > 0
    assert set(figures["cpu_us"]) == {"worker", "server"}
    assert all(used["median"] > 0 for used in figures["cpu_us"].values())
    assert figures["latency"]["commits"] > 0
    assert [rate["rate_per_s"] for rate in figures["low_rate"]["rates"]] == [1, 10, 100]
    assert all(rate["server_ms"] > 0 for rate in figures["low_rate"]["rates"])
    assert figures["low_rate"]["idle_percent"]["worker and api"]["process"] > 0
    (table,) = tables(figures, None)
    labels = " ".join(map(str, table.columns[0].cells))
    for part in ("ratio", "CPU per delivery at 10/s", "capture ÷ one-row event log, CPU"):
        assert part in labels
    assert await subject.census() == before


@pytest.mark.long
async def test_bench_measures_the_disk_size_of_a_delivery(subject: Subject, folder: Path) -> None:
    before = await subject.census()
    ended = await subject.bench(folder, "--size")
    assert ended.code == 0, ended.err
    size = json.loads(ended.out)["size"]
    assert {part["table"] for part in size["parts"]} >= {
        "event",
        "outbox",
        "attempt_row",
        "exchange",
    }
    assert size["deliveries"] == 100
    assert size["bytes_per_delivery"] > size["data_bytes"] == 947
    assert size["compression"] == ("lz4" if subject.version == "15" else "pglz")
    assert await subject.census() == before


@pytest.mark.parametrize(
    ("measurement", "keys"),
    [
        ("start", {"first_request_s", "cpu_s"}),
        pytest.param("memory", {"max_mb", "steady_mb", "samples"}, marks=pytest.mark.long),
        pytest.param("template", {"ratio", "ratio_to_default", "cpu_us"}, marks=pytest.mark.long),
        pytest.param(
            "processes", {"ratio", "one_process", "two_processes"}, marks=pytest.mark.long
        ),
    ],
)
async def test_bench_measures_one_thing_alone(
    subject: Subject, folder: Path, measurement: str, keys: set[str]
) -> None:
    before = await subject.census()
    ended = await subject.bench(folder, f"--{measurement}")
    assert ended.code == 0, ended.err
    figures = json.loads(ended.out)
    assert set(figures) == {"server", measurement}
    assert set(figures[measurement]) >= keys
    assert await subject.census() == before


@pytest.mark.long
async def test_bench_measures_claims_of_several_backlogs(subject: Subject, folder: Path) -> None:
    before = await subject.census()
    ended = await subject.bench(folder, "--claims", "--claim-rows", "10000")
    assert ended.code == 0, ended.err
    backlogs = json.loads(ended.out)["claims"]["backlogs"]
    assert [(line["rows"], line["webhooks"]) for line in backlogs] == [(10000, 10), (10000, 1000)]
    for line in backlogs:
        assert line["cpu_us_per_row"]["median"] > 0
        assert line["blocks_per_row_ratio"] >= 1
    assert await subject.census() == before


@pytest.mark.long
@on_stock_15
async def test_peers_that_cannot_be_installed_are_named_and_rowhook_is_measured(
    subject: Subject, folder: Path
) -> None:
    """Without node, and with an index of packages that does not answer."""
    before = await subject.census()
    empty = folder / "empty"
    empty.mkdir()
    index = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    ended = await subject.bench(folder, "--peers", PATH=str(empty), **index)
    assert ended.code == 0, ended.err
    systems = json.loads(ended.out)["peers"]["systems"]
    assert systems["Rowhook"]["ratio"]["median"] > 0
    for peer in PEERS:
        assert systems[peer.name]["failure"].startswith("not installed: ")
    assert "node and npm" in systems["pg-boss"]["failure"]
    assert await subject.census() == before


@pytest.mark.long
@on_stock_15
async def test_every_installed_peer_delivers_and_records(subject: Subject, folder: Path) -> None:
    before = await subject.census()
    flags = ("--database-url", subject.dsn, "--json", *SMALL, "--peers")
    # How this machine reaches the registries.
    access = {name: os.environ[name] for name in os.environ if name.startswith(REGISTRY_VARIABLES)}
    async with running_command(folder, *flags, before=(), module="bench", **access) as process:
        async with asyncio.timeout(_INSTALLATION_S):
            out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    systems = json.loads(out)["peers"]["systems"]
    absent = {name: system["failure"] for name, system in systems.items() if "failure" in system}
    assert all(reason.startswith("not installed: ") for reason in absent.values()), absent
    if absent:
        pytest.skip(f"{', '.join(absent)}: {next(iter(absent.values()))}")
    assert all(system["cpu_us"]["server"]["median"] > 0 for system in systems.values())
    assert await subject.census() == before


async def test_a_database_with_deliveries_is_measured_only_with_force(
    subject: Subject, folder: Path
) -> None:
    await make_delivery(subject.platform)
    before = await subject.census()
    (await subject.bench(folder)).refused(
        1, "This database already holds deliveries (1)", "--force"
    )
    assert await subject.census() == before


@pytest.mark.long
@on_stock_15
async def test_bench_does_not_change_existing_rows(subject: Subject, folder: Path) -> None:
    await make_delivery(subject.platform)
    before = await subject.census()
    ended = await subject.bench(folder, "--force")
    assert ended.code == 0, ended.err
    assert await subject.census() == before


@pytest.mark.long
async def test_a_database_with_waiting_deliveries_is_never_measured(
    subject: Subject, folder: Path
) -> None:
    await make_delivery(subject.platform, "pending")
    before = await subject.census()
    ended = await subject.bench(folder, "--force")
    ended.refused(1, "Deliveries are waiting in this database (1)")
    assert await subject.census() == before


@pytest.mark.long
async def test_rows_of_a_killed_bench_are_removed_by_the_next(subject: Subject) -> None:
    before = await subject.census()
    await ground.run_script(subject.dsn, "install.sql")
    await ground.run_script(subject.dsn, "install_shapes.sql")
    await subject.platform.value("select rowhook.bench_commits(10, 'left_')")
    await subject.platform.value("select rowhook.bench_add_jobs(1, 10, true)")
    await subject.platform.value("select rowhook.bench_complete_jobs(true, true)")
    async with ground.installed(subject.dsn, is_temporary=False):
        assert await subject.census() != before
    assert await subject.census() == before


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is of Linux")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
async def test_the_processes_of_a_killed_bench_end(folder: Path, sent: signal.Signals) -> None:
    async with running_command(folder, module="tests.support.bench_receiver") as killed:
        assert killed.stdout is not None
        assert int(await killed.stdout.readline()) > 0
        (child,) = children(killed.pid)
        killed.send_signal(sent)
        await killed.wait()

    async def has_ended() -> bool:
        return not is_running(child)

    await until(has_ended, description="the end of the receiver")


def test_pgbench_is_found() -> None:
    path = ground.find_pgbench()
    assert path is not None
    assert path.name == "pgbench"
