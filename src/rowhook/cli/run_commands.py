"""`rowhook up` and `rowhook api`: serve the API, the dashboard and the MCP server."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import rich_click as click
import structlog

from rowhook.api.application import Served, application
from rowhook.api.callback_stream import listening
from rowhook.api.dispatcher import Dispatcher
from rowhook.cli import startup
from rowhook.cli.fleet import serve_each
from rowhook.cli.http_server import metrics_ports, require_port, serve_status, serving
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.output import program, sanitize
from rowhook.cli.startup import actor, check_ready, migrate_and_grant
from rowhook.dashboard import site
from rowhook.dashboard.live_updates import Streams
from rowhook.db.standby import Standby
from rowhook.egress.policy import IPV4_LOOPBACK
from rowhook.mcp import open_mcp
from rowhook.services import access, lookups, sessions
from rowhook.services.access import SCOPES
from rowhook.services.context import ServerContext, ServiceContext
from rowhook.settings import Settings
from rowhook.supervisor import Supervisor, stop_on_signal

log = structlog.get_logger()
FIRST_GOAL = (
    # The id of the first tutorial, which then continues with this organization.
    "with acme as (insert into rowhook.organization (id, name)"
    " values ('11111111-1111-4111-8111-111111111111', 'Acme') returning id)"
    " insert into rowhook.goal (id, organization_id) select 'goal_signup', id from acme"
)
_COMMIT = """insert into rowhook.commit (goal_id, data) values ('{}', '{{"name": "Ada"}}')"""
_SPECIAL = re.compile(r'["$`\\]')


@click.command()
@with_settings
def up(settings: Settings) -> None:
    """Start and migrate the database, and run API, dashboard and worker until Ctrl-C."""
    sys.exit(run_async(_up(settings)))


async def _up(settings: Settings) -> int:
    stop = stop_on_signal()
    tasks = Supervisor(stop)
    require_port(settings)
    metrics_ports(settings, api_port=settings.port)
    startup.require_keys(settings)
    async with startup.database(settings) as database:
        await startup.check_keys_before_migration(settings, database)
        await migrate_and_grant(settings, database, at_start=True)
        await check_ready(settings, database)
        async with (
            startup.worker(settings, database) as worker,
            serve_status(settings, database, worker, stop) as status,
            startup.server_context(settings, database) as server_ctx,
            serve_api(server_ctx, host=settings.host, port=settings.port, tasks=tasks) as port,
        ):
            url = f"http://{settings.host}:{port}"
            click.echo(
                f"Rowhook is running at {url} (API /v1, reference /schema). Press Ctrl-C to drain"
                " and stop."
            )
            for line in await next_steps(server_ctx, url, creates_key=database.embedded):
                click.echo(sanitize(line))
            code = await startup.run_worker(stop, worker)
        return max(code, tasks.exit_code, status.exit_code)


@click.command()
@with_settings
def api(settings: Settings) -> None:
    """Serve the dashboard, the REST API (/v1, documented at /schema), /mcp, /livez and /metrics."""
    sys.exit(run_async(_serve(settings)))


async def _serve(settings: Settings) -> int:
    stop = stop_on_signal()
    tasks = Supervisor(stop)
    require_port(settings)
    if databases := settings.by_database():
        async with serve_all(
            databases, host=settings.host, port=settings.port, tasks=tasks
        ) as port:
            log.info("api.started", url=f"http://{settings.host}:{port}", databases=[*databases])
            await stop.wait()
        log.info("api.stopped")
        return tasks.exit_code
    async with startup.database(settings) as database:
        await check_ready(settings, database)
        async with (
            startup.server_context(settings, database) as server_ctx,
            serve_api(server_ctx, host=settings.host, port=settings.port, tasks=tasks) as port,
        ):
            log.info("api.started", url=f"http://{settings.host}:{port}")
            await stop.wait()
        log.info("api.stopped")
    return tasks.exit_code


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
            not_found_page=site.not_found_page,
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


async def next_steps(server_ctx: ServerContext, url: str, *, creates_key: bool) -> list[str]:
    """Returns the four lines that `rowhook up` ends with.

    With `creates_key`, creates an operator key if there is none.
    """
    ctx = server_ctx.ctx.for_actor(server_ctx.pool, None, actor())
    return [
        f"  Dashboard  {await dashboard_line(server_ctx, url)}",
        f"  API key    {await key_line(ctx, server_ctx.admin_key, creates_key=creates_key)}",
        f"  Insert     {await _insert(ctx)}",
        f"  Listen     {_listen(ctx)}",
    ]


async def dashboard_line(server_ctx: ServerContext, url: str) -> str:
    """Creates a sign-in link to the dashboard and returns it with its limits."""
    link = await sessions.make_link(server_ctx.pool)
    return f"{url}/sign-in/link?token={link}  (signs in once, within 15 minutes)"


async def key_line(ctx: ServiceContext, admin_key: str | None, *, creates_key: bool) -> str:
    """Returns a new operator key, or how to get one."""
    if creates_key and not (await access.list_keys(ctx, limit=1)).items:
        key = await access.create_key(ctx, None, "first key", list(SCOPES))
        return f"{key.key}  (operator key with all scopes, shown only once)"
    if admin_key is not None:
        return "the value of ROWHOOK_ADMIN_KEY  (operator key with all scopes)"
    scopes = " ".join(f"--scope {scope}" for scope in ("read", "write"))
    return f"{program()} keys create --name NAME {scopes}"


async def _insert(ctx: ServiceContext) -> str:
    goals = (await lookups.list_goals(ctx, limit=1)).items
    if goals:
        return f"{program()} psql -c {_quoted(first_commit(goals[0].id))}"
    return f"{program()} psql -c {_quoted(FIRST_GOAL)}  (a first organization and goal)"


def first_commit(goal: str) -> str:
    """Returns a statement that inserts a commit of a goal."""
    return _COMMIT.format(goal.replace("'", "''"))


def _quoted(statement: str) -> str:
    """Quotes a statement for a shell in double quotes, since it contains single ones."""
    return '"' + _SPECIAL.sub(lambda match: f"\\{match[0]}", statement) + '"'


def _listen(ctx: ServiceContext) -> str:
    command = f"{program()} listen  (prints and verifies the requests to http://127.0.0.1:9000"
    if ctx.policy.loopback():
        return f"{command})"
    return f"{command}; to allow them, restart with ROWHOOK_ALLOW_NETWORKS={IPV4_LOOPBACK})"
