"""Opens what a command needs: database, keyring, service context, worker."""

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
from rowhook.cli.masked import setting_lines
from rowhook.compiled import WebhookCache
from rowhook.egress import EgressPolicy, GuardedTransport
from rowhook.embedded import embedded_postgres, running_dsn
from rowhook.operations import KeyringContext, ServerContext
from rowhook.settings import Settings, SettingsRejected
from rowhook.upkeep import CopyDetector, WorkerOptions
from rowhook.vault import DecryptionFailed, Keyring, KeyringRejected, generate_master_key
from rowhook.worker import Worker

log = structlog.get_logger()
_CONNECTIONS = 256
_EPOCH_PATIENCE_S = 10.0
_CHECK = "the keyring of this database"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The database of a command. `direct` bypasses the transaction pooler, if there is one."""

    dsn: str
    direct: str
    pooler: bool
    embedded: bool


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Database]:
    """Opens the configured database, or starts the embedded one for the duration of the block."""
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
    existing = await running(settings)
    if existing is not None:
        yield existing
        return
    async with embedded_postgres(settings.data_dir, on_relocation=_log_relocation) as dsn:
        yield Database(dsn=dsn, direct=dsn, pooler=False, embedded=True)


def _log_relocation(folder: Path) -> None:
    # Started as root, PostgreSQL runs as another user, who must be able to reach its files.
    log.info("database.relocated", folder=str(folder))


def _require_dsn(name: str, dsn: str) -> None:
    try:
        postgres.check_dsn(dsn)
    except postgres.DsnRejected as error:
        raise SettingsRejected(f"{name}: {error}") from None


async def running(settings: Settings) -> Database | None:
    """Returns the embedded database of another running `rowhook` process, or None."""
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
    """Returns the configured keyring; generates and stores one for the embedded database."""
    if settings.master_keys is not None:
        return Keyring(settings.master_keys)
    if settings.database_url is not None:
        raise KeyringRejected(
            "ROWHOOK_MASTER_KEYS is not set; it is needed to decrypt secrets. For a new database,"
            f" use e.g. ROWHOOK_MASTER_KEYS={generate_master_key()} and store it safely."
        )
    path = _key_file(settings)
    try:
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(generate_master_key() + "\n")
        return Keyring(path.read_text().strip())
    except OSError as error:
        raise KeyringRejected(f"Cannot use {path}: {error.strerror}.") from error


async def check_keyring(pool: postgres.Pool, ring: Keyring) -> None:
    """Raises KeyringRejected unless the keyring decrypts this database's check value."""
    initial = ring.seal(
        _CHECK, organization_id=vault.NO_ORGANIZATION, name=vault.KEYRING, version=1
    )
    sealed = await postgres.keyring_check(pool, initial)
    try:
        ring.open(sealed, organization_id=vault.NO_ORGANIZATION, name=vault.KEYRING, version=1)
    except DecryptionFailed as error:
        raise KeyringRejected(
            f"ROWHOOK_MASTER_KEYS does not match this database ({error}). Use the keys that it was"
            " set up with; put a new key in front of the old one, do not replace it."
        ) from error


async def check_keys(settings: Settings, database: Database) -> None:
    """Raises KeyringRejected unless a worker with these settings can decrypt the secrets."""
    ring = keyring(settings)
    role = settings.role("worker")
    async with postgres.open_pool(database.dsn, size=1, role=role, pooler=database.pooler) as pool:
        await check_keyring(pool, ring)


def policy(settings: Settings) -> EgressPolicy:
    """Returns the egress policy of the settings."""
    return EgressPolicy(allow_networks=settings.allow_networks, allow_http=settings.allow_http)


def _transport(settings: Settings, connections: int) -> GuardedTransport:
    return GuardedTransport.open(policy(settings), limit=connections, proxy=settings.egress_proxy)


@asynccontextmanager
async def keyring_context(settings: Settings, database: Database) -> AsyncIterator[KeyringContext]:
    """Opens a keyring context for an operator, with access to all organizations."""
    ring = keyring(settings)
    async with (
        postgres.open_pool(database.dsn, size=4, pooler=database.pooler) as pool,
        _transport(settings, _CONNECTIONS) as transport,
    ):
        await check_keyring(pool, ring)
        entry = postgres.TenantPool(pool=pool, organization=None, actor=actor())
        yield KeyringContext(
            pool=entry,
            keyring=ring,
            policy=policy(settings),
            brand=settings.brand,
            transport=transport,
        )


@asynccontextmanager
async def server_context(settings: Settings, database: Database) -> AsyncIterator[ServerContext]:
    """Opens the context of the API, with its own connection pool."""
    ring = keyring(settings)
    async with (
        postgres.open_pool(database.dsn, size=10, pooler=database.pooler) as pool,
        _transport(settings, _CONNECTIONS) as transport,
    ):
        await check_keyring(pool, ring)
        await CopyDetector(pool).check(patience_s=_EPOCH_PATIENCE_S)
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
            direct_dsn=database.direct,
            cors_origins=settings.cors_origins,
            settings=setting_lines(settings),
        )


@asynccontextmanager
async def worker(settings: Settings, database: Database) -> AsyncIterator[Worker]:
    """Opens a worker with its own connection pool and transport."""
    egress = policy(settings)
    ring = keyring(settings)
    connections = receiver_connections()
    role = settings.role("worker")
    async with (
        postgres.open_pool(database.dsn, size=6, role=role, pooler=database.pooler) as pool,
        _transport(settings, connections) as transport,
    ):
        await check_keyring(pool, ring)
        webhooks = WebhookCache(pool, ring, brand=settings.brand)
        options = WorkerOptions(
            lease=timedelta(seconds=settings.lease_s),
            retention_days=settings.retention_days,
            keep_bodies=settings.keep_bodies,
            callback_ttl=timedelta(seconds=settings.callback_ttl_s),
            listen_dsn=database.direct,
            connections=connections,
        )
        yield Worker(pool, webhooks, transport, egress, options)


def stop_on_signal(stop: asyncio.Event) -> None:
    """Sets `stop` on SIGTERM or SIGINT; a second signal has its default effect."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop_once, loop, stop)


def _stop_once(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    stop.set()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)


async def run_worker(stop: asyncio.Event, worker: Worker) -> int:
    """Runs a worker until `stop` is set or it ends; returns its exit code."""
    running = asyncio.create_task(worker.run())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    worker.stop()
    stopped.cancel()
    return await running
