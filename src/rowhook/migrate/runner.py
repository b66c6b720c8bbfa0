"""The migration runner, which works next to a live platform and workers of the previous version.

Everything runs under one advisory lock. Numbered table files come first, each once; then changed
functions, views and grants, in one transaction; then triggers, policies and comments, each in a
transaction of its own; then pgqueuer. An interrupted migration resumes where it stopped. Objects
that were dropped or changed by a restore or by hand are repaired.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg

from rowhook import outbox, postgres
from rowhook.migrate import repair
from rowhook.migrate.apply import apply_all
from rowhook.migrate.locks import PATIENCE_S, Patience
from rowhook.migrate.preflight import NotReady, denied, examine_over, require, unhealthy
from rowhook.migrate.steps import (
    DEFAULT_PREFIX,
    GRANTS,
    Step,
    obsolete,
    pending,
    read_sql,
    sql_folder,
    steps,
)

_LOCK = 0x726F77686F6F6B  # "rowhook"
_EPOCH_PATIENCE_S = 10.0
Repairs = Literal["all", "missing", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Todo:
    """Steps to apply, their description, and the names of obsolete applied steps."""

    steps: list[Step]
    descriptions: list[str]
    obsolete: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One migration, over a connection that locks out all others."""

    connection: psycopg.AsyncConnection
    folder: Path
    prefix: str
    patience: Patience


@asynccontextmanager
async def locked(dsn: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """Opens a connection that locks out all other migrations."""
    async with await postgres.connect(dsn) as connection:
        await postgres.lock_session(connection, _LOCK)
        yield connection


async def plan(dsn: str, folder: Path | None = None, *, repairs: Repairs = "all") -> list[str]:
    """Returns the names of the steps that `migrate` would apply; changes nothing.

    `repairs` "missing" ignores changed and additional objects, "none" compares nothing. Raises
    NotReady for a login that may not read the applied steps.
    """
    async with await postgres.connect(dsn) as connection:
        try:
            prefix = await postgres.stored_role_prefix(connection) or DEFAULT_PREFIX
            todo = await _todo(connection, folder or sql_folder(), prefix, repairs)
            return todo.descriptions + await outbox.plan_pgqueuer(connection)
        except psycopg.errors.InsufficientPrivilege as error:
            raise denied([], error) from error


async def migrate(
    dsn: str,
    folder: Path | None = None,
    *,
    prefix: str = DEFAULT_PREFIX,
    patience_s: float = PATIENCE_S,
    at_start: bool = False,
) -> list[str]:
    """Applies pending steps and returns their names, in order.

    With `at_start`, a login that may not migrate accepts a schema in which nothing is missing, even
    if objects were changed or added.

    Concurrent calls are safe: the second waits, then finds nothing to do. Raises NotReady for a
    missing privilege, MigrationRejected (also if a table stays locked for `patience_s` seconds), or
    psycopg.Error with the name of the step in its notes.
    """
    async with locked(dsn) as connection:
        run = _Run(
            connection=connection,
            folder=folder or sql_folder(),
            prefix=prefix,
            patience=Patience(dsn=dsn, seconds=patience_s),
        )
        return await _apply_missing(run, at_start=at_start) + await _settle_identity(dsn)


async def _apply_missing(run: _Run, *, at_start: bool) -> list[str]:
    connection, folder, prefix = run.connection, run.folder, run.prefix
    findings = await examine_over(connection, prefix)
    require(findings, "server", "write")
    accepts_changes = at_start and unhealthy(findings, "migrate")
    try:
        todo = await _todo(connection, folder, prefix, "missing" if accepts_changes else "all")
    except psycopg.errors.InsufficientPrivilege as error:
        raise denied(findings, error) from error
    if not todo.steps and not await outbox.plan_pgqueuer(connection):
        if accepts_changes:
            return []
        if await postgres.is_state_kept(connection):
            await postgres.prepare_partitions(connection)
            return []
        # The last migration was interrupted before it stored the state of the schema.
        todo.steps.extend(step for step in steps(folder, prefix) if step.name == GRANTS)
    try:
        require(findings, "migrate")
    except NotReady as error:
        error.add_note(f"To be applied: {', '.join(todo.descriptions)}")
        raise
    await apply_all(connection, todo.steps, run.patience)
    await postgres.prepare_partitions(connection)
    upgraded = await _upgrade_pgqueuer(connection, folder, prefix)
    await postgres.end_migration(connection, todo.obsolete)
    return todo.descriptions + upgraded


async def _settle_identity(dsn: str) -> list[str]:
    """Records a new installation; begins a new epoch if the database came from another cluster.

    If the table of events is in use, the next start begins the epoch.
    """
    async with postgres.open_pool(dsn, size=1) as pool:
        if not (await postgres.check_installation(pool)).epoch_is_due:
            return []
        try:
            epoch = await postgres.begin_epoch(pool, _EPOCH_PATIENCE_S)
        except postgres.LockUnavailable:
            return []
    return [] if epoch is None else [f"epoch {epoch}"]


async def _todo(
    connection: psycopg.AsyncConnection, folder: Path, prefix: str, repairs: Repairs
) -> _Todo:
    all_steps = steps(folder, prefix)
    applied = await postgres.applied_migrations(connection)
    behind = pending(all_steps, applied)
    differences = [] if repairs == "none" else await postgres.schema_differences(connection)
    if repairs == "missing":
        differences = [difference for difference in differences if difference.finding == "missing"]
    return _Todo(
        steps=repair.to_apply(all_steps, behind, differences),
        descriptions=[step.name for step in behind] + repair.described(differences),
        obsolete=obsolete(all_steps, applied),
    )


async def _upgrade_pgqueuer(
    connection: psycopg.AsyncConnection, folder: Path, prefix: str
) -> list[str]:
    upgraded = await outbox.upgrade_pgqueuer(connection)
    if upgraded:
        await postgres.run_script(connection, read_sql(folder / "pgqueuer_grants.sql", prefix))
    return upgraded
