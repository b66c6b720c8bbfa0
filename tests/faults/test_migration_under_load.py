"""A migration that locks tables while the platform commits and leaves a transaction open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import psycopg
import pytest

from rowhook.migrate import runner
from tests.support.clusters import cluster
from tests.support.commands import run_command
from tests.support.sample_platform import Platform
from tests.support.scoreboard import score
from tests.support.worker_rig import until

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.faults]
CONNECTIONS, COMMITS_PER_S, OPEN_S = 8, 200, 8
LONGEST_MS = 250
COMMIT = "insert into rowhook.commit (goal_id, data) values (%s, '{\"n\": 1}')"
JOB = "insert into rowhook.job (agent_version_id, status) values (%s, 'succeeded')"
WAITING = "select exists (select from pg_stat_activity where %s = any (pg_blocking_pids(pid)))"
# Differences of the previous version: file, current text, previous text.
CHANGES = {
    "trigger": (
        "triggers.sql",
        "after insert on rowhook.commit",
        "after insert\n  on rowhook.commit",
    ),
    "policies": ("policies.sql", "to rowhook_worker using", "to rowhook_worker  using"),
}
FUNCTIONS = "functions/10_capture.sql", "begin", "begin\n  -- of the version before\n"


@pytest.fixture(params=["18", "15"])
async def live(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The DSN of a separate server."""
    async with cluster(request.param) as started:
        yield started.dsn


async def statements(dsn: str, statement: str, goal: str, took_ms: list[float]) -> None:
    """Commits as one connection of the platform at its share of the rate, until cancelled."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        due = time.monotonic()
        while True:
            began = time.monotonic()
            await connection.execute(statement.encode(), (goal,))
            took_ms.append(1000 * (time.monotonic() - began))
            due = max(due + CONNECTIONS / COMMITS_PER_S, began)
            await asyncio.sleep(max(due - time.monotonic(), 0))


@asynccontextmanager
async def load(dsn: str, goal: str) -> AsyncIterator[tuple[list[float], list[float]]]:
    """Measures the ms of each commit, and of each statement that uses no table."""
    took_ms: list[float] = []
    bare_ms: list[float] = []
    tasks = [
        *(asyncio.create_task(statements(dsn, COMMIT, goal, took_ms)) for _ in range(CONNECTIONS)),
        asyncio.create_task(statements(dsn, "select %s::text", goal, bare_ms)),
    ]
    try:
        yield took_ms, bare_ms
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)


async def leave_open(dsn: str, platform: Platform) -> None:
    """Keeps a transaction with a job and a commit open while a migration waits for it."""
    async with await psycopg.AsyncConnection.connect(dsn, application_name="platform") as holder:
        await holder.execute(JOB, (platform.version,))
        await holder.execute(COMMIT.encode(), (platform.goal,))

        async def migration_waits() -> bool:
            return bool(await platform.value(WAITING, holder.info.backend_pid))

        await until(migration_waits)
        await asyncio.sleep(OPEN_S)


@pytest.mark.parametrize("changed", CHANGES)
async def test_a_migration_delays_platform_statements_by_at_most_its_lock_wait(
    live: str, sql: Path, folder: Path, changed: str
) -> None:
    for name, now, before in (CHANGES[changed], FUNCTIONS):
        file = sql / name
        file.write_text(file.read_text().replace(now, before))
    await runner.migrate(live, sql)
    async with await psycopg.AsyncConnection.connect(live, autocommit=True) as db:
        platform = Platform(db)
        await platform.set_up()
        version = await platform.value("show server_version")
        async with load(live, platform.goal) as (took_ms, bare_ms):
            await asyncio.sleep(3)
            quiet_ms = max(took_ms)
            took_ms.clear()
            bare_ms.clear()
            holder = asyncio.create_task(leave_open(live, platform))
            result = await run_command(folder, "migrate", DATABASE_URL=live)
            await holder
    assert (result.code, "migration.waiting" in result.err) == (0, True), result
    assert await runner.plan(live) == []
    score(
        f"functions and {changed} are replaced during {COMMITS_PER_S} commits/s and a transaction"
        f" open for {OPEN_S} s, PostgreSQL {version.split()[0]}",
        required=f"longest statement ≤ {LONGEST_MS} ms more than one without a table",
        measured=f"{max(took_ms):.0f} ms of {len(took_ms):,}, median {median(took_ms):.1f} ms"
        f" (select without a table: {max(bare_ms):.0f} ms; before: {quiet_ms:.0f} ms)",
        holds=max(took_ms) <= LONGEST_MS + max(bare_ms),
    )
