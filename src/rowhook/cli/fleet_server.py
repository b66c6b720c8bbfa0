"""One API and dashboard for several databases (`ROWHOOK_DATABASES`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog

from rowhook.api.dispatcher import Dispatcher
from rowhook.cli import startup
from rowhook.cli.fleet import serve_each
from rowhook.cli.http_server import serving
from rowhook.cli.serve import open_application
from rowhook.cli.startup import check_ready
from rowhook.settings import Settings
from rowhook.supervisor import Supervisor

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
