"""Serves the API, the dashboard and the MCP server, of one database or of several."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog

from rowhook.api.application import Served, application
from rowhook.api.callback_stream import listening
from rowhook.api.dispatcher import Dispatcher
from rowhook.cli import startup
from rowhook.cli.fleet import serve_each
from rowhook.cli.http_server import serving
from rowhook.cli.startup import check_ready
from rowhook.dashboard import error_pages, site
from rowhook.dashboard.live_updates import Streams
from rowhook.db.standby import Standby
from rowhook.mcp.asgi import open_mcp
from rowhook.services.context import ServerContext
from rowhook.settings import Settings
from rowhook.supervisor import Supervisor


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


log = structlog.get_logger()


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
