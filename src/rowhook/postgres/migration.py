"""The functions that the migration runner stands on, over one connection in autocommit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import psycopg

_LOCK_PAUSE_S = 0.05


class Difference(NamedTuple):
    """Something that the schema lacks, or has otherwise than the last migration left it.

    `step` repairs it. `finding` is "missing", "changed" or "not ours".
    """

    kind: str
    step: str
    line: str
    finding: str


async def lock_session(connection: psycopg.AsyncConnection, key: int) -> None:
    """Waits for an advisory lock that ends with the connection.

    Tried again and again: a statement that waits would keep `create index concurrently` of the
    holder waiting for it.
    """
    while True:
        cursor = await connection.execute("select pg_try_advisory_lock(%s)", (key,))
        if await cursor.fetchone() == (True,):
            return
        await asyncio.sleep(_LOCK_PAUSE_S)


@asynccontextmanager
async def brief_locks(connection: psycopg.AsyncConnection, wait_ms: int) -> AsyncIterator[None]:
    """One transaction, which raises LockNotAvailable where it waits longer for a lock."""
    async with connection.transaction():
        await connection.execute(
            "select set_config('lock_timeout', %s::text || 'ms', true)", (wait_ms,)
        )
        yield


async def applied_migrations(connection: psycopg.AsyncConnection) -> dict[str, str]:
    """Name → checksum; empty on a database that Rowhook never saw."""
    if not await _has_function(connection, "applied_migrations"):
        return {}
    cursor = await connection.execute("select name, checksum from rowhook.applied_migrations()")
    return dict(await cursor.fetchall())


async def _has_function(connection: psycopg.AsyncConnection, name: str) -> bool:
    # to_regproc raises an error for a schema that is closed to the login.
    found = await connection.execute(
        "select exists (select from pg_proc"
        " where proname = %s and pronamespace::regnamespace::text = 'rowhook')",
        (name,),
    )
    return (await found.fetchone()) == (True,)


async def stored_role_prefix(connection: psycopg.AsyncConnection) -> str | None:
    """The role prefix that the database was migrated with; None before the first migration."""
    if not await _has_function(connection, "role_prefix"):
        return None
    row = await (await connection.execute("select rowhook.role_prefix()")).fetchone()
    return None if row is None else str(row[0])


async def schema_differences(connection: psycopg.AsyncConnection) -> list[Difference]:
    """How the schema differs from what the last migration left; nothing if none kept its state."""
    if not await _has_function(connection, "schema_differences"):
        return []
    cursor = await connection.execute(
        # The function of an older version tells no finding.
        "select kind, step, line, coalesce("
        "to_jsonb(d) ->> 'finding', case when missing then 'missing' else 'not ours' end)"
        " from rowhook.schema_differences() d"
    )
    return [Difference(*row) for row in await cursor.fetchall()]


async def note_migration(connection: psycopg.AsyncConnection, name: str, checksum: str) -> None:
    """Writes down an applied step, in the caller's transaction."""
    await connection.execute("select rowhook.note_migration(%s, %s)", (name, checksum))


async def define_trigger(
    connection: psycopg.AsyncConnection, table: str, trigger: str, definition: str
) -> None:
    """Creates or replaces a trigger; one that an operator disabled stays disabled."""
    await connection.execute(
        "select rowhook.define_trigger(%s, %s, %s)", (table, trigger, definition)
    )


async def define_policies(connection: psycopg.AsyncConnection, table: str, definition: str) -> None:
    """Replaces the policies that a table has for our roles."""
    await connection.execute("select rowhook.define_policies(%s, %s)", (table, definition))


async def keep_definitions(connection: psycopg.AsyncConnection, step: str) -> None:
    """Keeps what an applied step has defined, for comparison, as `Difference` names it."""
    await connection.execute("select rowhook.keep_definitions(%s)", (step,))


async def is_state_kept(connection: psycopg.AsyncConnection) -> bool:
    """Whether the last migration came to its end and kept the state of the schema."""
    cursor = await connection.execute("select rowhook.is_state_kept()")
    return await cursor.fetchone() == (True,)


async def end_migration(connection: psycopg.AsyncConnection, obsolete: list[str]) -> None:
    """Forgets steps that no longer exist, and keeps the state of the schema for comparison."""
    await connection.execute("select rowhook.end_migration(%s)", (obsolete,))


async def prepare_partitions(connection: psycopg.AsyncConnection) -> None:
    """Makes the partitions of attempts of the next seven days."""
    await connection.execute("select rowhook.make_partitions()")
