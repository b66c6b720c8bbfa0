"""Migrations beside a live platform and old workers: applying, repairing and checking."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

import psycopg

from rowhook.db import connection_pool, installation_queries, statements
from rowhook.db.installation_queries import Difference, LockUnavailable
from rowhook.db.statements import StatementError, Unreachable
from rowhook.migrate.locks import LOCK_WAIT_MS, PATIENCE_S, Patience
from rowhook.migrate.preflight import NotReady, denied, examine_over, require, unhealthy
from rowhook.migrate.steps import (
    BOOTSTRAP,
    DEFAULT_PREFIX,
    FUNCTIONS,
    GRANTS,
    MigrationRejected,
    Step,
    all_steps,
    comments_by_relation,
    obsolete,
    paragraphs,
    pending,
    read_sql,
    sql_folder,
    unapplied,
)

_FINDINGS = ("missing", "changed", "not ours")
_PLURAL = {"policy": "policies"}
_LOCK = 0x726F77686F6F6B  # "rowhook"
_EPOCH_PATIENCE_S = 10.0
Repairs = Literal["all", "missing", "none"]
_CACHE_S = 1.0
_DEADLINE_S = 6.0
# An error lists no more steps than a person reads; `rowhook migrate --plan` lists all of them.
_BRIEF = 10
_OTHER_LOGIN = (
    "Or migrate with a login that has these rights, in DATABASE_DIRECT_URL, or let an administrator"
    " run what `rowhook migrate --print-bootstrap` prints."
)


async def apply_all(
    connection: psycopg.AsyncConnection, steps: Iterable[Step], patience: Patience
) -> None:
    """Applies steps in order, each in its own transaction; release steps share one."""
    for _, group in groupby(steps, lambda step: step.kind == "release" or step.name):
        await _apply(connection, list(group), patience)


async def _apply(
    connection: psycopg.AsyncConnection, steps: Sequence[Step], patience: Patience
) -> None:
    current = steps[0]

    async def attempt() -> None:
        nonlocal current
        if steps[0].kind == "outside":
            await _run_outside(connection, steps[0])
            return
        if steps[0].kind == "comments":
            await _run_comments(connection, steps[0])
            return
        async with installation_queries.brief_locks(connection, LOCK_WAIT_MS):
            for current in steps:
                await _run(connection, current)

    try:
        await patience.apply(connection.info.backend_pid, steps[0].name, attempt)
    except psycopg.Error as error:
        error.add_note(_recovery_note(current))
        raise
    await _store_definitions(connection, steps[0])


async def _store_definitions(connection: psycopg.AsyncConnection, step: Step) -> None:
    """Stores definitions outside the transaction of the step, which locks the platform's tables."""
    if step.kind == "release":
        await installation_queries.keep_definitions(connection, FUNCTIONS)
    elif step.kind in ("trigger", "policies"):
        await installation_queries.keep_definitions(connection, step.name)


async def _run(connection: psycopg.AsyncConnection, step: Step) -> None:
    if step.kind == "trigger":
        await installation_queries.define_trigger(connection, step.table, step.trigger, step.sql)
    elif step.kind == "policies":
        await installation_queries.define_policies(connection, step.table, step.sql)
    elif step.name != GRANTS or await _has_other_grants(connection, step):
        await statements.run_script(connection, step.sql)
    await installation_queries.note_migration(connection, step.name, step.checksum)


async def _has_other_grants(connection: psycopg.AsyncConnection, step: Step) -> bool:
    """Returns whether grants changed, by the version, by a new function, or manually.

    Repeating unchanged grants would invalidate the catalog caches of all sessions.
    """
    applied = await installation_queries.applied_migrations(connection)
    differences = await installation_queries.schema_differences(connection)
    is_interrupted = not await installation_queries.is_state_kept(connection)
    return (
        is_interrupted
        or applied.get(step.name) != step.checksum
        or any(difference.step == step.name for difference in differences)
    )


