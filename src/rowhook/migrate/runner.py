"""Brings a database to this version, beside a live platform and the workers of the version before.

Everything runs under one advisory lock. Numbered table files come first, each once; then what
changed of functions, views and grants, in one transaction; then triggers and policies, each in a
transaction of its own; then pgqueuer. A migration that is cut off is taken up where it stopped.
What a restore or a person took away or changed since is brought back.
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
    """What to apply, what to tell of it, and the names of applied steps that no longer exist."""

    steps: list[Step]
    told: list[str]
    obsolete: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One migration, over a connection that keeps every other one waiting."""

    connection: psycopg.AsyncConnection
    folder: Path
    prefix: str
    patience: Patience


@asynccontextmanager
async def locked(dsn: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection that keeps every other migration waiting."""
    async with await postgres.connect(dsn) as connection:
        await postgres.lock_session(connection, _LOCK)
        yield connection


async def plan(dsn: str, folder: Path | None = None, *, repairs: Repairs = "all") -> list[str]:
    """The names of the steps that `migrate` would apply; changes nothing.

    `repairs` "missing" leaves out what was changed or is not ours, "none" compares nothing. Raises
    NotReady for a login that may not read what was applied.
    """
    async with await postgres.connect(dsn) as connection:
        try:
            prefix = await postgres.stored_role_prefix(connection) or DEFAULT_PREFIX
            todo = await _todo(connection, folder or sql_folder(), prefix, repairs)
            return todo.told + await outbox.plan_pgqueuer(connection)
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
    """Applies what is missing and answers the names of the applied steps, in order.

    `at_start`, a login that may not migrate is content with a schema that lacks nothing, whatever
    was changed in it or is not ours.

    Two at once are safe: the second waits, then finds nothing to do. Raises NotReady for a missing
    privilege, MigrationRejected (also where a table stays locked for `patience_s` seconds), or
    psycopg.Error with the step's name in its notes.
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
    is_content = at_start and unhealthy(findings, "migrate")
    try:
        todo = await _todo(connection, folder, prefix, "missing" if is_content else "all")
    except psycopg.errors.InsufficientPrivilege as error:
        raise denied(findings, error) from error
    if not todo.steps and not await outbox.plan_pgqueuer(connection):
        if is_content:
            return []
        if await postgres.is_state_kept(connection):
            await postgres.prepare_partitions(connection)
            return []
        # The last migration was interrupted before it kept the state of the schema.
        todo.steps.extend(step for step in steps(folder, prefix) if step.name == GRANTS)
    try:
        require(findings, "migrate")
    except NotReady as lack:
        lack.add_note(f"To be applied: {', '.join(todo.told)}")
        raise
    await apply_all(connection, todo.steps, run.patience)
    await postgres.prepare_partitions(connection)
    upgraded = await _upgrade_pgqueuer(connection, folder, prefix)
    await postgres.end_migration(connection, todo.obsolete)
    return todo.told + upgraded


async def _settle_identity(dsn: str) -> list[str]:
    """Records a new installation; begins the next epoch if the database came from another cluster.

    While the events are in use the epoch is left to the next start.
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
    wanted = steps(folder, prefix)
    applied = await postgres.applied_migrations(connection)
    behind = pending(wanted, applied)
    differences = [] if repairs == "none" else await postgres.schema_differences(connection)
    if repairs == "missing":
        differences = [found for found in differences if found.finding == "missing"]
    return _Todo(
        steps=repair.to_apply(wanted, behind, differences),
        told=[step.name for step in behind] + repair.described(differences),
        obsolete=obsolete(wanted, applied),
    )


async def _upgrade_pgqueuer(
    connection: psycopg.AsyncConnection, folder: Path, prefix: str
) -> list[str]:
    upgraded = await outbox.upgrade_pgqueuer(connection)
    if upgraded:
        await postgres.run_script(connection, read_sql(folder / "pgqueuer_grants.sql", prefix))
    return upgraded
