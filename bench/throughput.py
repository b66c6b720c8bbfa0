"""Throughput and latency measurements against one PostgreSQL server and a local receiver."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import time
import urllib.request
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from bench.child_process import bound_command
from rowhook.db import statements
from rowhook.db.connection_pool import Pool

Report = Callable[[str, float], None]
_BODY_BYTES = 1024
_TIMEOUT_S = 120.0
_LOG_TAIL_CHARACTERS = 2_000


def spread(values: list[float]) -> dict[str, float]:
    """Returns `{median, min, max}` of the values."""
    return {
        "median": round(statistics.median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }


@asynccontextmanager
async def process(
    *arguments: str, environment: dict[str, str] | None = None
) -> AsyncIterator[Process]:
    """Runs a Python module as a child process; prints the end of its log on an exception."""
    with TemporaryFile() as log:
        child = await asyncio.create_subprocess_exec(
            *bound_command(sys.executable, "-P", "-m", *arguments),
            stdout=PIPE,
            stderr=log,
            env=environment,
        )
        try:
            yield child
        except Exception:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace")[-_LOG_TAIL_CHARACTERS:])
            raise
        finally:
            if child.returncode is None:
                child.terminate()
            await child.wait()


async def _read_line(child: Process) -> str:
    return (await child.stdout.readline()).decode().strip() if child.stdout else ""


@asynccontextmanager
async def receiver(*arguments: str) -> AsyncIterator[int]:
    """Starts the receiver; yields its port. `usual` lets it send response headers."""
    async with process("bench.instant_receiver", *arguments) as child:
        yield int(await _read_line(child))


def arrivals(port: int) -> dict[str, float]:
    """Returns the time of arrival by key, since the last call."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/arrivals") as response:
        times: dict[str, float] = json.load(response)
    return times


async def baseline(port: int, count: int) -> float:
    """Measures the requests per second of the baseline."""
    arguments = (f"http://127.0.0.1:{port}/", str(count), str(_BODY_BYTES))
    async with process("bench.baseline", *arguments) as child:
        return count / float(await _read_line(child))


async def insert(pool: Pool, count: int, name: str) -> None:
    """Inserts `count` commits in one statement; their ids are the name and a number."""
    await statements.rows(pool, "select rowhook.bench_commits(%s, %s)", count, name)


async def _count_undelivered(pool: Pool) -> int:
    return int(await statements.value(pool, "select rowhook.bench_unfinished()"))


async def throughput(pool: Pool, count: int, name: str, report: Report) -> float:
    """Measures deliveries per second, from the insert to the last recorded delivery."""
    await insert(pool, count, name)
    started = time.perf_counter()
    while (undelivered := await _count_undelivered(pool)) > 0:
        report("deliveries", 1 - undelivered / count)
        if time.perf_counter() - started > _TIMEOUT_S:
            raise TimeoutError(f"{undelivered} of {count} not delivered after {_TIMEOUT_S:g} s")
        await asyncio.sleep(0.05)
    return count / (time.perf_counter() - started)


async def _commit_one(pool: Pool, name: str, committed: dict[str, float]) -> None:
    await insert(pool, 1, name)
    committed[f"{name}1"] = time.time()


async def latency(
    pool: Pool, port: int, seconds: float, rate: float, report: Report
) -> dict[str, float]:
    """Measures the milliseconds from a commit to its arrival; commits are a Poisson process."""
    arrivals(port)
    committed: dict[str, float] = {}
    writes: list[asyncio.Task[None]] = []
    generator = random.Random(7)  # noqa: S311  # arrival times, not keys
    started = due = time.perf_counter()
    while due - started < seconds:
        due += generator.expovariate(rate)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        name = f"latency_{len(writes)}_"
        writes.append(asyncio.create_task(_commit_one(pool, name, committed)))
        report("latency", (due - started) / seconds)
    await asyncio.gather(*writes)
    arrived: dict[str, float] = {}
    deadline = time.perf_counter() + 10
    while len(arrived) < len(committed) and time.perf_counter() < deadline:
        arrived |= arrivals(port)
        await asyncio.sleep(0.05)
    latencies = sorted((arrived[key] - at) * 1000 for key, at in committed.items())
    return {
        "commits": len(latencies),
        "p50_ms": round(latencies[len(latencies) // 2], 2),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)], 2),
        "max_ms": round(latencies[-1], 2),
    }


def resident_mb(pid: int) -> float:
    """Returns the peak resident memory of a process in MB (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def table(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the label and text of each figure."""
    ratio, rate = figures["ratio"], figures["deliveries_per_s"]
    return [
        (
            "deliveries/s, end to end",
            f"{rate['median']:,.0f}  ({rate['min']:,.0f}–{rate['max']:,.0f})",
        ),
        ("aiohttp baseline, requests/s", f"{figures['baseline_per_s']['median']:,.0f}"),
        ("ratio", f"{ratio['median']:.2f}  ({ratio['min']:.2f}–{ratio['max']:.2f})"),
        ("worker, resident memory", f"{figures['resident_mb']:.0f} MB"),
        (
            f"commit to receiver at {figures['latency']['rate_per_s']:g}/s",
            f"p50 {figures['latency']['p50_ms']} ms, p99 {figures['latency']['p99_ms']} ms",
        ),
    ]
