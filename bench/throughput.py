"""Throughput and latency measurements against one PostgreSQL server and a local receiver."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import statistics
import sys
import time
import urllib.request
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any, LiteralString, NamedTuple

from bench.child_process import bound_command
from bench.process_cpu import CpuMeter, per_delivery_us
from rowhook.db import statements
from rowhook.db.connection_pool import Pool

Report = Callable[[str, float], None]
_BODY_BYTES = 1024
INSERT: LiteralString = "select rowhook.bench_commits(%s, %s)"
_TIMEOUT_S = 120.0
# A slower drain is given up.
_MIN_RATE_PER_S = 200
_STOP_S = 20.0
_LOG_TAIL_CHARACTERS = 2_000


def spread(values: list[float]) -> dict[str, float]:
    """Returns `{median, min, max}` of the values."""
    return {
        "median": round(statistics.median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }


@asynccontextmanager
async def running(
    *command: str, environment: dict[str, str] | None = None
) -> AsyncIterator[Process]:
    """Runs a command, a path and its arguments; prints the end of its log on an exception."""
    with TemporaryFile() as log:
        child = await asyncio.create_subprocess_exec(
            *bound_command(*command), stdout=PIPE, stderr=log, env=environment
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
            await _ended(child)


async def _ended(child: Process) -> None:
    try:
        await asyncio.wait_for(child.wait(), _STOP_S)
    except TimeoutError:
        child.kill()
        await child.wait()


def process(
    *arguments: str, environment: dict[str, str] | None = None
) -> AbstractAsyncContextManager[Process]:
    """Runs a Python module as a child process."""
    return running(sys.executable, "-P", "-m", *arguments, environment=environment)


async def read_line(child: Process) -> str:
    """Returns the next line that a child process prints; empty at its end."""
    return (await child.stdout.readline()).decode().strip() if child.stdout else ""


def unique_prefix() -> str:
    """Returns the beginning of keys that no earlier delivery has."""
    return f"{secrets.token_hex(4)}_"


@asynccontextmanager
async def receiver(*arguments: str) -> AsyncIterator[int]:
    """Starts the receiver; yields its port. `usual` lets it send response headers."""
    async with process("bench.instant_receiver", *arguments) as child:
        yield int(await read_line(child))


def _get(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}") as response:
        return json.load(response)


def arrivals(port: int) -> dict[str, float]:
    """Returns the time of arrival by key, since the last call."""
    times: dict[str, float] = _get(port, "arrivals")
    return times


class Received(NamedTuple):
    """The requests that the receiver has answered so far, and the CPU seconds it has used."""

    requests: int
    cpu_s: float


def received(port: int) -> Received:
    """Returns the counts of the receiver so far."""
    return Received(*_get(port, "count"))


class LoopRun(NamedTuple):
    """A run of a bare loop: its rate, CPU µs of a request, and share of a core of the receiver."""

    requests_per_s: float
    cpu_us: float
    receiver_load: float


async def bare_loop(module: str, port: int, count: int) -> LoopRun:
    """Runs `bench.baseline` or `bench.httptools_loop`."""
    before = received(port)
    arguments = (f"http://127.0.0.1:{port}/", str(count), str(_BODY_BYTES))
    async with process(module, *arguments) as child:
        elapsed_s, cpu_s = map(float, (await read_line(child)).split())
    used_s = received(port).cpu_s - before.cpu_s
    return LoopRun(count / elapsed_s, cpu_s / count * 1e6, used_s / elapsed_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A system to measure: its statements, the receiver of its requests, and its processes.

    `insert` takes a number of rows and the beginning of their keys, `unfinished` counts the
    deliveries whose outcome is not yet recorded.
    """

    pool: Pool
    port: int
    meter: CpuMeter
    insert: LiteralString = INSERT
    unfinished: LiteralString = "select rowhook.bench_unfinished()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """Deliveries per second until the last one is recorded, and CPU µs of each delivery.

    `per_s` counts from the return of the insert, `per_s_from_first` from the first request.
    """

    per_s: float
    per_s_from_first: float
    cpu_us: dict[str, float | None]


async def drain(subject: Subject, count: int, name: str, report: Report) -> Drain:
    """Inserts `count` deliveries in one statement and waits until all are recorded."""
    arrivals(subject.port)
    expected = received(subject.port).requests + count
    await statements.rows(subject.pool, subject.insert, count, name)
    before, inserted_at = subject.meter.read(), time.time()
    await _drained(subject, expected, count, report)
    finished_at, after = time.time(), subject.meter.read()
    first_at = min(arrivals(subject.port).values())
    return Drain(
        per_s=count / (finished_at - inserted_at),
        per_s_from_first=count / (finished_at - first_at),
        cpu_us=per_delivery_us(before, after, count),
    )


async def _drained(subject: Subject, expected: int, count: int, report: Report) -> None:
    """Waits until the receiver has `expected` requests and then until no delivery is unfinished.

    The database is not asked before, because the question costs CPU of the server.
    """
    deadline = time.perf_counter() + _TIMEOUT_S + count / _MIN_RATE_PER_S
    while (missing := expected - received(subject.port).requests) > 0:
        report("deliveries", 1 - missing / count)
        if time.perf_counter() > deadline:
            raise TimeoutError(f"The receiver got {count - missing} of {count} requests in time.")
        await asyncio.sleep(0.02)
    while (waiting := int(await statements.value(subject.pool, subject.unfinished))) > 0:
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{waiting} of {count} deliveries were not recorded in time.")
        await asyncio.sleep(0.01)


async def _commit_one(
    pool: Pool, query: LiteralString, name: str, committed: dict[str, float]
) -> None:
    await statements.rows(pool, query, 1, name)
    committed[f"{name}1"] = time.time()


async def latency(
    pool: Pool,
    port: int,
    seconds: float,
    rate: float,
    report: Report,
    query: LiteralString = INSERT,
) -> dict[str, float]:
    """Measures the milliseconds from a commit to its arrival; commits are a Poisson process."""
    arrivals(port)
    prefix = unique_prefix()
    committed: dict[str, float] = {}
    writes: list[asyncio.Task[None]] = []
    generator = random.Random(7)  # noqa: S311  # arrival times, not keys
    started = due = time.perf_counter()
    while due - started < seconds:
        due += generator.expovariate(rate)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        name = f"{prefix}{len(writes)}_"
        writes.append(asyncio.create_task(_commit_one(pool, query, name, committed)))
        report("latency", (due - started) / seconds)
    await asyncio.gather(*writes)
    arrived: dict[str, float] = {}
    deadline = time.perf_counter() + 10
    while len(arrived) < len(committed) and time.perf_counter() < deadline:
        arrived |= arrivals(port)
        await asyncio.sleep(0.05)
    if lost := len(committed) - len(committed.keys() & arrived.keys()):
        raise TimeoutError(f"{lost} of {len(committed)} deliveries did not arrive in time.")
    latencies = sorted((arrived[key] - at) * 1000 for key, at in committed.items())
    return {
        "commits": len(latencies),
        "p50_ms": round(latencies[len(latencies) // 2], 2),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)], 2),
        "max_ms": round(latencies[-1], 2),
    }


def table(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the label and text of each figure."""
    latency_ms = figures["latency"]
    return [
        ("deliveries/s, end to end", _rate(figures["deliveries_per_s"])),
        ("  CPU per delivery", cpu_text(figures["cpu_us"])),
        ("aiohttp baseline, requests/s", _rate(figures["baseline_per_s"])),
        ("httptools loop (limit), requests/s", _rate(figures["limit_per_s"])),
        ("ratio to the aiohttp baseline", ratio_text(figures["ratio"])),
        ("receiver, share of a core at the limit", ratio_text(figures["receiver_load"])),
        ("worker, resident memory", f"{figures['resident_mb']:.0f} MB"),
        (
            f"commit to receiver at {latency_ms['rate_per_s']:g}/s",
            f"p50 {latency_ms['p50_ms']} ms, p99 {latency_ms['p99_ms']} ms",
        ),
    ]


def _rate(rate: dict[str, float]) -> str:
    return f"{rate['median']:,.0f}  ({rate['min']:,.0f}–{rate['max']:,.0f})"


def ratio_text(ratio: dict[str, float]) -> str:
    """Returns the median with the least and the greatest value."""
    return f"{ratio['median']:.2f}  ({ratio['min']:.2f}–{ratio['max']:.2f})"


def cpu_text(used: dict[str, Any]) -> str:
    """Returns the CPU times of worker and server."""
    server = "not measured (another machine)"
    if used["server"] is not None:
        server = f"{used['server']['median']:.0f} µs"
    return f"worker {used['worker']['median']:.0f} µs, server {server}"


def cpu_spread(readings: list[dict[str, float | None]]) -> dict[str, dict[str, float] | None]:
    """Returns the spread of the CPU µs of worker and server; None if it was not measured."""
    spreads: dict[str, dict[str, float] | None] = {}
    for part in ("worker", "server"):
        values = [reading[part] for reading in readings]
        measured = [value for value in values if value is not None]
        spreads[part] = spread(measured) if len(measured) == len(values) else None
    return spreads
