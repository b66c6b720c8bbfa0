"""The installation: its suspension, epochs, status, workers and migrations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import psycopg

from rowhook.db.connection_pool import Pool
from rowhook.db.statements import (
    ConnectionSource,
    documents,
    records,
    rows,
    rows_within_deadline,
    value,
)

T = TypeVar("T")
# 55P03: a lock was not available within the lock_timeout of the function.
LockUnavailable = psycopg.errors.LockNotAvailable
# Writers of events queue behind an attempt; the pause lets them proceed.
_PAUSE_S = 0.5
_LOCK_PAUSE_S = 0.05


class InstallationCheck(NamedTuple):
    """Why deliveries are suspended, or None; advice; whether `raise_epoch` is due."""

    reason: str | None
    advice: str
    epoch_is_due: bool


class Suspension(NamedTuple):
    """Why deliveries are suspended, as a sentence, and advice."""

    suspended_at: datetime
    reason: str
    advice: str


async def check_installation(pool: Pool) -> InstallationCheck:
    """Checks whether the database is a copy, and suspends deliveries if it is."""
    result = await rows_within_deadline(
        pool,
        "select rowhook.check_installation(), rowhook.copy_advice(), rowhook.epoch_is_due()",
    )
    return InstallationCheck(*result[0])


async def suspension(pool: ConnectionSource) -> Suspension | None:
    """Returns why deliveries are suspended; None if they are not."""
    result = await rows(pool, "select suspended_at, reason, advice from rowhook.suspension()")
    return Suspension(*result[0]) if result else None


async def move_event_batch(pool: ConnectionSource, after: int | None) -> int | None:
    """Prepares `raise_epoch` by 1000 events in a transaction; returns the last one, or None."""
    last: int | None = await value(pool, "select rowhook.move_event_batch(%s)", after)
    return last


async def raise_epoch(pool: ConnectionSource) -> int | None:
    """Begins a new epoch if one is due. Returns it, or None.

    Raises LockUnavailable while the table of events is in use.
    """
    epoch: int | None = await value(pool, "select rowhook.raise_epoch()")
    return epoch


async def begin_epoch(pool: ConnectionSource, within_s: float) -> int | None:
    """Begins a new epoch if one is due, moving events in batches of short transactions first.

    Raises LockUnavailable if the table of events is in use for `within_s` seconds. Events that were
    moved stay moved.
    """
    last = await move_event_batch(pool, None)
    while last is not None:
        last = await move_event_batch(pool, last)
    return await retry_while_locked(lambda: raise_epoch(pool), within_s)


async def adopt(pool: ConnectionSource, *, cancel_waiting: bool) -> int:
    """Makes this database the installation; returns how many waiting deliveries it cancelled.

    Raises LockUnavailable if an epoch is due and the table of events is in use: call
    `begin_epoch` first.
    """
    cancelled = await value(pool, "select rowhook.adopt(%s)", cancel_waiting)
    return int(cancelled)


async def retry_while_locked(attempt: Callable[[], Awaitable[T]], within_s: float) -> T:
    """Retries for up to `within_s` seconds while the attempt raises LockUnavailable."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + within_s
    while True:
        try:
            return await attempt()
        except LockUnavailable:
            if loop.time() >= ends:
                raise
        await asyncio.sleep(_PAUSE_S)


class KindBacklog(NamedTuple):
    """Due deliveries of one kind of output, and for how many seconds the oldest has been due."""

    kind: str
    due: int = 0
    oldest_due_s: float = 0.0


class Gauges(NamedTuple):
    """Metrics: unfinished deliveries, workers, errors, and due deliveries of kinds with any."""

    pending: int
    sending: int
    held: int
    workers: int
    capture_errors: int
    circuits_open: int
    backlog: list[KindBacklog]


async def gauges(pool: ConnectionSource) -> Gauges:
    """Returns the metrics; cheap however many finished deliveries are stored."""
    (row,) = await rows(
        pool,
        "select pending, sending, held, workers, capture_errors, circuits_open, backlog"
        " from rowhook.metrics()",
    )
    *figures, backlog = row
    return Gauges._make((*figures, [KindBacklog(**of_kind) for of_kind in backlog]))


async def status(pool: ConnectionSource) -> list[dict[str, Any]]:
    """Returns one row per status: count up to 100,000, oldest, next due."""
    return await records(pool, "select * from rowhook.delivery_counts()")


async def webhook_health(pool: ConnectionSource) -> list[dict[str, Any]]:
    """Returns one row per webhook, ordered by name."""
    return await records(pool, "select * from rowhook.webhook_health order by name")


async def workers(pool: ConnectionSource) -> list[dict[str, Any]]:
    """Returns one row per worker process."""
    return await records(pool, "select * from rowhook.workers()")


async def diagnosis(pool: ConnectionSource) -> list[dict[str, Any]]:
    """Returns one row per subject: healthy, finding, advice."""
    return await records(pool, "select * from rowhook.diagnosis()")


