"""Removes an installation: triggers, schemas, settings of the database, and roles nobody uses."""

from __future__ import annotations

import asyncio
from typing import Literal, NamedTuple

import psycopg
from psycopg import AsyncRawCursor
from psycopg.rows import class_row

from rowhook import postgres
from rowhook.migrate.runner import locked
from rowhook.migrate.steps import sql_folder

# Each try waits 200 ms for a lock: what the platform does is not held up for longer.
_TRIES = 60
_PAUSE_S = 0.8


class Part(NamedTuple):
    """One object of an installation: a trigger, schema, setting or role, or what depends on it.

    Without a `statement` it is not removed by itself; `note` says why.
    """

    kind: str
    object: str
    statement: str | None
    note: str


class Outcome(NamedTuple):
    """What became of a part; `reason` says why it is still there."""

    part: Part
    state: Literal["removed", "kept", "failed"]
    reason: str


async def installed_parts(dsn: str, prefix: str) -> list[Part]:
    """What an uninstall would remove, in this order; changes nothing."""
    async with await postgres.connect(dsn) as connection:
        return await _parts(connection, prefix)


async def _parts(connection: psycopg.AsyncConnection, prefix: str) -> list[Part]:
    query = (sql_folder() / "uninstall.sql").read_bytes()
    async with AsyncRawCursor(connection, row_factory=class_row(Part)) as cursor:
        await cursor.execute(query, (prefix,))
        return await cursor.fetchall()


async def count_losses(dsn: str) -> dict[str, int]:
    """How many webhooks, waiting deliveries and events there are.

    Raises psycopg.Error where the tables are damaged or large.
    """
    script = (sql_folder() / "uninstall_counts.sql").read_bytes()
    async with await postgres.connect(dsn) as connection:
        cursor = await connection.execute(script)
        cursor.nextset()
        return dict(await cursor.fetchall())


async def uninstall(dsn: str, prefix: str) -> list[Outcome]:
    """Removes every part that it may remove; one that fails does not stop the others.

    Roles come last: what was granted to them in the schemas is gone then.
    """
    async with locked(dsn) as connection:
        parts = await _parts(connection, prefix)
        prefix = _role_prefix(parts) or prefix
        reasons = {part: await _remove(connection, part) for part in parts if part.kind != "role"}
        rest = await _parts(connection, prefix)
        blocked = "a schema is still there" if any(part.kind == "schema" for part in rest) else ""
        for role in (part for part in rest if part.kind == "role"):
            reasons[role] = blocked or await _remove(connection, role)
        # What depends on a schema went with it, a trigger of another owner's table too.
        left = {(part.kind, part.object) for part in await _parts(connection, prefix)}
    return [_outcome(part, reason, left) for part, reason in reasons.items()]


def _role_prefix(parts: list[Part]) -> str | None:
    """The prefix of the database, which is gone with its schema."""
    names = (part.object for part in parts if part.kind == "role")
    return next((name.rpartition("_")[0] for name in names), None)


def _outcome(part: Part, reason: str, left: set[tuple[str, str]]) -> Outcome:
    if (part.kind, part.object) not in left:
        return Outcome(part=part, state="removed", reason="")
    state: Literal["kept", "failed"] = "kept" if part.statement is None else "failed"
    return Outcome(part=part, state=state, reason=reason)


async def _remove(connection: psycopg.AsyncConnection, part: Part) -> str:
    """Why it was not removed; empty if it was."""
    if part.statement is None:
        return part.note
    for _ in range(_TRIES):
        try:
            await postgres.run_script(connection, part.statement)
        except psycopg.errors.LockNotAvailable:
            await asyncio.sleep(_PAUSE_S)
        except psycopg.DatabaseError as error:
            return error.diag.message_primary or str(error)
        else:
            return ""
    return "a transaction holds a lock on it: end the platform's connections, then run this again"
