"""Decorators that open the database and the service context of a command."""

from __future__ import annotations

import functools
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

from rowhook.cli import startup
from rowhook.cli.error_messages import USAGE, CommandFailed
from rowhook.cli.options import Command, run_async, with_settings
from rowhook.cli.output import program
from rowhook.cli.startup import actor, check_ready
from rowhook.db import connection_pool
from rowhook.db.connection_pool import Pool
from rowhook.db.statements import PrivilegeError, TenantPool
from rowhook.services import lookups
from rowhook.services.context import ServiceContext, UnknownId
from rowhook.services.lookups import list_organizations
from rowhook.settings import Settings

CommandFunction = Callable[..., Coroutine[Any, Any, int | None]]
_MAX_LISTED = 10
_INSERT_ORGANIZATION = """psql -c "insert into rowhook.organization (name) values ('Acme')\""""
_OWNER = (
    "This needs the owner of schema rowhook, with the rights to read the table and to create"
    " triggers on it. Set DATABASE_DIRECT_URL to connect as that login."
)


def with_context(function: CommandFunction) -> Command:
    """Passes the command `ctx`, a service context that needs no master keys."""
    return _command_with(_context, function)


def with_base_url(function: CommandFunction) -> Command:
    """Passes the command `ctx` and `api_url`, where `rowhook up` serves the API."""
    return _command_with(_context_and_url, function)


def with_reader(function: CommandFunction) -> Command:
    """Passes a read-only command `ctx`; it works on a standby too."""
    return _command_with(functools.partial(_context, reads_only=True), function)


def with_keyring(function: CommandFunction) -> Command:
    """Passes the command `ctx` with the keyring and a transport for test requests."""
    return _command_with(_ctx, function)


def with_worker_rights(function: CommandFunction) -> Command:
    """Passes the command `ctx` with the role of the workers, for scheduled maintenance."""
    return _command_with(_worker_context, function)


def with_owner(function: CommandFunction) -> Command:
    """Passes the command `owner`, a pool with the rights of the schema's owner."""
    return _command_with(_owner, function)


def _command_with(
    open_resources: Callable[[Settings], AbstractAsyncContextManager[dict[str, Any]]],
    function: CommandFunction,
) -> Command:
    @with_settings
    @functools.wraps(function)
    def run(settings: Settings, **arguments: Any) -> None:
        sys.exit(run_async(_run(open_resources(settings), function, arguments)))

    return run


async def _run(
    resources: AbstractAsyncContextManager[dict[str, Any]],
    function: CommandFunction,
    arguments: dict[str, Any],
) -> int:
    async with resources as opened:
        webhook = arguments.get("webhook")
        if isinstance(webhook, str):
            arguments["webhook"] = await lookups.webhook_named(opened["ctx"], webhook)
        try:
            return await function(**opened, **arguments) or 0
        except UnknownId as error:
            similar = await lookups.similar_id(opened["ctx"], error)
            if similar is not None:
                error.add_note(f"Did you mean {similar}?")
            raise


@asynccontextmanager
async def _context(
    settings: Settings, *, reads_only: bool = False
) -> AsyncIterator[dict[str, ServiceContext]]:
    async with (
        _ready_database(settings, reads_only=reads_only) as database,
        connection_pool.open_pool(database.dsn, size=2, pooler=database.pooler) as pool,
    ):
        entry = TenantPool(pool=pool, organization=None, actor=actor())
        yield {
            "ctx": ServiceContext(pool=entry, policy=startup.policy(settings), brand=settings.brand)
        }


@asynccontextmanager
async def _context_and_url(settings: Settings) -> AsyncIterator[dict[str, Any]]:
    async with _context(settings) as opened:
        yield {**opened, "api_url": f"http://{settings.host}:{settings.port}"}


@asynccontextmanager
async def _worker_context(settings: Settings) -> AsyncIterator[dict[str, ServiceContext]]:
    async with (
        _ready_database(settings) as database,
        connection_pool.open_pool(
            database.dsn, size=1, role=settings.role("worker"), pooler=database.pooler
        ) as pool,
    ):
        policy = startup.policy(settings)
        yield {"ctx": ServiceContext(pool=pool, policy=policy, brand=settings.brand)}


@asynccontextmanager
async def _ctx(settings: Settings) -> AsyncIterator[dict[str, ServiceContext]]:
    async with (
        _ready_database(settings) as database,
        startup.keyring_context(settings, database) as ctx,
    ):
        yield {"ctx": ctx}


@asynccontextmanager
async def _owner(settings: Settings) -> AsyncIterator[dict[str, Pool]]:
    async with (
        _ready_database(settings) as database,
        connection_pool.open_pool(database.direct, size=1) as pool,
    ):
        try:
            yield {"owner": pool}
        except PrivilegeError as error:
            raise CommandFailed(error.diag.message_primary or str(error), _OWNER) from error


@asynccontextmanager
async def _ready_database(
    settings: Settings, *, reads_only: bool = False
) -> AsyncIterator[startup.Database]:
    async with startup.existing_database(settings) as database:
        await check_ready(settings, database, reads_only=reads_only)
        yield database


async def organization_filter(ctx: ServiceContext, text: str | None) -> UUID | None:
    """Resolves the organization to filter by, if there is one. Raises NotFound."""
    return None if text is None else await lookups.organization_id(ctx, text)


async def organization_or_default(ctx: ServiceContext, text: str | None) -> UUID:
    """Resolves the organization; the default is the only one. Raises NotFound, CommandFailed."""
    if text is not None:
        return await lookups.organization_id(ctx, text)
    organizations = (await list_organizations(ctx, limit=_MAX_LISTED + 1)).items
    if len(organizations) == 1:
        return organizations[0].id
    if not organizations:
        raise CommandFailed(
            "No organization exists yet. The platform creates them. To insert one by hand:",
            f"  {program()} {_INSERT_ORGANIZATION}",
        )
    more = ["…"] if len(organizations) > _MAX_LISTED else []
    raise CommandFailed(
        "There are several organizations. Pass one with --organization.",
        *(f"{item.external_id or item.id}  {item.name}" for item in organizations[:_MAX_LISTED]),
        *more,
        code=USAGE,
    )
