"""`rowhook api`: the HTTP face alone, against a migrated database."""

from __future__ import annotations

import asyncio
import sys

import rich_click as click
import structlog

from rowhook.cli import entrance, ports
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.readiness import check_ready
from rowhook.cli.serve import serve_api
from rowhook.settings import Settings
from rowhook.supervisor import Supervisor

log = structlog.get_logger()


@click.command()
@with_settings
def api(settings: Settings) -> None:
    """Serve the dashboard, the REST API (/v1, described at /schema), /mcp, /livez and /metrics."""
    sys.exit(run_async(_serve(settings)))


async def _serve(settings: Settings) -> int:
    stop = asyncio.Event()
    entrance.on_signal(stop)
    tasks = Supervisor(stop)
    ports.require_port(settings)
    async with entrance.database(settings) as place:
        await check_ready(settings, place)
        async with (
            entrance.server_ctx(settings, place) as server_ctx,
            serve_api(server_ctx, host=settings.host, port=settings.port, tasks=tasks) as port,
        ):
            log.info("api.started", url=f"http://{settings.host}:{port}")
            await stop.wait()
        log.info("api.stopped")
    return tasks.exit_code
