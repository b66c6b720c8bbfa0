"""`rowhook up`: runs API, dashboard and worker in one process, by default on its own database."""

from __future__ import annotations

import asyncio
import sys

import rich_click as click

from rowhook import operations
from rowhook.cli import entrance, ports
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.readiness import check_ready, migrate_and_grant
from rowhook.cli.serve import serve_api
from rowhook.operations import sign_in
from rowhook.settings import Settings
from rowhook.supervisor import Supervisor


@click.command()
@with_settings
def up(settings: Settings) -> None:
    """Start and migrate the database, and run API, dashboard and worker until Ctrl-C."""
    sys.exit(run_async(_up(settings)))


async def _up(settings: Settings) -> int:
    stop = asyncio.Event()
    entrance.stop_on_signal(stop)
    tasks = Supervisor(stop)
    ports.require_port(settings)
    async with entrance.database(settings) as database:
        await migrate_and_grant(settings, database, at_start=True)
        await check_ready(settings, database)
        async with (
            entrance.worker(settings, database) as worker,
            entrance.server_context(settings, database) as server_ctx,
            serve_api(server_ctx, host=settings.host, port=settings.port, tasks=tasks) as port,
        ):
            url = f"http://{settings.host}:{port}"
            click.echo(
                f"Rowhook is running. API: {url}/v1, reference: {url}/schema, dashboard: {url}/"
            )
            if database.embedded:
                click.echo(f'  psql "{database.dsn}"')
                await _print_first_key(settings, database)
                link = await sign_in.make_link(server_ctx.pool)
                click.echo(f"  Sign-in link (once, 15 minutes): {url}/sign-in/link?token={link}")
            click.echo("Press Ctrl-C to drain and stop.")
            code = await entrance.run_worker(stop, worker)
        return max(code, tasks.exit_code)


async def _print_first_key(settings: Settings, database: entrance.Database) -> None:
    """Creates and prints an operator key on a new embedded database."""
    async with entrance.keyring_context(settings, database) as ctx:
        if (await operations.list_keys(ctx, limit=1)).items:
            return
        key = await operations.create_key(ctx, None, "first key", list(operations.SCOPES))
    click.echo(f"  Operator key (shown only once): {key.key}")
