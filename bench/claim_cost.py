"""Measures the cost of a claim with many waiting rows and with many webhooks."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from bench import test_rows as ground
from bench.measured_server import cpu_ns
from bench.run_context import RunContext
from bench.throughput import spread
from rowhook.db import connection_pool, engine, statements
from rowhook.db.connection_pool import Pool
from rowhook.db.engine import ClaimResult
from rowhook.model import Claim
from rowhook.worker.queue import PER_LANE, LowWatermarks

_ROWS = (10_000, 1_000_000, 10_000_000)
_WEBHOOKS = (10, 1_000, 50_000)
_ROWS_OF_WEBHOOKS = 1_000_000
_INSERTED_AT_ONCE = 100_000
# As the worker claims.
_BATCH = 128
_WARM_UP, _COUNTED = 10, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """A number of due deliveries of a number of webhooks."""

    rows: int
    webhooks: int


def _backlogs(most_rows: int) -> list[Backlog]:
    """Returns the backlogs to measure, the largest last, so that no rows need be deleted."""
    fewest, many = _WEBHOOKS[0], min(_ROWS_OF_WEBHOOKS, most_rows)
    by_rows = [Backlog(rows=rows, webhooks=fewest) for rows in _ROWS if rows <= most_rows]
    by_webhooks = [Backlog(rows=many, webhooks=count) for count in _WEBHOOKS if count <= many]
    small = [backlog for backlog in by_rows if backlog.rows <= many]
    return list(dict.fromkeys((*small, *by_webhooks, *by_rows)))


class _Claims:
    """Claims as a worker does: lanes in turn, with the watermarks of earlier claims."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.worker = uuid4()
        self.cursor: UUID | None = None
        self.watermarks = LowWatermarks()

    async def claim(self) -> ClaimResult:
        claimed = await engine.claim(
            self.pool,
            self.worker,
            batch=_BATCH,
            per_lane=PER_LANE,
            after=self.cursor,
            lease=timedelta(seconds=60),
            sweep=False,
            low_watermarks=self.watermarks.lanes,
        )
        self.cursor = claimed.cursor
        self.watermarks.update(claimed)
        if len(claimed.claims) < _BATCH // 2:
            raise RuntimeError(f"A claim returned {len(claimed.claims)} of {_BATCH} rows.")
        return claimed


async def measure(run: RunContext) -> dict[str, Any]:
    """Measures CPU and blocks of a claim for each claimed row, and their ratio to the least."""
    figures = []
    present = Backlog(rows=0, webhooks=0)
    for backlog in _backlogs(run.sizes["claim_rows"]):
        await _fill(run, present, backlog)
        present = backlog
        figures.append(await _cost(run, backlog))
    least = {name: min(line[name]["median"] for line in figures) for name in _measured(figures)}
    for line in figures:
        for name, value in least.items():
            line[f"{name}_ratio"] = round(line[name]["median"] / value, 2)
    return {"batch": _BATCH, "backlogs": figures}


def _measured(figures: list[dict[str, Any]]) -> list[str]:
    return [name for name in ("cpu_us_per_row", "blocks_per_row") if figures[0][name] is not None]


async def _fill(run: RunContext, present: Backlog, target: Backlog) -> None:
    """Adds rows; first deletes those of another number of webhooks."""
    dsn, inserted = run.database.direct, present.rows
    if present.webhooks != target.webhooks:
        await ground.run_script(dsn, "clear.sql")
        await statements.rows(run.pool, "select rowhook.bench_add_lanes(%s)", target.webhooks)
        inserted = 0
    step = max(1, _INSERTED_AT_ONCE // target.webhooks)
    last = target.rows // target.webhooks
    for first in range(inserted // target.webhooks + 1, last + 1, step):
        run.report(f"{target.rows:,} rows of {target.webhooks:,} webhooks", first / last)
        query = "select rowhook.bench_add_waiting(%s, %s, %s)"
        until = min(first + step - 1, last)
        await statements.rows(run.pool, query, target.webhooks, first, until)
    await ground.run_script(dsn, "vacuum.sql")


async def _cost(run: RunContext, backlog: Backlog) -> dict[str, Any]:
    used: list[float] = []
    async with connection_pool.open_pool(run.database.direct, size=1) as pool:
        claims = _Claims(pool)
        for _ in range(_WARM_UP):
            await _record(run.pool, (await claims.claim()).claims)
        for number in range(run.sizes["rounds"]):
            run.report(f"claims of {backlog.rows:,} rows", number / run.sizes["rounds"])
            value = await _cpu_us(run, pool, claims)
            used += [] if value is None else [value]
    blocks = [await _blocks(run) for _ in range(run.sizes["rounds"])]
    return {
        "rows": backlog.rows,
        "webhooks": backlog.webhooks,
        "cpu_us_per_row": spread(used) if used else None,
        "blocks_per_row": spread(blocks),
    }


async def _cpu_us(run: RunContext, pool: Pool, claims: _Claims) -> float | None:
    """Returns the median CPU time of a claim for each of its rows, recorded by another session."""
    _, database = statements.login_and_database(run.database.direct)
    pid = int(await statements.value(pool, "select pg_backend_pid()"))
    values = []
    for _ in range(_COUNTED):
        before = cpu_ns(pid, database)
        claimed = await claims.claim()
        after = cpu_ns(pid, database)
        if before is None or after is None:
            return None
        values.append((after - before) / 1000 / len(claimed.claims))
        await _record(run.pool, claimed.claims)
    return statistics.median(values)


async def _blocks(run: RunContext) -> float:
    """Returns the blocks that a claim reads for each of its rows. The claim is rolled back."""
    query = "select rowhook.bench_blocks()"
    async with (
        await connection_pool.connect(run.database.direct) as connection,
        connection.transaction(force_rollback=True),
    ):
        (before,) = await (await connection.execute(query)).fetchall()
        claimed = await connection.execute(
            "select from rowhook.claim_batch(%s, %s, %s) where kind = 'delivery'",
            (uuid4(), _BATCH, PER_LANE),
        )
        (after,) = await (await connection.execute(query)).fetchall()
        return float(after[0] - before[0]) / claimed.rowcount


async def _record(pool: Pool, claims: list[Claim]) -> None:
    now = datetime.now(UTC).isoformat()
    results = [
        {
            "outbox_id": claim.outbox_id,
            "token": claim.token,
            "revision": claim.revision,
            "secrets_version": claim.secrets_version,
            "outcome": "delivered",
            "status_code": 204,
            "started_at": now,
            "duration_ms": 1.0,
        }
        for claim in claims
    ]
    await engine.record(pool, json.dumps(results).encode())


def table(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the label and text of each backlog."""
    return [
        (
            f"claim, {line['rows']:,} rows of {line['webhooks']:,} webhooks",
            ", ".join(_texts(line)),
        )
        for line in figures["backlogs"]
    ]


def _texts(line: dict[str, Any]) -> list[str]:
    texts = []
    for name, unit in (("cpu_us_per_row", "µs of CPU"), ("blocks_per_row", "blocks")):
        if line[name] is not None:
            ratio = line[f"{name}_ratio"]
            texts.append(f"{line[name]['median']:.1f} {unit} per row ({ratio:.2f} × the least)")
    return texts
