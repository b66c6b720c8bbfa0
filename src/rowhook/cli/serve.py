"""Serves the API, the dashboard and the MCP server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rowhook.api.application import Served, application
from rowhook.api.callback_stream import listening
from rowhook.cli.http_server import serving
from rowhook.dashboard import error_pages, site
from rowhook.dashboard.live_updates import Streams
from rowhook.db.standby import Standby
from rowhook.mcp.asgi import open_mcp
from rowhook.services.context import ServerContext
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
