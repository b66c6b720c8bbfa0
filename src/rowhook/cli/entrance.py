"""What a command opens before it works: database, keyring, worker. Closed in reverse."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from rowhook import postgres, vault
from rowhook.cli.limits import receiver_connections
from rowhook.cli.login import actor
from rowhook.cli.masked import lines
from rowhook.compiled import CompiledWebhooks
from rowhook.egress import Egress, GuardedTransport
from rowhook.embedded import embedded_postgres, running_dsn
from rowhook.operations import ServerContext, KeyringContext
from rowhook.settings import Settings, SettingsRejected
from rowhook.upkeep import CopyWatch, Terms
from rowhook.vault import Keyring, KeyringRejected, SealBroken, generate_master_key
from rowhook.worker import Worker

log = structlog.get_logger()
_CONNECTIONS = 256
_EPOCH_PATIENCE_S = 10.0
_CHECK = "the keyring of this database"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Where Postgres is. `direct` passes by a transaction pooler, if `pooler` says there is one."""

    dsn: str
    direct: str
    pooler: bool
    embedded: bool


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The configured database, or the embedded one, started here and stopped at the end."""
    if settings.database_url is not None:
        direct = settings.database_direct_url or settings.database_url
        _require_dsn("DATABASE_URL", settings.database_url)
        _require_dsn("DATABASE_DIRECT_URL", direct)
        yield Database(
            dsn=settings.database_url,
            direct=direct,
            embedded=False,
            pooler=settings.database_direct_url is not None,
        )
        return
    beside = await running(settings)
    if beside is not None:
        yield beside
        return
    async with embedded_postgres(settings.data_dir, where=_say_where) as dsn:
        yield Database(dsn=dsn, direct=dsn, pooler=False, embedded=True)


def _say_where(folder: Path) -> None:
    # As root Postgres runs as another user, who must be able to reach its files.
    log.info("database.kept_elsewhere", folder=str(folder))


def _require_dsn(name: str, dsn: str) -> None:
    try:
        postgres.check_dsn(dsn)
    except postgres.DsnRejected as refused:
        raise SettingsRejected(f"{name}: {refused}") from None


async def running(settings: Settings) -> Database | None:
    """The embedded database of another `rowhook` process, if one is up."""
    dsn = running_dsn(settings.data_dir)
    if dsn is None:
        return None
    try:
        async with await postgres.connect(dsn):
            return Database(dsn=dsn, direct=dsn, pooler=False, embedded=True)
    except postgres.Unreachable:
        return None


def _key_file(settings: Settings) -> Path:
    return settings.data_dir / "master_keys"


def keyring(settings: Settings) -> Keyring:
    """The master keys of the settings; for the embedded database they are made once and kept."""
    if settings.master_keys is not None:
        return Keyring(settings.master_keys)
    if settings.database_url is not None:
        raise KeyringRejected(
            "ROWHOOK_MASTER_KEYS is not set: secrets cannot be opened without it; make one with"
            f" e.g. ROWHOOK_MASTER_KEYS={generate_master_key()} and keep it safe"
        )
    path = _key_file(settings)
    try:
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(generate_master_key() + "\n")
        return Keyring(path.read_text().strip())
    except OSError as error:
        raise KeyringRejected(f"cannot use {path} ({error.strerror})") from error


async def check_keyring(pool: postgres.Pool, ring: Keyring) -> None:
    """Opens the word that only this database's master keys open; nothing is sent before."""
    offered = ring.seal(_CHECK, organization_id=vault.NOBODY, name=vault.KEYRING, version=1)
    sealed = await postgres.keyring_check(pool, offered)
    try:
        ring.open(sealed, organization_id=vault.NOBODY, name=vault.KEYRING, version=1)
    except SealBroken as broken:
        raise KeyringRejected(
            f"ROWHOOK_MASTER_KEYS is not the keyring of this database ({broken}): start with the"
            " keys it was set up with; a new key goes in front of the old one, never in its place"
        ) from broken


async def check_keys(settings: Settings, place: Database) -> None:
    """Raises KeyringRejected unless a worker of these settings could open this database."""
    ring = keyring(settings)
    role = settings.role("worker")
    async with postgres.open_pool(place.dsn, size=1, role=role, pooler=place.pooler) as pool:
        await check_keyring(pool, ring)


def policy(settings: Settings) -> Egress:
    """What may be dialled."""
    return Egress(allow_networks=settings.allow_networks, allow_http=settings.allow_http)


def _transport(settings: Settings, connections: int) -> GuardedTransport:
    return GuardedTransport.open(policy(settings), limit=connections, proxy=settings.egress_proxy)


@asynccontextmanager
async def ctx(settings: Settings, place: Database) -> AsyncIterator[KeyringContext]:
    """What the operations need, as an operator: all organizations."""
    ring = keyring(settings)
    async with (
        postgres.open_pool(place.dsn, size=4, pooler=place.pooler) as pool,
        _transport(settings, _CONNECTIONS) as transport,
    ):
        await check_keyring(pool, ring)
        entry = postgres.Entry(pool=pool, organization=None, actor=actor())
        yield KeyringContext(
            pool=entry,
            keyring=ring,
            policy=policy(settings),
            brand=settings.brand,
            transport=transport,
        )


@asynccontextmanager
async def server_ctx(settings: Settings, place: Database) -> AsyncIterator[ServerContext]:
    """What the API works with, over a pool of its own."""
    ring = keyring(settings)
    async with (
        postgres.open_pool(place.dsn, size=10, pooler=place.pooler) as pool,
        _transport(settings, _CONNECTIONS) as transport,
    ):
        await check_keyring(pool, ring)
        await CopyWatch(pool).look(patience_s=_EPOCH_PATIENCE_S)
        yield ServerContext(
            pool=pool,
            ctx=KeyringContext(
                pool=pool,
                keyring=ring,
                policy=policy(settings),
                brand=settings.brand,
                transport=transport,
            ),
            admin_key=settings.admin_key,
            direct_dsn=place.direct,
            cors_origins=settings.cors_origins,
            settings=lines(settings),
        )


@asynccontextmanager
async def worker(settings: Settings, place: Database) -> AsyncIterator[Worker]:
    """A worker, ready to run, over a pool and a transport of its own."""
    rules = policy(settings)
    ring = keyring(settings)
    connections = receiver_connections()
    role = settings.role("worker")
    async with (
        postgres.open_pool(place.dsn, size=6, role=role, pooler=place.pooler) as pool,
        _transport(settings, connections) as transport,
    ):
        await check_keyring(pool, ring)
        webhooks = CompiledWebhooks(pool, ring, brand=settings.brand)
        terms = Terms(
            lease=timedelta(seconds=settings.lease_s),
            retention_days=settings.retention_days,
            keep_bodies=settings.keep_bodies,
            callback_ttl=timedelta(seconds=settings.callback_ttl_s),
            listen_dsn=place.direct,
            connections=connections,
        )
        yield Worker(pool, webhooks, transport, rules, terms)


def on_signal(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT set `stop`; a second one ends the process as ever."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop_once, loop, stop)


def _stop_once(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    stop.set()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)


async def work_until(stop: asyncio.Event, hand: Worker) -> int:
    """Runs a worker until `stop`, or until it ends by itself; its exit code."""
    working = asyncio.create_task(hand.run())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
    hand.stop()
    stopped.cancel()
    return await working
