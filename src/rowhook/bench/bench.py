"""The measurements, each against the same Postgres and the same instant receiver."""

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

from rowhook import postgres

Told = Callable[[str, float], None]
_BODY_BYTES = 1024
_PATIENCE_S = 120.0
_SHOWN_CHARACTERS = 2_000


def spread(values: list[float]) -> dict[str, float]:
    """`{median, min, max}` of some figures."""
    return {
        "median": round(statistics.median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }


@asynccontextmanager
async def process(
    *arguments: str, environment: dict[str, str] | None = None
) -> AsyncIterator[Process]:
    """A Python process of ours, ended at the exit. The end of its log is shown if all fails."""
    with TemporaryFile() as log:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *arguments, stdout=PIPE, stderr=log, env=environment
        )
        try:
            yield child
        except Exception:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace")[-_SHOWN_CHARACTERS:])
            raise
        finally:
            if child.returncode is None:
                child.terminate()
            await child.wait()


async def _line(child: Process) -> str:
    return (await child.stdout.readline()).decode().strip() if child.stdout else ""


@asynccontextmanager
async def receiver() -> AsyncIterator[int]:
    """The port of the instant receiver."""
    async with process("rowhook.bench.receiver") as child:
        yield int(await _line(child))


def arrivals(port: int) -> dict[str, float]:
    """Key → time of arrival, since the last call."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/arrivals") as answer:
        found: dict[str, float] = json.load(answer)
    return found


async def baseline(port: int, count: int) -> float:
    """Requests a second of the bare loop."""
    arguments = (f"http://127.0.0.1:{port}/", str(count), str(_BODY_BYTES))
    async with process("rowhook.bench.baseline", *arguments) as child:
        return count / float(await _line(child))


async def insert(pool: postgres.Pool, count: int, name: str) -> None:
    """Commits `count` rows in one statement; their ids are the name and a number."""
    await postgres.rows(pool, "select rowhook.bench_commits(%s, %s)", count, name)


async def _left(pool: postgres.Pool) -> int:
    return int(await postgres.value(pool, "select rowhook.bench_unfinished()"))


async def throughput(pool: postgres.Pool, count: int, name: str, told: Told) -> float:
    """Deliveries a second: from the commit of all rows to the last one recorded as delivered."""
    await insert(pool, count, name)
    started = time.perf_counter()
    while (left := await _left(pool)) > 0:
        told("deliveries", 1 - left / count)
        if time.perf_counter() - started > _PATIENCE_S:
            raise TimeoutError(f"{left} of {count} not delivered after {_PATIENCE_S:g} s")
        await asyncio.sleep(0.05)
    return count / (time.perf_counter() - started)


async def _commit_one(pool: postgres.Pool, name: str, sent: dict[str, float]) -> None:
    await insert(pool, 1, name)
    sent[f"{name}1"] = time.time()


async def latency(
    pool: postgres.Pool, port: int, seconds: float, rate: float, told: Told
) -> dict[str, float]:
    """Milliseconds from the commit's return to the platform to the receiver; Poisson arrivals."""
    arrivals(port)
    sent: dict[str, float] = {}
    writes: list[asyncio.Task[None]] = []
    seed = random.Random(7)  # noqa: S311  # arrival times, not keys
    started = due = time.perf_counter()
    while due - started < seconds:
        due += seed.expovariate(rate)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        name = f"latency_{len(writes)}_"
        writes.append(asyncio.create_task(_commit_one(pool, name, sent)))
        told("latency", (due - started) / seconds)
    await asyncio.gather(*writes)
    got: dict[str, float] = {}
    deadline = time.perf_counter() + 10
    while len(got) < len(sent) and time.perf_counter() < deadline:
        got |= arrivals(port)
        await asyncio.sleep(0.05)
    took = sorted((got[key] - at) * 1000 for key, at in sent.items())
    return {
        "commits": len(took),
        "p50_ms": round(took[len(took) // 2], 2),
        "p99_ms": round(took[int(len(took) * 0.99)], 2),
        "max_ms": round(took[-1], 2),
    }


def resident_mb(pid: int) -> float:
    """The largest resident memory that a process has had, in MB (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def table(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """What a person reads, a line a figure."""
    ratio, rate = figures["ratio"], figures["deliveries_per_s"]
    return [
        (
            "deliveries/s, end to end",
            f"{rate['median']:,.0f}  ({rate['min']:,.0f}–{rate['max']:,.0f})",
        ),
        ("bare aiohttp loop, requests/s", f"{figures['baseline_per_s']['median']:,.0f}"),
        ("ratio", f"{ratio['median']:.2f}  ({ratio['min']:.2f}–{ratio['max']:.2f})"),
        ("worker's resident memory", f"{figures['resident_mb']:.0f} MB"),
        (
            f"commit to receiver at {figures['latency']['rate_per_s']:g}/s",
            f"p50 {figures['latency']['p50_ms']} ms, p99 {figures['latency']['p99_ms']} ms",
        ),
    ]
