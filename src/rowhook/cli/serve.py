"""An HTTP application served inside our own loop, until we say stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from rowhook import dashboard
from rowhook.api import application
from rowhook.api.callbacks import listening
from rowhook.mcp import open_mcp
from rowhook.operations import ServerContext
from rowhook.supervisor import Supervisor

# The longest call is a test send of a webhook with the longest timeout, 30 s.
_DRAIN_S = 32


class _Quiet(uvicorn.Server):
    """Signals are ours: the whole process stops in one order."""

    def capture_signals(self) -> Any:
        from contextlib import nullcontext  # noqa: PLC0415  # for this override alone

        return nullcontext()


@asynccontextmanager
async def serve_api(
    server_ctx: ServerContext, *, host: str, port: int, tasks: Supervisor
) -> AsyncIterator[int]:
    """Serves all that is to be had over HTTP: the API, the dashboard, and the MCP server."""
    streams = dashboard.Streams()
    async with (
        open_mcp(server_ctx.pool, server_ctx.ctx, server_ctx.admin_key) as mcp,
        listening(server_ctx.direct_dsn, tasks) as subscriptions,
        serving(
            application(
                server_ctx,
                mcp=mcp,
                subscriptions=subscriptions,
                pages=dashboard.routes(streams),
                not_found_page=dashboard.not_found_page,
            ),
            host=host,
            port=port,
            tasks=tasks,
        ) as taken,
    ):
        try:
            yield taken
        finally:
            # The server waits for what is open: a stream would never end by itself.
            subscriptions.stop()
            streams.stop()


@asynccontextmanager
async def serving(face: Any, *, host: str, port: int, tasks: Supervisor) -> AsyncIterator[int]:
    """Serves an ASGI application; yields the port, which was free if 0 was asked for."""
    server = _Quiet(
        uvicorn.Config(
            face,
            host=host,
            port=port,
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
                raise OSError(f"cannot listen on {host}:{port}")
            await asyncio.sleep(0.005)
        tasks.watch(task)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        tasks.expect_end("http")
        server.should_exit = True
        await asyncio.wait({task})
        if server.started and (task.cancelled() or task.exception() is not None):
            # Its loop ended before its time, and left its sockets open: uvloop waits for them.
            await server.shutdown()
