"""`rowhook up` and `rowhook api`: serve the API, the dashboard and the MCP server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import rich_click as click
import structlog

from rowhook.api.application import Served, application
from rowhook.api.callback_routes import listening
from rowhook.api.dispatcher import Dispatcher
from rowhook.cli import next_steps, startup
from rowhook.cli.fleet import serve_each
from rowhook.cli.http_server import metrics_ports, serve_status, serving
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.output import sanitize
from rowhook.cli.startup import check_ready, migrate_and_grant
from rowhook.dashboard import error_pages, site
from rowhook.dashboard.live_updates import Streams
from rowhook.db.standby import Standby
from rowhook.mcp import open_mcp
from rowhook.services.context import ServerContext
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
    metrics_ports(settings, api_port=settings.port)
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


@asynccontextmanager
async def serve_api(
    server_ctx: ServerContext, *, host: str, port: int, tasks: Supervisor
) -> AsyncIterator[int]:
    """Serves the API, the dashboard and the MCP server; yields the port."""
    async with (
        open_application(server_ctx, tasks) as served,
        serving(served.app, host=host, port=port, tasks=tasks) as bound_port,
    ):
        try:
            yield bound_port
        finally:
            # The server waits for open responses, and a stream does not end by itself.
            served.end_streams()


@asynccontextmanager
async def open_application(server_ctx: ServerContext, tasks: Supervisor) -> AsyncIterator[Served]:
    """Opens the application of a database."""
    streams = Streams()
    async with (
        _checking(server_ctx.ctx.standby, tasks),
        open_mcp(server_ctx.pool, server_ctx.ctx, server_ctx.admin_key) as mcp,
        listening(server_ctx.direct_dsn, tasks) as subscriptions,
    ):
        app = application(
            server_ctx,
            mcp=mcp,
            subscriptions=subscriptions,
            pages=site.routes(streams),
            not_found_page=error_pages.not_found_page,
        )

        def end_streams() -> None:
            subscriptions.stop()
            streams.stop()

        yield Served(app=app, end_streams=end_streams)


@asynccontextmanager
async def _checking(standby: Standby | None, tasks: Supervisor) -> AsyncIterator[None]:
    if standby is None:
        yield
        return
    tasks.start("standby", standby.run())
    try:
        yield
    finally:
        await tasks.end("standby")


@asynccontextmanager
async def serve_all(
    databases: Mapping[str, Settings], *, host: str, port: int, tasks: Supervisor
) -> AsyncIterator[int]:
    """Serves API and dashboard of all databases; yields the port."""
    dispatcher = Dispatcher(tuple(databases))
    closing = asyncio.Event()

    async def serve(name: str, settings: Settings) -> int:
        ended = asyncio.Event()
        own = Supervisor(ended)
        async with startup.database(settings) as database:
            await check_ready(settings, database)
            async with (
                startup.server_context(settings, database) as server_ctx,
                open_application(server_ctx, own) as served,
            ):
                with dispatcher.attached(name, served):
                    log.info("database.open")
                    await _first(closing, ended)
        return own.exit_code

    serving_each = asyncio.create_task(serve_each(databases, closing, serve, dispatcher.failed))
    try:
        async with serving(dispatcher, host=host, port=port, tasks=tasks) as bound_port:
            try:
                yield bound_port
            finally:
                dispatcher.end_streams()
    finally:
        # The server has sent its open responses, which needed the databases.
        closing.set()
        await serving_each


async def _first(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
