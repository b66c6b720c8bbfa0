"""Runs the HTTP server in the event loop of the command."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from rowhook.api.application import Served, application
from rowhook.api.callback_stream import listening
from rowhook.dashboard import error_pages, site
from rowhook.dashboard.live_updates import Streams
from rowhook.db.standby import Standby
from rowhook.mcp.asgi import open_mcp
from rowhook.services.context import ServerContext
from rowhook.supervisor import Supervisor

# The longest request is a test send of a webhook with the maximum timeout of 30 s.
_DRAIN_S = 32
_TICK_S = 1.0


class _Server(uvicorn.Server):
    """A server without signal handlers: the command stops its parts in order."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ends `serve` after the open requests."""
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        """Updates the Date header once a second, where uvicorn's own loop wakes up ten times."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._stopping.wait()

    def capture_signals(self) -> Any:
        from contextlib import nullcontext  # noqa: PLC0415  # only for this override

        return nullcontext()


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
async def serving(asgi_app: Any, *, host: str, port: int, tasks: Supervisor) -> AsyncIterator[int]:
    """Serves an ASGI application; yields the port, a free one if `port` is 0."""
    server = _Server(
        uvicorn.Config(
            asgi_app,
            host=host,
            port=port,
            # uvicorn would prefer httptools, which is there for the client.
            http="h11",
            log_config=None,
            access_log=False,
            lifespan="auto",
            timeout_graceful_shutdown=_DRAIN_S,
        )
    )
    task = asyncio.create_task(server.serve(), name="http")
    try:
        while not server.started:
            if task.done():
                await task
                raise OSError(f"Cannot listen on {host}:{port}.")
            await asyncio.sleep(0.005)
        tasks.watch(task)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        tasks.expect_end("http")
        server.stop()
        await asyncio.wait({task})
        if server.started and (task.cancelled() or task.exception() is not None):
            # The server failed and left its sockets open, which uvloop would wait for.
            await server.shutdown()
