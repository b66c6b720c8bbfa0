"""Installs and removes the functions and rows of the benchmark."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from rowhook.db import connection_pool, installation_queries, statements
from rowhook.embedded import server_binaries
from rowhook.embedded.server_process import EmbeddedUnavailable
from rowhook.render.configuration import Configuration
from rowhook.services import links, webhooks
from rowhook.services.context import KeyringContext

_SQL = Path(__file__).with_name("sql")
ORGANIZATION = UUID("00000000-0000-4000-8000-00000000000a")
_WEBHOOKS = 10
_LINKED_AGENT = UUID("00000000-0000-4000-800b-0000000000a1")
_WAITING = ("pending", "sending", "held")
_DEBIAN = Path("/usr/lib/postgresql")


async def run_script(dsn: str, name: str) -> None:
    """Runs a file of `bench/sql`."""
    script = _SQL / name
    async with await connection_pool.connect(dsn) as connection:
        await statements.run_script(connection, script.read_text("utf-8"))


@asynccontextmanager
async def installed(dsn: str, *, is_temporary: bool) -> AsyncIterator[None]:
    """Installs the functions, organization and goals of the benchmark; removes them at exit.

    Nothing is removed from a temporary database.
    """
    await _remove(dsn)
    try:
        await run_script(dsn, "install.sql")
        await run_script(dsn, "install_shapes.sql")
        await run_script(dsn, "install_size.sql")
        await run_script(dsn, "install_claims.sql")
        yield
    finally:
        if not is_temporary:
            await _remove(dsn)


async def _remove(dsn: str) -> None:
    await run_script(dsn, "clear.sql")
    await run_script(dsn, "remove.sql")


async def clear_rows(dsn: str) -> None:
    """Deletes the benchmark's commits, jobs and deliveries, and vacuums their tables."""
    for name in ("clear.sql", "clear_shapes.sql", "vacuum.sql"):
        await run_script(dsn, name)


async def count_deliveries(dsn: str) -> tuple[int, int]:
    """Returns the number of deliveries in the database, and how many of them are waiting."""
    async with await connection_pool.connect(dsn) as connection:
        if not await installation_queries.applied_migrations(connection):
            return 0, 0
    async with connection_pool.open_pool(dsn, size=1) as pool:
        rows = await installation_queries.status(pool)
    counts = {row["status"]: int(row["deliveries"]) for row in rows}
    return sum(counts.values()), sum(counts[status] for status in _WAITING)


async def link_webhooks(ctx: KeyringContext, port: int) -> None:
    """Links a webhook to each goal, and the last one to an agent; all send to the receiver."""
    for number in range(_WEBHOOKS):
        configuration = Configuration(
            name=f"webhook {number}", url=f"http://127.0.0.1:{port}/{number}", max_in_flight=1000
        )
        webhook = await webhooks.create_webhook(ctx, ORGANIZATION, configuration)
        await links.link_goal(ctx, webhook.id, f"rowhook_bench_{number}")
    await links.link_agent(ctx, webhook.id, _LINKED_AGENT)


def find_pgbench() -> Path | None:
    """Finds pgbench on the PATH, in the embedded PostgreSQL, or in Debian's newest server."""
    on_path = shutil.which("pgbench")
    if on_path is not None:
        return Path(on_path)
    try:
        bundled = server_binaries.binaries() / "pgbench"
    except EmbeddedUnavailable:
        bundled = None
    debian = sorted(_DEBIAN.glob("*/bin/pgbench"), key=lambda path: float(path.parts[-3]))
    programs = [path for path in (bundled, *reversed(debian)) if path and path.is_file()]
    return programs[0] if programs else None