async def _run_outside(connection: psycopg.AsyncConnection, step: Step) -> None:
    for statement in paragraphs(step.sql):
        await statements.run_script(connection, statement)
    await installation_queries.note_migration(connection, step.name, step.checksum)


async def _run_comments(connection: psycopg.AsyncConnection, step: Step) -> None:
    """Sets comments table by table, so that a locked table keeps no lock on another waiting."""
    for comments in comments_by_relation(step.sql):
        async with installation_queries.brief_locks(connection, LOCK_WAIT_MS):
            await statements.run_script(connection, comments)
    await installation_queries.note_migration(connection, step.name, step.checksum)


def _recovery_note(step: Step) -> str:
    if step.kind in ("outside", "comments"):
        return f"Step {step.name} was interrupted. It will be repeated from its first statement."
    others = (
        " together with the other functions, views and grants" if step.kind == "release" else ""
    )
    return f"Step {step.name} was rolled back{others}. Earlier steps are kept."


def to_apply(
    steps: Iterable[Step], pending: Iterable[Step], differences: Iterable[Difference]
) -> list[Step]:
    """Returns the pending steps and those that repair differences, in the order of `steps`.

    Grants are applied after functions and views, because everybody may execute a new function. The
    bootstrap creates functions too.
    """
    names = {step.name for step in pending} | {difference.step for difference in differences}
    if FUNCTIONS in names:
        names |= {BOOTSTRAP, *(step.name for step in steps if step.kind == "release")}
    if any(step.name in names for step in steps if step.kind == "release") or BOOTSTRAP in names:
        names.add(GRANTS)
    return [step for step in steps if step.name in names]


def described(differences: Sequence[Difference]) -> list[str]:
    """Returns at most one line, `repair: 14 grants, 2 roles are missing; 1 grant is not ours`."""
    parts = [
        _counted(
            [difference for difference in differences if difference.finding == finding], finding
        )
        for finding in _FINDINGS
    ]
    text = "; ".join(part for part in parts if part)
    return [f"repair: {text}"] if text else []


def _counted(differences: Sequence[Difference], finding: str) -> str:
    if not differences:
        return ""
    kinds = Counter(difference.kind for difference in differences)
    counts = [
        f"{number} {kind if number == 1 else _PLURAL.get(kind, kind + 's')}"
        for kind, number in sorted(kinds.items())
    ]
    return f"{', '.join(counts)} {'is' if len(differences) == 1 else 'are'} {finding}"


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
    async with await connection_pool.connect(dsn) as connection:
        await installation_queries.lock_session(connection, _LOCK)
        yield connection


def in_brief(steps: Sequence[str]) -> str:
    """Returns the first names of steps, and how many others there are."""
    others = f" and {len(steps) - _BRIEF} others" if len(steps) > _BRIEF else ""
    return ", ".join(steps[:_BRIEF]) + others


async def plan(dsn: str, folder: Path | None = None, *, repairs: Repairs = "all") -> list[str]:
    """Returns the names of the steps that `migrate` would apply; changes nothing.

    `repairs` "missing" ignores changed and additional objects. "none" compares nothing, and accepts
    a database that the next release has migrated. Raises NotReady for a login that may not read the
    applied steps.
    """
    async with await connection_pool.connect(dsn) as connection:
        try:
            prefix = await installation_queries.stored_role_prefix(connection) or DEFAULT_PREFIX
            todo = await _todo(connection, folder or sql_folder(), prefix, repairs)
            return todo.descriptions + await _plan_pgqueuer(connection)
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
    if not todo.steps and not await _plan_pgqueuer(connection):
        if accepts_changes:
            return []
        if await installation_queries.is_state_kept(connection):
            await installation_queries.prepare_partitions(connection)
            return []
        # The last migration was interrupted before it stored the state of the schema.
        todo.steps.extend(step for step in all_steps(folder, prefix) if step.name == GRANTS)
    try:
        require(findings, "migrate")
    except NotReady as error:
        error.add_note(f"To be applied: {in_brief(todo.descriptions)}")
        error.add_note(_OTHER_LOGIN)
        raise
    await apply_all(connection, todo.steps, run.patience)
    await installation_queries.prepare_partitions(connection)
    upgraded = await _upgrade_pgqueuer(connection, folder, prefix)
    await installation_queries.end_migration(connection, todo.obsolete)
    return todo.descriptions + upgraded


