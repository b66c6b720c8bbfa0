"""Several databases (`ROWHOOK_DATABASES`): each is served or examined by itself."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, redirect_stdout
from typing import TYPE_CHECKING

import rich_click as click
import structlog

from rowhook.cli import error_messages, output, startup
from rowhook.cli.http_server import serving
from rowhook.cli.startup import check_ready
from rowhook.db.statements import Unreachable
from rowhook.migrate.runner import Readiness
from rowhook.settings import Settings
from rowhook.supervisor import Supervisor, is_set_within

if TYPE_CHECKING:
    from rowhook.worker.pipeline import Worker
    from rowhook.worker.status_app import FleetStatus

log = structlog.get_logger()
Serve = Callable[[str, Settings], Awaitable[int]]
_RETRY_S = 2.0
_UNREACHABLE = "The database cannot be reached."
_INTERNAL = "Internal error. Details are in the log."


async def serve_each(
    databases: Mapping[str, Settings],
    stop: asyncio.Event,
    serve: Serve,
    failed: Callable[[str, str], None] | None,
) -> int:
    """Serves each database until `stop` is set; returns the highest exit code.

    `failed` is called with the name of a database that is not served, and the reason.

    One that cannot be opened, or whose tasks end, is opened again and does not affect the others.
    """

    async def keep(name: str, settings: Settings) -> int:
        # A task has its own context, so that its log lines name the database.
        structlog.contextvars.bind_contextvars(database=name)
        logged = ""
        while True:
            code, public, reason = 0, _INTERNAL, "Its tasks ended."
            try:
                code = await serve(name, settings)
            except Exception as error:  # noqa: BLE001  # the others are served on
                public, reason = _reasons(error)
            if stop.is_set():
                return code
            if reason != logged:
                log.warning("database.not_open", reason=reason, retry_s=_RETRY_S)
            logged = reason
            if failed is not None:
                failed(name, public)
            if await is_set_within(stop, _RETRY_S):
                return code

    return max(
        await asyncio.gather(*(keep(name, settings) for name, settings in databases.items()))
    )


def _reasons(error: Exception) -> tuple[str, str]:
    """Returns why a database is not served: for `/readyz` without addresses, and for the log."""
    if error_messages.exit_code(error) is None:
        log.error("database.failed", error=type(error).__name__, exc_info=error)
        return _INTERNAL, type(error).__name__
    text = " ".join(line.strip() for line in error_messages.message_lines(error))
    return (_UNREACHABLE if isinstance(error, Unreachable) else text), text


async def work_each(settings: Settings, stop: asyncio.Event) -> int:
    """Runs a worker for each database in this process."""
    databases, tasks = settings.by_database(), Supervisor(stop)
    async with _serve_status(settings, tasks) as status:

        async def work(name: str, own_settings: Settings) -> int:
            async with startup.database(own_settings) as database:
                await check_ready(own_settings, database)
                async with startup.worker(own_settings, database, share=len(databases)) as running:
                    with _attached(status, name, running, database):
                        return await startup.run_worker(stop, running)

        code = await serve_each(databases, stop, work, status.failed if status else None)
    return max(code, tasks.exit_code)


@asynccontextmanager
async def _serve_status(settings: Settings, tasks: Supervisor) -> AsyncIterator[FleetStatus | None]:
    """Serves /metrics, /livez and /readyz of all workers on one port; yields None without one."""
    if settings.metrics_port is None:
        yield None
        return
    # Imported here, because prometheus_client takes as long to import as the rest of a worker.
    from rowhook.worker.status_app import FleetStatus  # noqa: PLC0415

    status = FleetStatus(tuple(settings.by_database()))
    async with serving(status, host=settings.host, port=settings.metrics_port, tasks=tasks) as port:
        log.info("metrics.served", url=f"http://{settings.host}:{port}/metrics")
        yield status


def _attached(
    status: FleetStatus | None, name: str, worker: Worker, database: startup.Database
) -> AbstractContextManager[None]:
    """Answers for a worker within the block, if there is a port."""
    if status is None:
        return contextlib.nullcontext()
    from rowhook.worker.status_app import StatusApp  # noqa: PLC0415  # as above

    return status.attached(name, StatusApp(worker, Readiness(database.direct)))


async def examine_each(
    settings: Settings, examine: Callable[[Settings], Awaitable[int]], *, as_json: bool = False
) -> int:
    """Runs a command for each database, and for the others too if it fails for one.

    With `as_json`, the documents become one, by name of the database.
    """
    databases = settings.by_database()
    if not databases:
        return await examine(settings)
    documents: dict[str, object] = {}
    codes = []
    for name, own_settings in databases.items():
        printed = io.StringIO()
        if not as_json:
            click.secho(f"{name}:", bold=True)
        try:
            with redirect_stdout(printed) if as_json else contextlib.nullcontext():
                codes.append(await examine(own_settings))
            documents[name] = json.loads(printed.getvalue()) if as_json else None
        except Exception as error:
            code = error_messages.exit_code(error)
            if code is None:
                raise
            codes.append(code)
            lines = error_messages.message_lines(error)
            documents[name] = {"error": " ".join(lines)}
            message = "\n  ".join([f"rowhook: {name}: {lines[0]}", *lines[1:]])
            click.echo(output.sanitize(message), err=True)
    if as_json:
        click.echo(json.dumps(documents, indent=2))
    return max(codes)
