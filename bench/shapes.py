"""Compares capture with a plain write and with event logs of one row, in interleaved rounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

from bench import test_rows as ground
from bench.pgbench import Run, Runner
from bench.throughput import Report, spread
from rowhook.db import statements
from rowhook.db.connection_pool import Pool

WRITERS = (1, 32)
_MIN_TRANSACTIONS = 1_000
_SLEEP_INTERVAL_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A kind of write. `is_idle`: a worker waits for notifications; otherwise all are busy."""

    title: str
    script: str
    table: str
    is_idle: bool = False


SHAPES = {
    "plain_commit": Shape(
        title="commit of 1 KB, no capture", script="commit.pgbench", table="bench_commit"
    ),
    "captured_commit": Shape(
        title="commit of 1 KB, captured, one link", script="commit.pgbench", table="commit"
    ),
    "captured_commit_asleep": Shape(
        title="  with idle workers", script="commit.pgbench", table="commit", is_idle=True
    ),
    "logged_commit": Shape(
        title="commit of 1 KB, one-row event log",
        script="commit.pgbench",
        table="bench_logged_commit",
    ),
    "stepwise_logged_commit": Shape(
        title="commit of 1 KB, one-row event log by the steps of Hasura",
        script="commit.pgbench",
        table="bench_stepwise_commit",
    ),
    "plain_job": Shape(
        title="job updated to succeeded, no capture", script="job.pgbench", table="bench_job"
    ),
    "captured_job": Shape(
        title="job updated to succeeded, captured, one link", script="job.pgbench", table="job"
    ),
}
# Ratios of CPU time, dividend and divisor.
CPU_RATIOS = {
    "cpu_ratio_plain_to_captured_commit": (
        "plain commit ÷ capture, CPU",
        "plain_commit",
        "captured_commit",
    ),
    "cpu_ratio_captured_to_logged_commit": (
        "capture ÷ one-row event log, CPU",
        "captured_commit",
        "logged_commit",
    ),
    "cpu_ratio_captured_to_stepwise_logged_commit": (
        "capture ÷ event log by the steps of Hasura, CPU",
        "captured_commit",
        "stepwise_logged_commit",
    ),
    "cpu_ratio_plain_to_captured_job": (
        "plain job update ÷ capture, CPU",
        "plain_job",
        "captured_job",
    ),
}
# Ratios of commits per second, for each number of writers.
RATE_RATIOS = {
    "rate_ratio_captured_to_plain_commit": (
        "capture ÷ plain commit",
        "captured_commit",
        "plain_commit",
    ),
    "rate_ratio_captured_to_logged_commit": (
        "capture ÷ one-row event log",
        "captured_commit",
        "logged_commit",
    ),
    "rate_ratio_captured_to_stepwise_logged_commit": (
        "capture ÷ event log by the steps of Hasura",
        "captured_commit",
        "stepwise_logged_commit",
    ),
    "rate_ratio_captured_to_plain_job": (
        "capture ÷ plain job update",
        "captured_job",
        "plain_job",
    ),
    "rate_ratio_asleep_to_busy": (
        "capture, workers idle ÷ busy",
        "captured_commit_asleep",
        "captured_commit",
    ),
}
Runs = dict[tuple[str, int], list[Run]]


async def measure(runner: Runner, *, rounds: int, seconds: float, report: Report) -> dict[str, Any]:
    """Measures each shape and their ratios. Plain commits take `seconds` per round."""
    counts = {writers: await _transactions(runner, writers, seconds) for writers in WRITERS}
    runs: Runs = {(name, writers): [] for name in SHAPES for writers in WRITERS}
    first = 1
    for number in range(rounds):
        await ground.clear_rows(runner.dsn)
        for writers, count in counts.items():
            report(f"shapes of writes, {writers} writers", number / rounds)
            await statements.rows(
                runner.pool, "select rowhook.bench_add_jobs(%s, %s, true)", first, count
            )
            for name, shape in SHAPES.items():
                runs[name, writers].append(await _run(runner, shape, writers, count, first))
            first += count
    return _figures(runs)


