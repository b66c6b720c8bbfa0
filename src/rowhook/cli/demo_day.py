"""What `rowhook demo --stay` adds: a day of history, the dashboard, and a platform that goes on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from rowhook.cli import next_steps, startup
from rowhook.db import connection_pool, installation_queries, statements
from rowhook.db.installation_queries import Gauges
from rowhook.demo import day
from rowhook.migrate import steps
from rowhook.services.context import KeyringContext, ServerContext
from rowhook.settings import Settings, SettingsRejected

_DEADLINE_S = 60.0
_POLL_S = 0.1
_TRAFFIC_S = 2.0
_INTRODUCTION = (
    "Still running: a dozen webhooks of three organizations with 24 hours of history; one endpoint"
    " is down, one is slow, and some deliveries are held."
)


async def write_history(
    ctx: KeyringContext,
    database: startup.Database,
    receiver_url: str,
    endpoints: day.Endpoints,
    stop: asyncio.Event,
) -> None:
    """Delivers what three organizations commit in a day, and moves it into the last 24 hours.

    Everything is captured, rendered, signed and sent by the running worker. Then
    sql/demo/day_aging.sql moves what was recorded to the times of the platform's rows.
    """
    await run_script(database, "day_platform")
    ids = await day.create_webhooks(ctx, receiver_url)
    await run_script(database, "day_work")
    await _wait(ctx, lambda gauges: gauges.pending + gauges.sending == 0, stop)
    await day.lengthen_schedule(ctx, ids)
    endpoints.carrier_is_down = True
    await run_script(database, "day_outage")
    await _wait(ctx, lambda gauges: gauges.circuits_open > 0 and gauges.sending == 0, stop)
    await run_script(database, "day_aging")


async def run_script(database: startup.Database, name: str) -> None:
    """Executes a script of sql/demo in a connection of its own."""
    script = (steps.sql_folder() / "demo" / f"{name}.sql").read_text("utf-8")
    async with await connection_pool.connect(database.direct) as connection:
        await statements.run_script(connection, script)


async def _wait(ctx: KeyringContext, is_met: Callable[[Gauges], bool], stop: asyncio.Event) -> None:
    async with asyncio.timeout(_DEADLINE_S):
        while not stop.is_set() and not is_met(await installation_queries.gauges(ctx.pool)):
            await asyncio.sleep(_POLL_S)


async def write_traffic(database: startup.Database, stop: asyncio.Event) -> None:
    """Writes a completion every two seconds until `stop` is set."""
    while not stop.is_set():
        await run_script(database, "traffic")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TRAFFIC_S):
                await stop.wait()


def usable_port(settings: Settings) -> int:
    """Returns the configured port, or 0 (any) if something else listens on it."""
    try:
        startup.require_port(settings)
    except SettingsRejected:
        return 0
    return settings.port


async def explanation(server_ctx: ServerContext, url: str, data_dir: Path) -> list[str]:
    """Returns the lines that say what can be tried."""
    ctx = server_ctx.ctx.for_actor(server_ctx.pool, None, startup.actor())
    return [
        "",
        _INTRODUCTION,
        f"  Dashboard  {await next_steps.dashboard_line(server_ctx, url)}",
        f"  API key    {await next_steps.key_line(ctx, None, creates_key=True)}",
        f"  Insert     {next_steps.program()} psql --data-dir {data_dir}",
        "Requests of what you insert for Acme are printed here. Press Ctrl-C to drain and stop.",
    ]