async def deliveries(pool: ConnectionSource) -> list[dict[str, Any]]:
    """Returns the newest 200 deliveries, oldest first."""
    return await records(
        pool,
        "select * from (select * from rowhook.api_delivery order by id desc limit 200) as newest"
        " order by id",
    )


async def worker_list(pool: ConnectionSource) -> list[str]:
    """Returns a JSON document for each worker process, oldest first."""
    return await documents(pool, "select worker::text from rowhook.worker_list() as worker")


async def system(pool: ConnectionSource) -> str:
    """Returns the state of the installation as JSON text. Requires an operator's TenantPool."""
    document: str = await value(pool, "select rowhook.system()::text")
    return document


class Difference(NamedTuple):
    """A difference between the schema and its state after the last migration.

    `step` repairs it. `finding` is "missing", "changed" or "not ours".
    """

    kind: str
    step: str
    line: str
    finding: str


async def lock_session(connection: psycopg.AsyncConnection, key: int) -> None:
    """Waits for an advisory lock that ends with the connection.

    Polls, because `create index concurrently` of the holder would wait for a waiting statement.
    """
    while True:
        cursor = await connection.execute("select pg_try_advisory_lock(%s)", (key,))
        if await cursor.fetchone() == (True,):
            return
        await asyncio.sleep(_LOCK_PAUSE_S)


@asynccontextmanager
async def brief_locks(connection: psycopg.AsyncConnection, wait_ms: int) -> AsyncIterator[None]:
    """Opens a transaction that raises LockNotAvailable if it waits longer than this for a lock."""
    async with connection.transaction():
        await connection.execute(
            "select set_config('lock_timeout', %s::text || 'ms', true)", (wait_ms,)
        )
        yield


async def applied_migrations(connection: psycopg.AsyncConnection) -> dict[str, str]:
    """Returns the checksums of applied steps by name; empty before the first migration."""
    if not await _has_function(connection, "applied_migrations"):
        return {}
    cursor = await connection.execute("select name, checksum from rowhook.applied_migrations()")
    return dict(await cursor.fetchall())


async def _has_function(connection: psycopg.AsyncConnection, name: str) -> bool:
    # to_regproc raises an error for a schema that the login may not use.
    result = await connection.execute(
        "select exists (select from pg_proc"
        " where proname = %s and pronamespace::regnamespace::text = 'rowhook')",
        (name,),
    )
    return (await result.fetchone()) == (True,)


async def stored_role_prefix(connection: psycopg.AsyncConnection) -> str | None:
    """Returns the role prefix of the database; None before the first migration."""
    if not await _has_function(connection, "role_prefix"):
        return None
    row = await (await connection.execute("select rowhook.role_prefix()")).fetchone()
    return None if row is None else str(row[0])


async def schema_differences(connection: psycopg.AsyncConnection) -> list[Difference]:
    """Returns differences from the state after the last migration; none before the first."""
    if not await _has_function(connection, "schema_differences"):
        return []
    cursor = await connection.execute(
        # The function of an older version has no column finding.
        "select kind, step, line, coalesce("
        "to_jsonb(d) ->> 'finding', case when missing then 'missing' else 'not ours' end)"
        " from rowhook.schema_differences() d"
    )
    return [Difference(*row) for row in await cursor.fetchall()]


async def note_migration(connection: psycopg.AsyncConnection, name: str, checksum: str) -> None:
    """Records an applied step, in the caller's transaction."""
    await connection.execute("select rowhook.note_migration(%s, %s)", (name, checksum))


async def define_trigger(
    connection: psycopg.AsyncConnection, table: str, trigger: str, definition: str
) -> None:
    """Creates or replaces a trigger; a trigger that an operator disabled stays disabled."""
    await connection.execute(
        "select rowhook.define_trigger(%s, %s, %s)", (table, trigger, definition)
    )


async def define_policies(connection: psycopg.AsyncConnection, table: str, definition: str) -> None:
    """Replaces the policies of a table for Rowhook's roles."""
    await connection.execute("select rowhook.define_policies(%s, %s)", (table, definition))


async def keep_definitions(connection: psycopg.AsyncConnection, step: str) -> None:
    """Stores the definitions of an applied step, named as in `Difference`, for comparison."""
    await connection.execute("select rowhook.keep_definitions(%s)", (step,))


async def is_state_kept(connection: psycopg.AsyncConnection) -> bool:
    """Returns whether the last migration completed and stored the state of the schema."""
    cursor = await connection.execute("select rowhook.is_state_kept()")
    return await cursor.fetchone() == (True,)


async def end_migration(connection: psycopg.AsyncConnection, obsolete: list[str]) -> None:
    """Removes obsolete steps and stores the state of the schema for comparison."""
    await connection.execute("select rowhook.end_migration(%s)", (obsolete,))


async def prepare_partitions(connection: psycopg.AsyncConnection) -> None:
    """Creates the partitions of attempts for the next seven days."""
    await connection.execute("select rowhook.make_partitions()")