async def _transactions(runner: Runner, writers: int, seconds: float) -> int:
    """Returns the number of plain commits in about `seconds`, used for every shape."""
    run = await runner.run(
        "commit.pgbench", "bench_commit", writers=writers, transactions=_MIN_TRANSACTIONS
    )
    return max(_MIN_TRANSACTIONS, int(run.commits_per_s * seconds))


async def _run(runner: Runner, shape: Shape, writers: int, count: int, first: int) -> Run:
    await statements.rows(runner.pool, "select rowhook.bench_all_awake()")
    async with _idle_worker(runner.pool) if shape.is_idle else nullcontext():
        return await runner.run(
            shape.script, shape.table, writers=writers, transactions=count, first=first
        )


@asynccontextmanager
async def _idle_worker(pool: Pool) -> AsyncIterator[None]:
    """Simulates a worker that waits for a notification after each commit."""
    task = asyncio.create_task(_wait_repeatedly(pool))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await statements.rows(pool, "select rowhook.bench_all_awake()")


async def _wait_repeatedly(pool: Pool) -> None:
    while True:
        await statements.rows(pool, "select rowhook.bench_one_asleep()")
        await asyncio.sleep(_SLEEP_INTERVAL_S)


def _figures(runs: Runs) -> dict[str, Any]:
    figures: dict[str, Any] = {name: _shape_figures(runs, name) for name in SHAPES}
    for key, (_, dividend, divisor) in CPU_RATIOS.items():
        pairs = zip(_cpu(runs, dividend), _cpu(runs, divisor), strict=True)
        figures[key] = _spread([a / b for a, b in pairs if a and b])
    for key, (_, dividend, divisor) in RATE_RATIOS.items():
        for writers in WRITERS:
            rates = zip(runs[dividend, writers], runs[divisor, writers], strict=True)
            ratios = [a.commits_per_s / b.commits_per_s for a, b in rates]
            figures[_per_writers(key, writers)] = spread(ratios)
    return figures


def commit_summary(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns commits per second with and without the capture, and their ratio, by writers."""
    return [
        {
            "writers": writers,
            "without": figures["plain_commit"][_per_writers("commits_per_s", writers)],
            "with_capture": figures["captured_commit"][_per_writers("commits_per_s", writers)],
            "ratio": figures[_per_writers("rate_ratio_captured_to_plain_commit", writers)],
        }
        for writers in WRITERS
    ]


def _shape_figures(runs: Runs, name: str) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "cpu_us_per_commit": _spread([used for used in _cpu(runs, name) if used])
    }
    for writers in WRITERS:
        rates = [run.commits_per_s for run in runs[name, writers]]
        figures[_per_writers("commits_per_s", writers)] = spread(rates)
    return figures


def _cpu(runs: Runs, name: str) -> list[float | None]:
    return [run.cpu_us for run in runs[name, 1]]


def _spread(values: list[float]) -> dict[str, float] | None:
    return spread(values) if values else None


def _per_writers(key: str, writers: int) -> str:
    return f"{key}_{writers}_writer{'s' if writers > 1 else ''}"


def table(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the label and text of each shape and each ratio."""
    one, many = (_per_writers("commits_per_s", writers) for writers in WRITERS)
    lines = []
    for name, shape in SHAPES.items():
        used, rates = (
            figures[name]["cpu_us_per_commit"],
            (figures[name][key] for key in (one, many)),
        )
        text = " and ".join(f"{rate['median']:,.0f}" for rate in rates)
        lines.append((shape.title, f"{_cpu_text(used)}, {text} commits/s (1 and 32 writers)"))
    lines += [(title, _ratio_text(figures[key])) for key, (title, _, _) in CPU_RATIOS.items()]
    for key, (title, _, _) in RATE_RATIOS.items():
        ratios = (_ratio_text(figures[_per_writers(key, writers)]) for writers in WRITERS)
        lines.append((f"{title}, commits/s, 1 and 32 writers", " and ".join(ratios)))
    return lines


def _cpu_text(used: dict[str, float] | None) -> str:
    return f"{used['median']:.0f} µs of CPU" if used else "CPU not measured"


def _ratio_text(ratio: dict[str, float] | None) -> str:
    if ratio is None:
        return "not measured: the server is on another machine"
    return f"{ratio['median']:.2f} ({ratio['min']:.2f}–{ratio['max']:.2f})"
