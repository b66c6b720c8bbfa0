"""Functions of the migration runner, over one connection in autocommit mode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import psycopg

_LOCK_PAUSE_S = 0.05


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
