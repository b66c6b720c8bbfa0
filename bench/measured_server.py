"""Describes the measured server and the CPU time of a commit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rowhook.db import connection_pool, statements
from rowhook.db.connection_pool import Pool

_WARM_UP, _COUNTED = 20, 200
# Settings in the table; `--json` has all of them.
_TABLE_SETTINGS = (
    "jit",
    "shared_buffers",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "max_connections",
    "random_page_cost",
)


async def describe(pool: Pool) -> dict[str, Any]:
    """Returns `{version, jit_available, settings}` of a session of this login."""
    description: dict[str, Any] = await statements.value(pool, "select rowhook.bench_server()")
    return description


async def commit_cpu(dsn: str) -> dict[str, Any] | None:
    """Measures the CPU milliseconds of a commit with and without JIT.

    None if they are unavailable: the server is on another machine, or there is no /proc.
    """
    figures = {
        "jit_on": await _measure_session(dsn, jit=True),
        "jit_off": await _measure_session(dsn, jit=False),
    }
    return None if None in figures.values() else figures


async def _measure_session(dsn: str, *, jit: bool) -> dict[str, float] | None:
    """Measures in a new session, because a cached plan keeps its JIT decision."""
    _, database = statements.login_and_database(dsn)
    async with (
        connection_pool.open_pool(dsn, size=1) as pool,
        connection_pool.open_pool(dsn, size=1) as worker,
    ):
        pid = int(await statements.value(pool, "select rowhook.bench_session(%s)", jit))
        if cpu_ns(pid, database) is None:
            return None
        await statements.rows(pool, "select rowhook.bench_all_awake()")
        without = await _per_commit_ms(pool, pid, database, captured=False)
        busy = await _per_commit_ms(pool, pid, database, captured=True)
        idle = await _per_commit_ms(pool, pid, database, captured=True, sleeper=worker)
        return {"without": without, "with_capture": busy, "with_capture_and_notify": idle}


async def _per_commit_ms(
    pool: Pool,
    pid: int,
    database: str,
    *,
    captured: bool,
    sleeper: Pool | None = None,
) -> float:
    await _commit(pool, _WARM_UP, captured=captured, sleeper=sleeper)
    before = cpu_ns(pid, database) or 0
    await _commit(pool, _COUNTED, captured=captured, sleeper=sleeper)
    used = (cpu_ns(pid, database) or 0) - before
    return round(used / _COUNTED / 1e6, 3)


async def _commit(pool: Pool, times: int, *, captured: bool, sleeper: Pool | None) -> None:
    """Commits one row at a time. With `sleeper`, a worker waits for a notification each time."""
    for _ in range(times):
        if sleeper:
            await statements.rows(sleeper, "select rowhook.bench_one_asleep()")
        await statements.rows(pool, "select rowhook.bench_commit_once(%s)", captured)


def cpu_ns(pid: int, database: str) -> int | None:
    """Returns the CPU time of a local backend process of the database, None if unavailable."""
    process = Path(f"/proc/{pid}")
    try:
        title = (process / "cmdline").read_bytes()
        if not title.startswith(b"postgres: ") or f" {database} ".encode() not in title:
            return None
        return int((process / "schedstat").read_text().split()[0])
    except OSError:
        return None


def table(server: dict[str, Any], cpu: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Returns the label and text of each figure."""
    settings = server["settings"]
    listed = ", ".join(f"{name} {settings[name]}" for name in _TABLE_SETTINGS if name in settings)
    lines = [("server", f"PostgreSQL {server['version']}"), ("  settings", listed)]
    if cpu is None:
        return [*lines, ("  CPU", "not available from this machine")]
    absent = "" if server["jit_available"] else " (JIT not available)"
    return lines + [
        (
            f"  CPU per commit, jit {name}{absent}",
            (
                f"{cpu[key]['without']:g} ms, with capture {cpu[key]['with_capture']:g},"
                f" with an idle worker {cpu[key]['with_capture_and_notify']:g}"
            ),
        )
        for name, key in (("on", "jit_on"), ("off", "jit_off"))
    ]
