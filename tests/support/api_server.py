"""Serves the API application, which is created once, on one database after another.

Creating its routes takes half a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from rowhook.api.application import application
from rowhook.api.callback_stream import Subscriptions, listening
from rowhook.api.metrics import Metrics
from rowhook.dashboard import live_updates, site
from rowhook.mcp import open_mcp
from rowhook.migrate.runner import Readiness
from rowhook.services.context import ServerContext
from rowhook.supervisor import Supervisor
from tests.support.deadline import DEADLINE_S

_idle: dict[tuple[str, ...], list[ReusableApplication]] = {}


class Streams(live_updates.Streams):
    """Page streams that can be restarted."""

    def restart(self) -> None:
        self._stopped = asyncio.Event()


class ReusableApplication:
    """An application whose server context can be replaced."""

    def __init__(self, server_ctx: ServerContext) -> None:
        self.streams = Streams()
        self._mcp: Any = None
        self.asgi = application(
            server_ctx,
            mcp=self._enter,
            pages=site.routes(self.streams),
            not_found_page=site.not_found_page,
        )

    def use(self, server_ctx: ServerContext, mcp: Any, subscriptions: Subscriptions) -> None:
        """Replaces all state that belongs to a database."""
        self._mcp = mcp
        self.streams.restart()
        state = {
            "server_ctx": server_ctx,
            "subscriptions": subscriptions,
            "metrics": Metrics(server_ctx.pool, server_ctx.ctx.standby),
            "readiness": Readiness(server_ctx.direct_dsn),
        }
        assert set(self.asgi.state) == set(state), "the application keeps something else too"
        self.asgi.state.update(state)

    async def _enter(self, scope: Any, receive: Any, send: Any) -> None:
        await self._mcp(scope, receive, send)


@asynccontextmanager
async def serve_api(server_ctx: ServerContext, *, port: int) -> AsyncIterator[int]:
    """Serves on loopback as `rowhook.cli.run_commands.serve_api` does; yields the port."""
    idle = _idle.setdefault(server_ctx.cors_origins, [])
    async with (
        open_mcp(server_ctx.pool, server_ctx.ctx, server_ctx.admin_key) as mcp,
        listening(server_ctx.direct_dsn, Supervisor(asyncio.Event())) as subscriptions,
    ):
        server = idle.pop() if idle else ReusableApplication(server_ctx)
        server.use(server_ctx, mcp, subscriptions)
        async with serve_asgi(server.asgi, port=port) as bound_port:
            try:
                yield bound_port
            finally:
                subscriptions.stop()
                server.streams.stop()
    idle.append(server)


@asynccontextmanager
async def serve_asgi(asgi: Any, *, port: int = 0) -> AsyncIterator[int]:
    """Serves an ASGI application on loopback; yields the port and stops after all responses.

    `uvicorn.Server.run` would add up to 0.2 s to each shutdown.
    """
    config = uvicorn.Config(
        asgi, host="127.0.0.1", port=port, http="h11", log_config=None, access_log=False
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    await server.on_tick(0)  # for the Date header
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        for listener in server.servers:
            listener.close()
        async with asyncio.timeout(DEADLINE_S):
            await _wait_for_responses(server.server_state)
        await server.lifespan.shutdown()


async def _wait_for_responses(state: uvicorn.server.ServerState) -> None:
    for connection in list(state.connections):
        connection.shutdown()
    while state.connections or state.tasks:
        await asyncio.sleep(0.001)
