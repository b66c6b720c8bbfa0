"""What the benchmark puts into a database, and takes away again."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from rowhook import embedded, migrate, operations, postgres
from rowhook.compose import Configuration
from rowhook.operations import KeyringContext

ORGANIZATION = UUID("00000000-0000-4000-8000-00000000000a")
_WEBHOOKS = 10
_LINKED_AGENT = UUID("00000000-0000-4000-800b-0000000000a1")
_WAITING = ("pending", "sending", "held")
_DEBIAN = Path("/usr/lib/postgresql")


async def run_script(dsn: str, name: str) -> None:
    """Runs a file of `sql/bench`."""
    script = migrate.sql_folder() / "bench" / name
    async with await postgres.connect(dsn) as connection:
        await postgres.run_script(connection, script.read_text("utf-8"))


@asynccontextmanager
async def installed(dsn: str, *, thrown_away: bool) -> AsyncIterator[None]:
    """The benchmark's functions, organization and goals. At the exit nothing of it is left.

    Nothing is removed from a database that is thrown away.
    """
    await _remove(dsn)
    try:
        await run_script(dsn, "install.sql")
        await run_script(dsn, "install_shapes.sql")
        await run_script(dsn, "install_size.sql")
        yield
    finally:
        if not thrown_away:
            await _remove(dsn)


async def _remove(dsn: str) -> None:
    await run_script(dsn, "clear.sql")
    await run_script(dsn, "remove.sql")


async def clear_rows(dsn: str) -> None:
    """Deletes the benchmark's commits, jobs and deliveries, and vacuums their tables."""
    for name in ("clear.sql", "clear_shapes.sql", "vacuum.sql"):
        await run_script(dsn, name)


async def held_already(dsn: str) -> tuple[int, int]:
    """How many deliveries the database has, and how many of them wait to be sent."""
    async with await postgres.connect(dsn) as connection:
        if not await postgres.applied_migrations(connection):
            return 0, 0
    async with postgres.open_pool(dsn, size=1) as pool:
        rows = await postgres.status(pool)
    counts = {row["status"]: int(row["deliveries"]) for row in rows}
    return sum(counts.values()), sum(counts[status] for status in _WAITING)


async def link_webhooks(ctx: KeyringContext, port: int) -> None:
    """A webhook for each of the goals, the last also for an agent, to the receiver."""
    for number in range(_WEBHOOKS):
        given = Configuration(
            name=f"webhook {number}", url=f"http://127.0.0.1:{port}/{number}", max_in_flight=1000
        )
        saved = await operations.create_webhook(ctx, ORGANIZATION, given)
        await operations.link_goal(ctx, saved.id, f"rowhook_bench_{number}")
    await operations.link_agent(ctx, saved.id, _LINKED_AGENT)


def find_pgbench() -> Path | None:
    """Pgbench of the PATH, of the embedded Postgres, or of Debian's newest server."""
    on_path = shutil.which("pgbench")
    if on_path is not None:
        return Path(on_path)
    try:
        embedded_one = embedded.binaries() / "pgbench"
    except embedded.EmbeddedUnavailable:
        embedded_one = None
    debian = sorted(_DEBIAN.glob("*/bin/pgbench"), key=lambda path: float(path.parts[-3]))
    found = [path for path in (embedded_one, *reversed(debian)) if path and path.is_file()]
    return found[0] if found else None
