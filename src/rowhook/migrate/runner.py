"""Brings a database to this version: numbered tables once, then the engine whole, then pgqueuer.

Everything runs under one advisory lock, each step in a transaction of its own, so a migration that
is cut off is taken up where it stopped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg

from rowhook import outbox, postgres
from rowhook.migrate.preflight import NotReady, examine_over, require, unhealthy
from rowhook.migrate.steps import DEFAULT_PREFIX, Step, pending, read_sql, sql_folder, steps

_LOCK = 0x726F77686F6F6B  # "rowhook"
# Applied before the first step: what the runner stands on, and the roles, which a dump lacks.
_GROUND = ("bootstrap.sql", "roles.sql")
_EPOCH_PATIENCE_S = 10.0


@asynccontextmanager
async def locked(dsn: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection that keeps every other migration waiting."""
    async with await postgres.connect(dsn) as connection:
        await postgres.lock_session(connection, _LOCK)
        yield connection


async def plan(dsn: str, folder: Path | None = None) -> list[str]:
    """The names of the steps that `migrate` would apply; changes nothing."""
    async with await postgres.connect(dsn) as connection:
        prefix = await postgres.stored_role_prefix(connection) or DEFAULT_PREFIX
        todo = await _todo(connection, folder or sql_folder(), prefix)
        return [step.name for step in todo] + await outbox.plan_pgqueuer(connection)


async def migrate(
    dsn: str, folder: Path | None = None, *, prefix: str = DEFAULT_PREFIX
) -> list[str]:
    """Applies what is missing and answers the names of the applied steps, in order.

    Two at once are safe: the second waits, then finds nothing to do. Raises NotReady for a missing
    privilege, MigrationRejected, or psycopg.Error with the step's name in its notes.
    """
    async with locked(dsn) as connection:
        done = await _apply_missing(connection, folder or sql_folder(), prefix)
        return done + await _settle_identity(dsn)


async def _apply_missing(
    connection: psycopg.AsyncConnection, folder: Path, prefix: str
) -> list[str]:
    findings = await examine_over(connection, prefix)
    require(findings, "server")
    try:
        todo = await _todo(connection, folder, prefix)
    except psycopg.errors.InsufficientPrivilege as error:
        raise NotReady(unhealthy(findings, "migrate", "start")) from error
    if not todo and not await outbox.plan_pgqueuer(connection):
        return []
    require(findings, "migrate")
    for name in _GROUND:
        await postgres.run_script(connection, read_sql(folder / name, prefix))
    for step in todo:
        await _apply(connection, step)
    return [step.name for step in todo] + await _upgrade_pgqueuer(connection, folder, prefix)


async def _settle_identity(dsn: str) -> list[str]:
    """Records a new installation; begins the next epoch if the database came from another cluster.

    While a transaction that wrote events is open the epoch is left to the next start.
    """
    async with postgres.open_pool(dsn, size=1) as pool:
        if not (await postgres.check_installation(pool)).epoch_is_due:
            return []
        try:
            epoch = await postgres.until_unlocked(
                lambda: postgres.raise_epoch(pool), _EPOCH_PATIENCE_S
            )
        except postgres.Locked:
            return []
    return [] if epoch is None else [f"epoch {epoch}"]


async def _todo(connection: psycopg.AsyncConnection, folder: Path, prefix: str) -> tuple[Step, ...]:
    return pending(steps(folder, prefix), await postgres.applied_migrations(connection))


async def _apply(connection: psycopg.AsyncConnection, step: Step) -> None:
    try:
        async with connection.transaction():
            await postgres.run_script(connection, step.sql)
            await postgres.note_migration(connection, step.name, step.checksum)
    except psycopg.Error as error:
        error.add_note(f"step {step.name} was rolled back; what came before it is kept")
        raise


async def _upgrade_pgqueuer(
    connection: psycopg.AsyncConnection, folder: Path, prefix: str
) -> list[str]:
    upgraded = await outbox.upgrade_pgqueuer(connection)
    if upgraded:
        await postgres.run_script(connection, read_sql(folder / "pgqueuer_grants.sql", prefix))
    return upgraded
