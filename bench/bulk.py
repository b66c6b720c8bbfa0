"""Measures statements over many rows with and without capture."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from bench import test_rows as ground
from bench.measured_server import cpu_ns
from bench.throughput import Report, spread
from rowhook.db import connection_pool, statements
from rowhook.db.connection_pool import Pool

_SQL = Path(__file__).with_name("sql")
_BLOCK = 1_000
_TEXT = "abcdefgh" * 125
# A line of COPY data for each goal.
_LINES = [f'rowhook_bench_{n}\t{{"text": "{_TEXT}"}}\n'.encode() for n in range(10)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of a statement. `cpu_s` is None if the CPU time of the backend is unavailable."""

    elapsed_s: float
    cpu_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A connection, and the number of rows that each statement writes."""

    pool: Pool
    pid: int
    database: str
    rows: int

    async def measure(self, statement: Statement, *, is_captured: bool) -> Cost:
        """Runs a statement and measures its cost."""
        used, started = cpu_ns(self.pid, self.database), time.perf_counter()
        await statement(self, is_captured=is_captured)
        elapsed_s = time.perf_counter() - started
        used_after = cpu_ns(self.pid, self.database)
        cpu_s = None if used is None or used_after is None else (used_after - used) / 1e9
        return Cost(elapsed_s=elapsed_s, cpu_s=cpu_s)


class Statement(Protocol):
    """A measured statement, on a table with or without capture."""

    async def __call__(self, session: Session, *, is_captured: bool) -> None:
        """Runs and commits the statement."""


async def _complete_jobs(session: Session, *, is_captured: bool, is_linked: bool) -> None:
    query = "select rowhook.bench_complete_jobs(%s, %s)"
    await statements.rows(session.pool, query, is_captured, is_linked)


async def _copy_commits(session: Session, *, is_captured: bool) -> None:
    script = (_SQL / "copy_commits.sql").read_text("utf-8")
    statement = script.replace(":table", "commit" if is_captured else "bench_commit").encode()
    async with (
        session.pool.connection() as connection,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for first in range(0, session.rows, _BLOCK):
            block = range(first, min(first + _BLOCK, session.rows))
            await copy.write(b"".join(_LINES[n % len(_LINES)] for n in block))


STATEMENTS: dict[str, tuple[str, Statement]] = {
    "update_jobs_with_one_link": (
        "update of {} jobs, one link each",
        partial(_complete_jobs, is_linked=True),
    ),
    "update_jobs_without_link": (
        "update of {} jobs, no link",
        partial(_complete_jobs, is_linked=False),
    ),
    "copy_commits": ("COPY of {} commits, one link each", _copy_commits),
}
Costs = dict[tuple[str, bool], list[Cost]]


async def measure(dsn: str, *, rows: int, rounds: int, report: Report) -> dict[str, Any]:
    """Measures each statement over `rows` rows, with and without capture, in turn."""
    costs: Costs = {(name, captured): [] for name in STATEMENTS for captured in (False, True)}
    async with connection_pool.open_pool(dsn, size=1) as pool:
        async with pool.connection() as connection:
            pid = connection.info.backend_pid
        _, database = statements.login_and_database(dsn)
        session = Session(pool=pool, pid=pid, database=database, rows=rows)
        for number in range(rounds):
            report(f"{rows:,} rows at once", number / rounds)
            await _prepare(session, dsn)
            for (name, is_captured), results in costs.items():
                _, statement = STATEMENTS[name]
                results.append(await session.measure(statement, is_captured=is_captured))
    await ground.clear_rows(dsn)
    return {"rows": rows} | {name: _figures(costs, name) for name in STATEMENTS}


async def _prepare(session: Session, dsn: str) -> None:
    await ground.clear_rows(dsn)
    for first, is_linked in ((1, True), (1 + session.rows, False)):
        query = "select rowhook.bench_add_jobs(%s, %s, %s)"
        await statements.rows(session.pool, query, first, session.rows, is_linked)
    await statements.rows(session.pool, "select rowhook.bench_all_awake()")


def _figures(costs: Costs, name: str) -> dict[str, Any]:
    plain, captured = costs[name, False], costs[name, True]
    pairs = list(zip(captured, plain, strict=True))
    cpu_ratios = [a.cpu_s / b.cpu_s for a, b in pairs if a.cpu_s and b.cpu_s]
    return {
        "elapsed_s_plain": spread([cost.elapsed_s for cost in plain]),
        "elapsed_s_captured": spread([cost.elapsed_s for cost in captured]),
        "elapsed_ratio_captured_to_plain": spread([a.elapsed_s / b.elapsed_s for a, b in pairs]),
        "cpu_s_plain": _cpu_spread(plain),
        "cpu_s_captured": _cpu_spread(captured),
        "cpu_ratio_captured_to_plain": spread(cpu_ratios) if cpu_ratios else None,
    }


def _cpu_spread(costs: list[Cost]) -> dict[str, float] | None:
    used = [cost.cpu_s for cost in costs if cost.cpu_s is not None]
    return spread(used) if used else None


def table(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the label and text of each statement."""
    return [
        (title.format(f"{figures['rows']:,}") + ", capture ÷ plain", _text(figures[name]))
        for name, (title, _) in STATEMENTS.items()
    ]


def _text(figures: dict[str, Any]) -> str:
    ratio = figures["elapsed_ratio_captured_to_plain"]["median"]
    captured, plain = (figures[f"elapsed_s_{kind}"]["median"] for kind in ("captured", "plain"))
    cpu = figures["cpu_ratio_captured_to_plain"]
    cpu_text = f"CPU {cpu['median']:.2f}" if cpu else "CPU not measured"
    return f"{ratio:.2f} ({captured:.2f} ÷ {plain:.2f} s), {cpu_text}"
