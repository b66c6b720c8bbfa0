"""`rowhook up` and `rowhook api`."""

from __future__ import annotations

import asyncio
import sys

import rich_click as click
import structlog

from rowhook.cli import next_steps, startup
from rowhook.cli.listening_port import require_port
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.output import sanitize
from rowhook.cli.serve import serve_all, serve_api
from rowhook.cli.startup import check_ready, migrate_and_grant
from rowhook.cli.worker_status import metrics_ports, serve_status
from rowhook.settings import Settings
from rowhook.supervisor import Supervisor


@click.command()
@with_settings
def up(settings: Settings) -> None:
    """Start and migrate the database, and run API, dashboard and worker until Ctrl-C."""
    sys.exit(run_async(_up(settings)))


async def _up(settings: Settings) -> int:
    stop = asyncio.Event()
    startup.stop_on_signal(stop)
    tasks = Supervisor(stop)
    require_port(settings)
    metrics_ports(settings, besides=settings.port)
    startup.require_keys(settings)
    async with startup.database(settings) as database:
        await startup.check_keys_before_migration(settings, database)
        await migrate_and_grant(settings, database, at_start=True)
        await check_ready(settings, database)
        async with (
            startup.worker(settings, database) as worker,
            serve_status(settings, database, worker, stop) as status,
            startup.server_context(settings, database) as server_ctx,
            serve_api(server_ctx, host=settings.host, port=settings.port, tasks=tasks) as port,
        ):
            url = f"http://{settings.host}:{port}"
            click.echo(
                f"Rowhook is running at {url} (API /v1, reference /schema). Press Ctrl-C to drain"
                " and stop."
            )
            for line in await next_steps.lines(server_ctx, url, creates_key=database.embedded):
                click.echo(sanitize(line))
            code = await startup.run_worker(stop, worker)
        return max(code, tasks.exit_code, status.exit_code)


log = structlog.get_logger()


@click.command()
@with_settings
def api(settings: Settings) -> None:
    """Serve the dashboard, the REST API (/v1, documented at /schema), /mcp, /livez and /metrics."""
    sys.exit(run_async(_serve(settings)))


async def _serve(settings: Settings) -> int:
    stop = asyncio.Event()
    startup.stop_on_signal(stop)
    tasks = Supervisor(stop)
    require_port(settings)
    if databases := settings.each():
        async with serve_all(
            databases, host=settings.host, port=settings.port, tasks=tasks
        ) as port:
            log.info("api.started", url=f"http://{settings.host}:{port}", databases=[*databases])
            await stop.wait()
        log.info("api.stopped")
        return tasks.exit_code
    async with startup.database(settings) as database:
        await check_ready(settings, database)
        async with (
            startup.server_context(settings, database) as server_ctx,
            serve_api(server_ctx, host=settings.host, port=settings.port, tasks=tasks) as port,
        ):
            log.info("api.started", url=f"http://{settings.host}:{port}")
            await stop.wait()
        log.info("api.stopped")
    return tasks.exit_code
