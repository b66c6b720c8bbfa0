"""`rowhook worker`, which needs none of the libraries of the API."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import Process
from dataclasses import replace
from pathlib import Path

import rich_click as click
import structlog

from rowhook.cli import startup
from rowhook.cli.fleet import work_each
from rowhook.cli.http_server import metrics_ports, serve_status
from rowhook.cli.options import child_environment, run_async, with_settings
from rowhook.cli.startup import check_ready
from rowhook.embedded.server_process import wait_uncancelled
from rowhook.settings import Settings
from rowhook.supervisor import is_set_within, stop_on_signal

log = structlog.get_logger()
_RESTART_S = 1.0
_MOST = 64
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def process_count(text: str) -> int:
    """Parses a number of processes, or `auto` for one for each core. Raises BadParameter."""
    if text == "auto":
        return min(usable_cores(), _MOST)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= _MOST):
        raise click.BadParameter(f"Use a number from 1 to {_MOST}, or auto.")
    return int(text)


def usable_cores() -> int:
    """Returns the cores of this process: those it may run on, or fewer by the container's limit."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text().split()
    except (OSError, ValueError):
        return cores
    return cores if quota == "max" else max(1, min(cores, int(quota) // int(period)))


@click.command()
@click.option(
    "--processes",
    default="1",
    show_default=True,
    type=process_count,
    metavar="N|auto",
    help="Number of worker processes up to 64, or auto for one for each core. A process that dies"
    " is restarted.",
)
@with_settings
def worker(settings: Settings, *, processes: int) -> None:
    """Send due deliveries. On SIGTERM, finish the requests in flight and release the rest."""
    run = _work(settings) if processes == 1 else _supervise(settings, processes)
    sys.exit(run_async(run))


async def _work(settings: Settings) -> int:
    stop = stop_on_signal()
    metrics_ports(settings)
    if settings.databases is not None:
        return await work_each(settings, stop)
    async with startup.database(settings) as database:
        await check_ready(settings, database)
        async with (
            startup.worker(settings, database) as running,
            serve_status(settings, database, running, stop) as status,
        ):
            code = await startup.run_worker(stop, running)
        return max(code, status.exit_code)


async def _supervise(settings: Settings, processes: int) -> int:
    stop = stop_on_signal()
    ports = metrics_ports(settings, processes)
    if settings.databases is not None:
        # Each process checks each database, since one that is down must not stop the others.
        return await _run_children(settings, None, ports, stop)
    async with startup.database(settings) as database:
        await check_ready(settings, database)
        await startup.check_keys(settings, database)
        return await _run_children(settings, database.dsn, ports, stop)


async def _run_children(
    settings: Settings, dsn: str | None, ports: list[int | None], stop: asyncio.Event
) -> int:
    environments = [child_environment(dsn, replace(settings, metrics_port=port)) for port in ports]
    return max(
        await asyncio.gather(*(_restart_until(stop, environment) for environment in environments))
    )


async def _restart_until(stop: asyncio.Event, environment: dict[str, str]) -> int:
    while True:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            # Without it, the files of the working folder would be imported before the libraries.
            "-P",
            "-m",
            "rowhook",
            "worker",
            env=environment,
            start_new_session=True,
        )
        code = await _wait_for_exit(child, stop)
        if stop.is_set():
            return code
        log.error("worker.died", pid=child.pid, code=code)
        if await is_set_within(stop, _RESTART_S):
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
