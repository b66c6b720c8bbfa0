"""The resources of a command, checked and opened: database, keyring, contexts, worker."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from rowhook.cli.error_messages import UNREACHABLE, CommandFailed
from rowhook.cli.options import receiver_connections, setting_lines
from rowhook.db import connection_errors, connection_pool, statements, webhook_queries
from rowhook.db.connection_pool import API_LIMITS, WORKER_LIMITS, Pool
from rowhook.db.standby import open_standby
from rowhook.db.statements import DsnRejected, StatementError, TenantPool, Unreachable
from rowhook.egress.policy import EgressPolicy
from rowhook.egress.transport import GuardedTransport
from rowhook.embedded.cluster import embedded_postgres
from rowhook.embedded.data_folder import running_dsn
from rowhook.migrate import preflight, runner
from rowhook.migrate.steps import MigrationRejected
from rowhook.security import vault
from rowhook.security.vault import DecryptionFailed, Keyring, KeyringRejected, generate_master_key
from rowhook.services.context import KeyringContext, ServerContext
from rowhook.settings import Settings, SettingsRejected

if TYPE_CHECKING:
    from rowhook.worker.pipeline import Worker

# The renderer and the worker are imported where they are opened: with jinja2, jsonschema and
# pgqueuer they take most of the CPU time of a command that needs none of them.

log = structlog.get_logger()
_CONNECTIONS = 256
_LEAST_CONNECTIONS = 32
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
    if settings.databases is not None:
        names = ", ".join(settings.databases.named)
        raise SettingsRejected(f"ROWHOOK_DATABASES: Choose one with --database: {names}.")
    if settings.database_url is not None:
        direct = settings.database_direct_url or settings.database_url
        _require_dsn("DATABASE_URL", settings.database_url)
        _require_dsn("DATABASE_DIRECT_URL", direct)
        pooler = settings.database_direct_url is not None
        try:
            yield Database(dsn=settings.database_url, direct=direct, embedded=False, pooler=pooler)
        except Unreachable as error:
            connection_errors.name_setting(error, _names_of_addresses(settings))
            raise
        return
    existing = await running(settings)
    if existing is not None:
        yield existing
        return
    async with embedded_postgres(settings.data_dir, on_relocation=_log_relocation) as dsn:
        yield Database(dsn=dsn, direct=dsn, pooler=False, embedded=True)


@asynccontextmanager
async def existing_database(settings: Settings) -> AsyncIterator[Database]:
    """Opens the configured database, or the embedded one of a running `rowhook up`.

    Starts no server. Raises CommandFailed if the embedded one is not running.
    """
    is_embedded = settings.database_url is None and settings.databases is None
    if is_embedded and await running(settings) is None:
        raise CommandFailed(
            f"No embedded database is running in {settings.data_dir}. Start it with `rowhook up`,"
            " or set DATABASE_URL.",
            code=UNREACHABLE,
        )
    async with database(settings) as opened:
        yield opened


def _names_of_addresses(settings: Settings) -> dict[str, str]:
    """Returns where each connection string of a command is written."""
    names = ["DATABASE_DIRECT_URL", "DATABASE_URL"]
    if settings.database is not None:
        place = f"of {settings.database} in ROWHOOK_DATABASES"
        names = [f"direct_url {place}", f"url {place}"]
    addresses = (settings.database_direct_url or "", settings.database_url or "")
    return dict(zip(addresses, names, strict=True))


def _log_relocation(folder: Path) -> None:
    # Started as root, PostgreSQL runs as another user, who must be able to reach its files.
    log.info("database.relocated", folder=str(folder))


def _require_dsn(name: str, dsn: str) -> None:
    try:
        statements.check_dsn(dsn)
    except DsnRejected as error:
        raise SettingsRejected(f"{name}: {error}") from None


async def running(settings: Settings) -> Database | None:
    """Returns the embedded database of another running `rowhook` process, or None."""
    dsn = running_dsn(settings.data_dir)
    if dsn is None:
        return None
    try:
        async with await connection_pool.connect(dsn):
            return Database(dsn=dsn, direct=dsn, pooler=False, embedded=True)
    except Unreachable:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """The applied steps, the executed grants, and the grants that an administrator must execute.

    `unchecked` is the reason why the rights of the login of DATABASE_URL could not be checked.
    """

    steps: list[str]
    granted: list[str]
    refused: list[str]
    unchecked: str | None = None


async def check_ready(settings: Settings, database: Database, *, reads_only: bool = False) -> None:
    """Raises NotReady or MigrationRejected unless server, schema and login are ready.

    With `reads_only`, a standby is accepted too.
    """
    findings = await preflight.examine(database.dsn, settings.role_prefix)
    preflight.require(findings, "server", *(() if reads_only else ("write",)), "start")
    pending = runner.in_brief(await runner.plan(database.direct, repairs="missing"))
    if pending:
        raise MigrationRejected(
            f"The database is not migrated. Run rowhook migrate. Pending: {pending}."
        )


async def migrate_and_grant(
    settings: Settings, database: Database, *, at_start: bool = False
) -> Migrated:
    """Migrates as the owner, and makes the login of DATABASE_URL a member of the service roles.

    With `at_start`, a login that cannot migrate is accepted if the schema is complete.
    """
    prefix = settings.role_prefix
    steps = await runner.migrate(database.direct, prefix=prefix, at_start=at_start)
    try:
        granted, refused = await preflight.grant_missing(database.direct, database.dsn, prefix)
    except Unreachable as error:
        return Migrated(
            steps=steps, granted=[], refused=[], unchecked=connection_errors.reason(error)
        )
    return Migrated(steps=steps, granted=granted, refused=refused)


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


async def check_keyring(pool: Pool, ring: Keyring) -> None:
    """Raises KeyringRejected unless the keyring decrypts this database's check value."""
    initial = ring.seal(
        _CHECK, organization_id=vault.NO_ORGANIZATION, name=vault.KEYRING, version=1
    )
    sealed = await webhook_queries.keyring_check(pool, initial)
    try:
        ring.open(sealed, organization_id=vault.NO_ORGANIZATION, name=vault.KEYRING, version=1)
    except DecryptionFailed as error:
        raise KeyringRejected(
            f"ROWHOOK_MASTER_KEYS does not match this database ({error}). Use the keys that it was"
            " set up with; put a new key in front of the old one, do not replace it."
        ) from error


