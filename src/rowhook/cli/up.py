"""`rowhook up`: everything in one process, on a database of its own if none is given."""

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
    """Start the database, migrate it, and run API, dashboard and worker until Ctrl-C."""
    sys.exit(run_async(_up(settings)))


async def _up(settings: Settings) -> int:
    stop = asyncio.Event()
    entrance.on_signal(stop)
    tasks = Supervisor(stop)
    ports.require_port(settings)
    async with entrance.database(settings) as place:
        await migrate_and_grant(settings, place, at_start=True)
        await check_ready(settings, place)
        async with (
            entrance.worker(settings, place) as hand,
            entrance.server_ctx(settings, place) as server_ctx,
            serve_api(server_ctx, host=settings.host, port=settings.port, tasks=tasks) as port,
        ):
            url = f"http://{settings.host}:{port}"
            click.echo(f"Rowhook is up: {url}/v1, described at /schema, dashboard at {url}/")
            if place.embedded:
                click.echo(f'  psql "{place.dsn}"')
                await _first_key(settings, place)
                link = await sign_in.make_link(server_ctx.pool)
                click.echo(f"  sign in, once, within 15 minutes: {url}/sign-in/link?token={link}")
            click.echo("Ctrl-C drains and stops.")
            code = await entrance.work_until(stop, hand)
        return max(code, tasks.exit_code)


async def _first_key(settings: Settings, place: entrance.Database) -> None:
    """On a new embedded database: an operator key, which is the only way in."""
    async with entrance.ctx(settings, place) as ctx:
        if (await operations.list_keys(ctx, limit=1)).items:
            return
        made = await operations.create_key(ctx, None, "first key", list(operations.SCOPES))
    click.echo(f"  operator key, shown only now: {made.key}")
