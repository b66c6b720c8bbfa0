"""Removal of an installation: triggers, schemas, database settings, and unused roles."""

from __future__ import annotations

import asyncio
from typing import Literal, NamedTuple

import psycopg
from psycopg import AsyncRawCursor
from psycopg.rows import class_row

from rowhook.db import connection_pool, statements
from rowhook.migrate.runner import locked
from rowhook.migrate.steps import sql_folder

# Each try waits 200 ms for a lock, so that it does not block the platform for longer.
_TRIES = 60
_PAUSE_S = 0.8


class Part(NamedTuple):
    """An object of an installation, or one that depends on it.

    Without a `statement` it is not removed separately; `note` says why.
    """

    kind: str
    object: str
    statement: str | None
    note: str


class Outcome(NamedTuple):
    """The result for a part; `reason` says why it was not removed."""

    part: Part
    state: Literal["removed", "kept", "failed"]
    reason: str


async def installed_parts(dsn: str, prefix: str) -> list[Part]:
    """Returns the parts that an uninstall would remove, in order; changes nothing."""
    async with await connection_pool.connect(dsn) as connection:
        return await _parts(connection, prefix)


async def _parts(connection: psycopg.AsyncConnection, prefix: str) -> list[Part]:
    query = (sql_folder() / "uninstall.sql").read_bytes()
    async with AsyncRawCursor(connection, row_factory=class_row(Part)) as cursor:
        await cursor.execute(query, (prefix,))
        return await cursor.fetchall()


async def count_losses(dsn: str) -> dict[str, int]:
    """Counts webhooks, waiting deliveries and events.

    Raises psycopg.Error if the tables are damaged or too large.
    """
    script = (sql_folder() / "uninstall_counts.sql").read_bytes()
    async with await connection_pool.connect(dsn) as connection:
        cursor = await connection.execute(script)
        cursor.nextset()
        return dict(await cursor.fetchall())


async def uninstall(dsn: str, prefix: str) -> list[Outcome]:
    """Removes all parts that it may remove; a failure does not stop the others.

    Roles come last, after the grants in the schemas are gone.
    """
    async with locked(dsn) as connection:
        parts = await _parts(connection, prefix)
        prefix = _role_prefix(parts) or prefix
        reasons = {part: await _remove(connection, part) for part in parts if part.kind != "role"}
        remaining = await _parts(connection, prefix)
        blocked = (
            "a schema was not removed" if any(part.kind == "schema" for part in remaining) else ""
        )
        for role in (part for part in remaining if part.kind == "role"):
            reasons[role] = blocked or await _remove(connection, role)
        # Dependent objects are dropped with a schema, including triggers of other owners' tables.
        present = {(part.kind, part.object) for part in await _parts(connection, prefix)}
    return [_outcome(part, reason, present) for part, reason in reasons.items()]


def _role_prefix(parts: list[Part]) -> str | None:
    """Returns the prefix of the roles; the one stored in the database is gone with its schema."""
    names = (part.object for part in parts if part.kind == "role")
    return next((name.rpartition("_")[0] for name in names), None)


def _outcome(part: Part, reason: str, present: set[tuple[str, str]]) -> Outcome:
    if (part.kind, part.object) not in present:
        return Outcome(part=part, state="removed", reason="")
    state: Literal["kept", "failed"] = "kept" if part.statement is None else "failed"
    return Outcome(part=part, state=state, reason=reason)


async def _remove(connection: psycopg.AsyncConnection, part: Part) -> str:
    """Removes a part; returns why it was not removed, or an empty text."""
    if part.statement is None:
        return part.note
    for _ in range(_TRIES):
        try:
            await statements.run_script(connection, part.statement)
        except psycopg.errors.LockNotAvailable:
            await asyncio.sleep(_PAUSE_S)
        except psycopg.DatabaseError as error:
            return error.diag.message_primary or str(error)
        else:
            return ""
    return (
        "another transaction holds a lock on it; end the platform's connections and run this again"
    )
