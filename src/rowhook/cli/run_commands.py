"""`rowhook up` and `rowhook api`."""

from __future__ import annotations

import asyncio
import sys

import rich_click as click
import structlog

from rowhook.cli import startup
from rowhook.cli.fleet_server import serve_all
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.serve import serve_api
from rowhook.cli.startup import check_ready, migrate_and_grant
from rowhook.services import access, sessions
from rowhook.services.access import SCOPES
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
    startup.require_port(settings)
    async with startup.database(settings) as database:
        await migrate_and_grant(settings, database, at_start=True)
        await check_ready(settings, database)
        async with (
            startup.worker(settings, database) as worker,
            startup.server_context(settings, database) as server_ctx,
            serve_api(server_ctx, host=settings.host, port=settings.port, tasks=tasks) as port,
        ):
            url = f"http://{settings.host}:{port}"
            click.echo(
                f"Rowhook is running. API: {url}/v1, reference: {url}/schema, dashboard: {url}/"
            )
            if database.embedded:
                click.echo(f'  psql "{database.dsn}"')
                await _print_first_key(settings, database)
                link = await sessions.make_link(server_ctx.pool)
                click.echo(f"  Sign-in link (once, 15 minutes): {url}/sign-in/link?token={link}")
            click.echo("Press Ctrl-C to drain and stop.")
            code = await startup.run_worker(stop, worker)
        return max(code, tasks.exit_code)


async def _print_first_key(settings: Settings, database: startup.Database) -> None:
    """Creates and prints an operator key on a new embedded database."""
    async with startup.keyring_context(settings, database) as ctx:
        if (await access.list_keys(ctx, limit=1)).items:
            return
        key = await access.create_key(ctx, None, "first key", list(SCOPES))
    click.echo(f"  Operator key (shown only once): {key.key}")


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
    startup.require_port(settings)
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
