"""What a managing command works with: the database as an operator, with or without the keys."""

from __future__ import annotations

import functools
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

from rowhook import operations, postgres
from rowhook.cli import entrance
from rowhook.cli.login import actor
from rowhook.cli.options import Command, run_async, with_settings
from rowhook.cli.readiness import check_ready
from rowhook.cli.refusal import UNREACHABLE, USAGE, Stopped
from rowhook.operations import KeyringContext, ServiceContext
from rowhook.operations.pickers import list_organizations
from rowhook.settings import Settings

Verb = Callable[..., Coroutine[Any, Any, int | None]]
_NAMED = 10
_OWNER = (
    "Only the owner of schema rowhook may do this, with the right to read the table and to create"
    " triggers on it: set DATABASE_DIRECT_URL to connect as that login."
)


def with_context(verb: Verb) -> Command:
    """The command gets `registry`: to read and steer, master keys are not needed."""
    return _opening(_registry, verb)


def with_reader(verb: Verb) -> Command:
    """As `with_context`, for a command that only reads: it works on a standby too."""
    return _opening(functools.partial(_registry, reads_only=True), verb)


def with_keyring(verb: Verb) -> Command:
    """The command gets `ctx`: the registry with the keyring and a way out."""
    return _opening(_office, verb)


def with_worker_rights(verb: Verb) -> Command:
    """The command gets `registry` over the worker's role: for what workers do on a schedule."""
    return _opening(_worker_registry, verb)


def with_owner(verb: Verb) -> Command:
    """The command gets `owner`: a connection for what only the owner of the schema may do."""
    return _opening(_owner, verb)


def _opening(
    opened: Callable[[Settings], AbstractAsyncContextManager[dict[str, Any]]], verb: Verb
) -> Command:
    @with_settings
    @functools.wraps(verb)
    def run(settings: Settings, **given: Any) -> None:
        sys.exit(run_async(_run(opened(settings), verb, given)))

    return run


async def _run(
    opening: AbstractAsyncContextManager[dict[str, Any]], verb: Verb, given: dict[str, Any]
) -> int:
    async with opening as opened:
        return await verb(**opened, **given) or 0


@asynccontextmanager
async def _registry(
    settings: Settings, *, reads_only: bool = False
) -> AsyncIterator[dict[str, ServiceContext]]:
    async with (
        _place(settings, reads_only=reads_only) as place,
        postgres.open_pool(place.dsn, size=2, pooler=place.pooler) as pool,
    ):
        entry = postgres.Entry(pool=pool, organization=None, actor=actor())
        yield {
            "registry": ServiceContext(pool=entry, policy=entrance.policy(settings), brand=settings.brand)
        }


@asynccontextmanager
async def _worker_registry(settings: Settings) -> AsyncIterator[dict[str, ServiceContext]]:
    async with (
        _place(settings) as place,
        postgres.open_pool(
            place.dsn, size=1, role=settings.role("worker"), pooler=place.pooler
        ) as pool,
    ):
        policy = entrance.policy(settings)
        yield {"registry": ServiceContext(pool=pool, policy=policy, brand=settings.brand)}


@asynccontextmanager
async def _office(settings: Settings) -> AsyncIterator[dict[str, ServiceContext]]:
    async with _place(settings) as place, entrance.ctx(settings, place) as ctx:
        yield {"ctx": ctx}


@asynccontextmanager
async def _owner(settings: Settings) -> AsyncIterator[dict[str, postgres.Pool]]:
    async with _place(settings) as place, postgres.open_pool(place.direct, size=1) as pool:
        try:
            yield {"owner": pool}
        except postgres.Denied as denied:
            raise Stopped(denied.diag.message_primary or str(denied), _OWNER) from denied


@asynccontextmanager
async def _place(
    settings: Settings, *, reads_only: bool = False
) -> AsyncIterator[entrance.Database]:
    # A database that nobody runs holds nothing to manage: none is started for it.
    if settings.database_url is None and await entrance.running(settings) is None:
        raise Stopped(
            f"no embedded database is running in {settings.data_dir}: start it with `rowhook up`,"
            " or set DATABASE_URL",
            code=UNREACHABLE,
        )
    async with entrance.database(settings) as place:
        await check_ready(settings, place, reads_only=reads_only)
        yield place


async def known(registry: ServiceContext | KeyringContext, given: str | None) -> UUID | None:
    """The organization to filter by. Raises NotFound."""
    return None if given is None else await operations.organization_id(registry, given)


async def organization_of(registry: ServiceContext | KeyringContext, given: str | None) -> UUID:
    """The organization meant: the only one there is, unless it is said. Raises Stopped."""
    if given is not None:
        return await operations.organization_id(registry, given)
    found = (await list_organizations(registry, limit=_NAMED + 1)).items
    if len(found) == 1:
        return found[0].id
    if not found:
        raise Stopped("there is no organization yet: the platform inserts rowhook.organization")
    more = ["…"] if len(found) > _NAMED else []
    raise Stopped(
        "there are several organizations: say which with --organization",
        *(f"{one.external_id or one.id}  {one.name}" for one in found[:_NAMED]),
        *more,
        code=USAGE,
    )
