"""Several databases (`ROWHOOK_DATABASES`): each is served or examined by itself."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import redirect_stdout

import rich_click as click
import structlog

from rowhook.cli import error_messages, output, startup
from rowhook.cli.http_server import serve_fleet_status
from rowhook.cli.startup import check_ready
from rowhook.db.statements import Unreachable
from rowhook.settings import Settings
from rowhook.supervisor import Supervisor, is_set_within

log = structlog.get_logger()
Serve = Callable[[str, Settings], Awaitable[int]]
_RETRY_S = 2.0
_UNREACHABLE = "The database cannot be reached."
_INTERNAL = "Internal error. Details are in the log."


async def serve_each(
    databases: Mapping[str, Settings],
    stop: asyncio.Event,
    serve: Serve,
    failed: Callable[[str, str], None] = lambda _name, _reason: None,
) -> int:
    """Serves each database until `stop` is set; returns the highest exit code.

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
            failed(name, public)
            if await is_set_within(stop, _RETRY_S):
                return code

    return max(await asyncio.gather(*(keep(name, each) for name, each in databases.items())))


def _reasons(error: Exception) -> tuple[str, str]:
    """Returns why a database is not served: for `/readyz` without addresses, and for the log."""
    if error_messages.exit_code(error) is None:
        log.error("database.failed", error=type(error).__name__, exc_info=error)
        return _INTERNAL, type(error).__name__
    text = " ".join(line.strip() for line in error_messages.message_lines(error))
    return (_UNREACHABLE if isinstance(error, Unreachable) else text), text


async def work_each(settings: Settings, stop: asyncio.Event) -> int:
    """Runs a worker for each database in this process."""
    databases, tasks = settings.each(), Supervisor(stop)
    async with serve_fleet_status(settings, tasks) as status:

        async def work(name: str, each: Settings) -> int:
            async with startup.database(each) as database:
                await check_ready(each, database)
                async with startup.worker(each, database, share=len(databases)) as running:
                    with status.attached(name, running, database):
                        return await startup.run_worker(stop, running)

        code = await serve_each(databases, stop, work, status.failed)
    return max(code, tasks.exit_code)


async def examine_each(
    settings: Settings, examine: Callable[[Settings], Awaitable[int]], *, as_json: bool = False
) -> int:
    """Runs a command for each database, and for the others too if it fails for one.

    With `as_json`, the documents become one, by name of the database.
    """
    databases = settings.each()
    if not databases:
        return await examine(settings)
    documents: dict[str, object] = {}
    codes = []
    for name, each in databases.items():
        printed = io.StringIO()
        if not as_json:
            click.secho(f"{name}:", bold=True)
        try:
            with redirect_stdout(printed) if as_json else contextlib.nullcontext():
                codes.append(await examine(each))
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
