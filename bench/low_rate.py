"""The CPU time and the latency of single deliveries at low rates, and the CPU time of idling."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from typing import Any

from bench import throughput
from bench.process_cpu import CpuMeter, per_delivery_us
from bench.run_context import RunContext
from rowhook.db import statements
from rowhook.db.connection_pool import Pool

RATES_PER_S = (1, 10, 100)
# Longer than the pauses of a worker and of the processes of the server after their last work.
_SETTLE_S = 3.0
_ARRIVAL_S = 60.0
_START_S = 60.0


async def measure(run: RunContext) -> dict[str, Any]:
    """Measures each rate with `rowhook worker`, and idling also with `rowhook api` beside it.

    Figures of the server are 0 if it is on another machine.
    """
    seconds = run.sizes["low_rate_s"]
    async with run.workers() as subject:
        idle = {"worker": await _idle(subject.meter, seconds)}
        rates = [await _at_rate(run, subject.meter, rate, seconds) for rate in RATES_PER_S]
        # Not `rowhook up`, which would record the objects of the benchmark as parts of the schema.
        environment = run.environment() | {"ROWHOOK_PORT": str(_free_port())}
        async with throughput.process("rowhook", "api", environment=environment) as api:
            await _listening(int(environment["ROWHOOK_PORT"]))
            pids = (*subject.meter.workers, api.pid)
            both = CpuMeter(workers=pids, server=run.server)
            idle["worker and api"] = await _idle(both, seconds)
    return {"seconds": seconds, "idle_percent": idle, "rates": rates}


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


async def _idle(meter: CpuMeter, seconds: float) -> dict[str, float]:
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


async def _at_rate(run: RunContext, meter: CpuMeter, rate: int, seconds: float) -> dict[str, Any]:
    count = max(round(rate * seconds), 1)
    await _commit_steadily(run, rate=rate, count=rate)
    throughput.arrivals(run.port)
    before = meter.read()
    committed = await _commit_steadily(run, rate=rate, count=count)
    after = meter.read()
    latencies = await _latencies(run.port, committed)
    used = per_delivery_us(before, after, count)
    return {
        "rate_per_s": rate,
        "deliveries": count,
        "worker_ms": round((used["worker"] or 0) / 1000, 2),
        "server_ms": round((used["server"] or 0) / 1000, 2),
        "p50_ms": round(latencies[count // 2], 2),
        "p99_ms": round(latencies[int(count * 0.99)], 2),
    }


async def _commit_steadily(run: RunContext, *, rate: int, count: int) -> dict[str, float]:
    """Commits once in each period, at a random moment; returns the time of each commit by id.

    It returns at the end of the last period.
    """
    prefix = throughput.unique_prefix()
    committed: dict[str, float] = {}
    moments = random.Random(7)  # noqa: S311  # times of commits, not keys
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            due = began + (number + moments.random()) / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(_commit(run.pool, f"{prefix}{number}", committed))
            run.report(f"{rate}/s", number / count)
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


def table(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the label and text of each figure."""
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