async def _settle_identity(dsn: str) -> list[str]:
    """Records a new installation; begins a new epoch if the database came from another cluster.

    If the table of events is in use, the next start begins the epoch.
    """
    async with connection_pool.open_pool(dsn, size=1) as pool:
        if not (await installation_queries.check_installation(pool)).epoch_is_due:
            return []
        try:
            epoch = await installation_queries.begin_epoch(pool, _EPOCH_PATIENCE_S)
        except LockUnavailable:
            return []
    return [] if epoch is None else [f"epoch {epoch}"]


async def _todo(
    connection: psycopg.AsyncConnection, folder: Path, prefix: str, repairs: Repairs
) -> _Todo:
    steps = all_steps(folder, prefix)
    applied = await installation_queries.applied_migrations(connection)
    behind = (unapplied if repairs == "none" else pending)(steps, applied)
    differences = (
        [] if repairs == "none" else await installation_queries.schema_differences(connection)
    )
    if repairs == "missing":
        differences = [difference for difference in differences if difference.finding == "missing"]
    return _Todo(
        steps=to_apply(steps, behind, differences),
        descriptions=[step.name for step in behind] + described(differences),
        obsolete=obsolete(steps, applied),
    )


async def _plan_pgqueuer(connection: psycopg.AsyncConnection) -> list[str]:
    # pgqueuer takes a third of the CPU time of a command that does not migrate.
    from rowhook.migrate import queue_schema  # noqa: PLC0415

    return await queue_schema.plan_pgqueuer(connection)


async def _upgrade_pgqueuer(
    connection: psycopg.AsyncConnection, folder: Path, prefix: str
) -> list[str]:
    from rowhook.migrate import queue_schema  # noqa: PLC0415  # see _plan_pgqueuer

    upgraded = await queue_schema.upgrade_pgqueuer(connection)
    if upgraded:
        await statements.run_script(connection, read_sql(folder / "pgqueuer_grants.sql", prefix))
    return upgraded


class Readiness:
    """Checks the database, on one connection at a time, and caches the result."""

    def __init__(self, direct_dsn: str, *, deadline_s: float = _DEADLINE_S) -> None:
        self._dsn = direct_dsn
        self._deadline_s = deadline_s
        self._lock = asyncio.Lock()
        self._checked_at = float("-inf")
        self._reason: str | None = None
        self._late: set[asyncio.Task[list[str]]] = set()

    async def reason(self) -> str | None:
        """The reason why the process is not ready, at most a second old; None if it is ready."""
        async with self._lock:
            if time.monotonic() - self._checked_at >= _CACHE_S:
                self._reason = await self._check()
                self._checked_at = time.monotonic()
            return self._reason

    async def _check(self) -> str | None:
        reading = asyncio.create_task(plan(self._dsn, repairs="none"))
        try:
            # Its end is not awaited: a cancelled statement waits for the same network.
            done, _ = await asyncio.wait({reading}, timeout=self._deadline_s)
        finally:
            if not reading.done():
                self._abandon(reading)
        if not done:
            return f"The database did not answer within {self._deadline_s:g} s."
        try:
            names = reading.result()
        except Unreachable:
            return "The database cannot be reached."
        except (MigrationRejected, StatementError) as error:
            return str(error)
        if names:
            return f"Migrations are pending: {', '.join(names)}. Run rowhook migrate."
        return None

    def _abandon(self, reading: asyncio.Task[list[str]]) -> None:
        reading.cancel()
        self._late.add(reading)
        reading.add_done_callback(self._forget)

    def _forget(self, reading: asyncio.Task[list[str]]) -> None:
        self._late.discard(reading)
        if not reading.cancelled():
            # Retrieved, so that it is not logged.
            reading.exception()
