"""The server that is measured: version and settings, and the CPU that a commit costs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rowhook import postgres

_WARM, _COUNTED = 20, 200
# What a person looks at first; `--json` has the others too.
_SHOWN = (
    "jit",
    "shared_buffers",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "max_connections",
    "random_page_cost",
)


async def described(pool: postgres.Pool) -> dict[str, Any]:
    """`{version, jit_available, settings}`, as they hold in a session of this login."""
    found: dict[str, Any] = await postgres.value(pool, "select rowhook.bench_server()")
    return found


async def commit_cpu(dsn: str) -> dict[str, Any] | None:
    """Milliseconds of the backend's CPU that one commit takes, with JIT and without it.

    None where it cannot be read: on another machine than the server's, or without /proc.
    """
    found = {"jit_on": await _session(dsn, jit=True), "jit_off": await _session(dsn, jit=False)}
    return None if None in found.values() else found


async def _session(dsn: str, *, jit: bool) -> dict[str, float] | None:
    """One session's figures: a plan that is kept keeps what was decided on JIT."""
    _, database = postgres.login_and_database(dsn)
    async with postgres.open_pool(dsn, size=1) as pool, postgres.open_pool(dsn, size=1) as worker:
        pid = int(await postgres.value(pool, "select rowhook.bench_session(%s)", jit))
        if cpu_ns(pid, database) is None:
            return None
        await postgres.rows(pool, "select rowhook.bench_all_awake()")
        without = await _per_commit_ms(pool, pid, database, captured=False)
        awake = await _per_commit_ms(pool, pid, database, captured=True)
        asleep = await _per_commit_ms(pool, pid, database, captured=True, sleeper=worker)
        return {"without": without, "with_capture": awake, "with_capture_and_notify": asleep}


async def _per_commit_ms(
    pool: postgres.Pool,
    pid: int,
    database: str,
    *,
    captured: bool,
    sleeper: postgres.Pool | None = None,
) -> float:
    await _commit(pool, _WARM, captured=captured, sleeper=sleeper)
    before = cpu_ns(pid, database) or 0
    await _commit(pool, _COUNTED, captured=captured, sleeper=sleeper)
    used = (cpu_ns(pid, database) or 0) - before
    return round(used / _COUNTED / 1e6, 3)


async def _commit(
    pool: postgres.Pool, times: int, *, captured: bool, sleeper: postgres.Pool | None
) -> None:
    """Commits one row at a time. Before each one a worker falls asleep through `sleeper`."""
    for _ in range(times):
        if sleeper:
            await postgres.rows(sleeper, "select rowhook.bench_one_asleep()")
        await postgres.rows(pool, "select rowhook.bench_commit_once(%s)", captured)


def cpu_ns(pid: int, database: str) -> int | None:
    """The CPU time of a process of this machine that calls itself a backend of the database."""
    process = Path(f"/proc/{pid}")
    try:
        title = (process / "cmdline").read_bytes()
        if not title.startswith(b"postgres: ") or f" {database} ".encode() not in title:
            return None
        return int((process / "schedstat").read_text().split()[0])
    except OSError:
        return None


def table(server: dict[str, Any], cpu: dict[str, Any] | None) -> list[tuple[str, str]]:
    """What a person reads, a line a figure."""
    settings = server["settings"]
    shown = ", ".join(f"{name} {settings[name]}" for name in _SHOWN if name in settings)
    lines = [("server", f"PostgreSQL {server['version']}"), ("  its settings", shown)]
    if cpu is None:
        return [*lines, ("  its CPU", "not to be read from here")]
    absent = "" if server["jit_available"] else " (it has no JIT)"
    return lines + [
        (
            f"  its CPU for one commit, jit {name}{absent}",
            (
                f"{cpu[key]['without']:g} ms, with capture {cpu[key]['with_capture']:g},"
                f" while a worker sleeps {cpu[key]['with_capture_and_notify']:g}"
            ),
        )
        for name, key in (("on", "jit_on"), ("off", "jit_off"))
    ]
