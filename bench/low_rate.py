"""The CPU time and the latency of single deliveries at low rates, and the CPU time of idling."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from dataclasses import dataclass
from typing import Any

from bench import process_cpu as cpu
from bench import throughput
from bench.throughput import Report
from rowhook.db import statements
from rowhook.db.connection_pool import Pool

RATES_PER_S = (1, 10, 100)
_WARM_UP = 30
# Longer than the pauses of a worker and of the processes of the server after their last work.
_SETTLE_S = 3.0
_ARRIVAL_S = 60.0
_START_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The measured server, the receiver, and the environment of child processes."""

    pool: Pool
    database: str
    port: int
    environment: dict[str, str]


async def measure(ground: Ground, seconds: float, report: Report) -> dict[str, Any] | None:
    """Measures each rate for `seconds` with `rowhook worker`, and idling also with `rowhook api`.

    None if the CPU time of the server is unavailable because it is on another machine.
    """
    server = await cpu.server_pid(ground.pool, ground.database)
    if server is None:
        return None
    async with throughput.process("rowhook", "worker", environment=ground.environment) as worker:
        await _warm_up(ground, report)
        meter = cpu.CpuMeter(workers=(worker.pid,), server=server)
        idle = {"worker": await _idle(meter, seconds)}
        rates = [await _at_rate(ground, meter, rate, seconds, report) for rate in RATES_PER_S]
        # Not `rowhook up`, which would record the objects of the benchmark as parts of the schema.
        environment = ground.environment | {"ROWHOOK_PORT": str(_free_port())}
        async with throughput.process("rowhook", "api", environment=environment) as api:
            await _listening(int(environment["ROWHOOK_PORT"]))
            both = cpu.CpuMeter(workers=(worker.pid, api.pid), server=server)
            idle["worker and api"] = await _idle(both, seconds)
    return {"seconds": seconds, "idle_percent": idle, "rates": rates}


async def _warm_up(ground: Ground, report: Report) -> None:
    """Waits until the worker has delivered some commits."""
    await _latencies(
        ground.port,
        await _commit_steadily(ground, "first", rate=_WARM_UP, count=_WARM_UP, report=report),
    )


async def _listening(port: int) -> None:
    """Waits until the API serves requests."""
    deadline = time.perf_counter() + _START_S
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.perf_counter() > deadline:
                raise TimeoutError("The API did not start.") from None
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


async def _idle(meter: cpu.CpuMeter, seconds: float) -> dict[str, float]:
    """Returns the CPU time of the process and of the server in per cent of a core."""
    await asyncio.sleep(_SETTLE_S)
    before, began = meter.read(), time.perf_counter()
    await asyncio.sleep(seconds)
    after, elapsed_ns = meter.read(), (time.perf_counter() - began) * 1e9
    server = (after.server or 0) - (before.server or 0)
    return {
        "process": round((after.worker - before.worker) / elapsed_ns * 100, 2),
        "server": round(server / elapsed_ns * 100, 2),
    }


async def _at_rate(
    ground: Ground, meter: cpu.CpuMeter, rate: int, seconds: float, report: Report
) -> dict[str, Any]:
    count = max(round(rate * seconds), 1)
    await _commit_steadily(ground, f"warm{rate}", rate=rate, count=rate, report=report)
    throughput.arrivals(ground.port)
    before = meter.read()
    committed = await _commit_steadily(ground, f"at{rate}", rate=rate, count=count, report=report)
    after = meter.read()
    latencies = await _latencies(ground.port, committed)
    used = cpu.per_delivery_us(before, after, count)
    return {
        "rate_per_s": rate,
        "deliveries": count,
        "worker_ms": round((used["worker"] or 0) / 1000, 2),
        "server_ms": round((used["server"] or 0) / 1000, 2),
        "p50_ms": round(latencies[count // 2], 2),
        "p99_ms": round(latencies[int(count * 0.99)], 2),
    }


async def _commit_steadily(
    ground: Ground, name: str, *, rate: int, count: int, report: Report
) -> dict[str, float]:
    """Commits once in each period, at a random moment; returns the time of each commit by id.

    It returns at the end of the last period.
    """
    committed: dict[str, float] = {}
    moments = random.Random(7)  # noqa: S311  # times of commits, not keys
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            due = began + (number + moments.random()) / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(_commit(ground.pool, f"{name}_{number}", committed))
            report(f"{rate}/s", number / count)
        await asyncio.sleep(max(0.0, began + count / rate - time.perf_counter()))
    return committed


async def _commit(pool: Pool, name: str, committed: dict[str, float]) -> None:
    await statements.rows(pool, "select rowhook.bench_commit_named(%s)", name)
    committed[name] = time.time()


async def _latencies(port: int, committed: dict[str, float]) -> list[float]:
    """Returns the milliseconds from each commit to its arrival, the shortest first."""
    arrived: dict[str, float] = {}
    deadline = time.perf_counter() + _ARRIVAL_S
    while not committed.keys() <= arrived.keys():
        arrived |= throughput.arrivals(port)
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{len(committed.keys() - arrived.keys())} commits did not arrive.")
        await asyncio.sleep(0.05)
    return sorted((arrived[name] - at) * 1000 for name, at in committed.items())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def table(figures: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Returns the label and text of each figure."""
    if figures is None:
        return [("CPU at low rates", "not available from this machine")]
    lines = [
        (
            f"CPU of an idle {name}",
            f"{used['process']:g} % of a core, server {used['server']:g} %",
        )
        for name, used in figures["idle_percent"].items()
    ]
    return lines + [
        (
            f"CPU per delivery at {rate['rate_per_s']}/s",
            (
                f"worker {rate['worker_ms']:g} ms, server {rate['server_ms']:g} ms;"
                f" commit to receiver p50 {rate['p50_ms']:g} ms, p99 {rate['p99_ms']:g} ms"
            ),
        )
        for rate in figures["rates"]
    ]
