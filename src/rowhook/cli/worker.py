"""`rowhook worker`: delivers until it is told to stop, in one process or several."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import Process

import rich_click as click
import structlog

from rowhook.cli import entrance
from rowhook.cli.environment import child_environment
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.readiness import check_ready
from rowhook.settings import Settings

log = structlog.get_logger()
_RESTART_S = 1.0


@click.command()
@click.option(
    "--processes",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Worker processes on this machine; one that dies is started again.",
)
@with_settings
def worker(settings: Settings, *, processes: int) -> None:
    """Deliver what is due. SIGTERM drains: what is on the wire ends, the rest is given back."""
    run = _work(settings) if processes == 1 else _supervise(settings, processes)
    sys.exit(run_async(run))


async def _work(settings: Settings) -> int:
    stop = asyncio.Event()
    entrance.on_signal(stop)
    async with entrance.database(settings) as place:
        await check_ready(settings, place)
        async with entrance.worker(settings, place) as hand:
            return await entrance.work_until(stop, hand)


async def _supervise(settings: Settings, processes: int) -> int:
    stop = asyncio.Event()
    entrance.on_signal(stop)
    async with entrance.database(settings) as place:
        await check_ready(settings, place)
        await entrance.check_keys(settings, place)
        environment = child_environment(place.dsn, settings)
        codes = await asyncio.gather(*(_keep_one(stop, environment) for _ in range(processes)))
    return max(codes)


async def _keep_one(stop: asyncio.Event, environment: dict[str, str]) -> int:
    while True:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "rowhook", "worker", env=environment, start_new_session=True
        )
        code = await _until_it_ends(child, stop)
        if stop.is_set():
            return code
        log.error("worker.died", pid=child.pid, code=code)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_RESTART_S):
                await stop.wait()
                return code


async def _until_it_ends(child: Process, stop: asyncio.Event) -> int:
    ended = asyncio.create_task(child.wait())
    told = asyncio.create_task(stop.wait())
    await asyncio.wait({ended, told}, return_when=asyncio.FIRST_COMPLETED)
    if told.done() and not ended.done():
        child.terminate()
    told.cancel()
    return await ended