def require_keys(settings: Settings) -> None:
    """Raises KeyringRejected if the keys of a configured database are missing or malformed.

    Opens nothing, and does not create the keys of the embedded database.
    """
    if settings.database_url is not None or settings.master_keys is not None:
        keyring(settings)


async def check_keys_before_migration(settings: Settings, database: Database) -> None:
    """Raises KeyringRejected if these are not the keys of an existing database.

    A database without a schema, or with one of another release, is checked after its migration.
    """
    async with await connection_pool.connect(database.direct):
        # Raises at once, where a pool would wait.
        pass
    async with connection_pool.open_pool(database.direct, size=1) as pool:
        with suppress(StatementError):
            await check_keyring(pool, keyring(settings))


async def check_keys(settings: Settings, database: Database) -> None:
    """Raises KeyringRejected unless a worker with these settings can decrypt the secrets."""
    ring = keyring(settings)
    role = settings.role("worker")
    async with connection_pool.open_pool(
        database.dsn, size=1, role=role, pooler=database.pooler
    ) as pool:
        await check_keyring(pool, ring)


def actor() -> str:
    """Returns `cli:` and the login name, or the user id if it has no name, as in containers."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"cli:{os.getuid()}"


def policy(settings: Settings) -> EgressPolicy:
    """Returns the egress policy of the settings."""
    return EgressPolicy(allow_networks=settings.allow_networks, allow_http=settings.allow_http)


def _transport(settings: Settings, connections: int) -> GuardedTransport:
    return GuardedTransport(policy(settings), limit=connections, proxy=settings.egress_proxy)


@asynccontextmanager
async def keyring_context(settings: Settings, database: Database) -> AsyncIterator[KeyringContext]:
    """Opens a keyring context for an operator, with access to all organizations."""
    from rowhook.render.renderer import Renderer  # noqa: PLC0415  # see above

    egress = policy(settings)
    ring = keyring(settings)
    async with (
        connection_pool.open_pool(database.dsn, size=4, pooler=database.pooler) as pool,
        _transport(settings, _CONNECTIONS) as transport,
    ):
        await check_keyring(pool, ring)
        entry = TenantPool(pool=pool, organization=None, actor=actor())
        yield KeyringContext(
            pool=entry,
            keyring=ring,
            policy=egress,
            renderer=Renderer(egress),
            brand=settings.brand,
            transport=transport,
        )


@asynccontextmanager
async def server_context(settings: Settings, database: Database) -> AsyncIterator[ServerContext]:
    """Opens the context of the API, with its own connection pool."""
    from rowhook.render.renderer import Renderer  # noqa: PLC0415  # see above
    from rowhook.worker.maintenance import CopyDetector  # noqa: PLC0415  # see above

    egress = policy(settings)
    ring = keyring(settings)
    if settings.database_read_url is not None:
        _require_dsn("DATABASE_READ_URL", settings.database_read_url)
    async with (
        connection_pool.open_pool(
            database.dsn, size=10, pooler=database.pooler, limits=API_LIMITS
        ) as pool,
        open_standby(settings.database_read_url, pool, pooler=database.pooler) as standby,
        _transport(settings, _CONNECTIONS) as transport,
    ):
        await check_keyring(pool, ring)
        await CopyDetector(pool).check(patience_s=_EPOCH_PATIENCE_S)
        yield ServerContext(
            pool=pool,
            ctx=KeyringContext(
                pool=pool,
                keyring=ring,
                policy=egress,
                renderer=Renderer(egress),
                brand=settings.brand,
                transport=transport,
                standby=standby,
            ),
            admin_key=settings.admin_key,
            direct_dsn=database.direct,
            cors_origins=settings.cors_origins,
            portal_origins=settings.portal_origins,
            settings=setting_lines(settings),
        )


@asynccontextmanager
async def worker(
    settings: Settings, database: Database, *, share: int = 1
) -> AsyncIterator[Worker]:
    """Opens a worker with its own connection pool and transport.

    It is one of `share` workers of this process, which divide the connections to receivers.
    """
    from rowhook.services.webhook_cache import WebhookCache  # noqa: PLC0415  # see above
    from rowhook.worker.maintenance import WorkerOptions  # noqa: PLC0415  # see above
    from rowhook.worker.pipeline import Worker  # noqa: PLC0415  # see above
    from rowhook.worker.trace_export import open_traces  # noqa: PLC0415  # see above

    egress = policy(settings)
    ring = keyring(settings)
    connections = max(receiver_connections() // share, _LEAST_CONNECTIONS)
    role = settings.role("worker")
    async with (
        open_traces(os.environ) as traces,
        connection_pool.open_pool(
            database.dsn, size=6, role=role, pooler=database.pooler, limits=WORKER_LIMITS
        ) as pool,
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
        yield Worker(pool, webhooks, transport, egress, options, traces)


async def run_worker(stop: asyncio.Event, worker: Worker) -> int:
    """Runs a worker until `stop` is set or it ends; returns its exit code."""
    running = asyncio.create_task(worker.run())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    worker.stop()
    stopped.cancel()
    return await running
