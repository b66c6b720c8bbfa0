"""`rowhook worker`, which needs none of the libraries of the API."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import Process
from dataclasses import replace

import rich_click as click
import structlog

from rowhook.cli import startup
from rowhook.cli.config_command import child_environment
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.startup import check_ready
from rowhook.cli.worker_status import metrics_ports, serve_status
from rowhook.embedded.server_process import wait_uncancelled
from rowhook.settings import Settings

log = structlog.get_logger()
_RESTART_S = 1.0


@click.command()
@click.option(
    "--processes",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Number of worker processes. A process that dies is restarted.",
)
@with_settings
def worker(settings: Settings, *, processes: int) -> None:
    """Send due deliveries. On SIGTERM, finish the requests in flight and release the rest."""
    run = _work(settings) if processes == 1 else _supervise(settings, processes)
    sys.exit(run_async(run))


async def _work(settings: Settings) -> int:
    stop = asyncio.Event()
    startup.stop_on_signal(stop)
    metrics_ports(settings)
    async with startup.database(settings) as database:
        await check_ready(settings, database)
        async with (
            startup.worker(settings, database) as running,
            serve_status(settings, database, running, stop) as status,
        ):
            code = await startup.run_worker(stop, running)
        return max(code, status.exit_code)


async def _supervise(settings: Settings, processes: int) -> int:
    stop = asyncio.Event()
    startup.stop_on_signal(stop)
    ports = metrics_ports(settings, processes)
    async with startup.database(settings) as database:
        await check_ready(settings, database)
        await startup.check_keys(settings, database)
        environments = [
            child_environment(database.dsn, replace(settings, metrics_port=port)) for port in ports
        ]
        codes = await asyncio.gather(*(_restart_until(stop, each) for each in environments))
    return max(codes)


async def _restart_until(stop: asyncio.Event, environment: dict[str, str]) -> int:
    while True:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "rowhook", "worker", env=environment, start_new_session=True
        )
        code = await _wait_for_exit(child, stop)
        if stop.is_set():
            return code
        log.error("worker.died", pid=child.pid, code=code)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_RESTART_S):
                await stop.wait()
                return code


async def _wait_for_exit(child: Process, stop: asyncio.Event) -> int:
    ended = asyncio.create_task(child.wait())
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if stopped.done() and child.returncode is None:
            child.terminate()
        return await child.wait()
    except asyncio.CancelledError:
        # A second signal: the child stops at once, too.
        if child.returncode is None:
            child.terminate()
            await wait_uncancelled(child)
        raise
    finally:
        ended.cancel()
        stopped.cancel()
