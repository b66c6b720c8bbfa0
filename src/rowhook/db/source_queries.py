"""Sources: inspection and configuration, by the owner of the schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from rowhook.db.statements import ConnectionSource, rows, value
from rowhook.mapping import Column

_WATCH = {
    "jobs": b"select rowhook.watch_jobs(%s, %s)",
    "commits": b"select rowhook.watch_commits(%s, %s)",
    "organizations": b"select rowhook.watch_organizations(%s, %s)",
    "agents": b"select rowhook.watch_agents(%s, %s)",
    "goals": b"select rowhook.watch_goals(%s, %s)",
    "sessions": b"select rowhook.watch_sessions(%s, %s)",
}


class WatchedTable(NamedTuple):
    """A row of rowhook.source; `drift` says why it is no longer captured as its mapping says."""

    name: str
    kind: str
    relation: str
    mapping: dict[str, Any]
    strict: bool
    installed_at: datetime
    triggers: list[str]
    drift: str | None


class UncapturedRows(NamedTuple):
    """How many rows of a source have an open capture error; the first one, and why."""

    source: str
    row_count: int
    row_id: str | None
    message: str


async def find_table(pool: ConnectionSource, name: str) -> str | None:
    """Returns the qualified name of a table; None if none or several match."""
    result: str | None = await value(pool, "select rowhook.find_table(%s)", name)
    return result


async def platform_tables(pool: ConnectionSource) -> list[str]:
    """Returns the qualified names of the tables that can be sources."""
    return [row[0] for row in await rows(pool, "select * from rowhook.platform_tables()")]


async def table_columns(pool: ConnectionSource, table: str) -> list[Column]:
    """Returns the columns of a table, named as by `find_table`, in their order."""
    query = "select name, type, kind, is_key, is_unique from rowhook.table_columns(%s::regclass)"
    return [Column(*row) for row in await rows(pool, query, table)]


async def status_values(
    pool: ConnectionSource, table: str, mapping: Mapping[str, Any]
) -> tuple[list[str], bool]:
    """Returns the values of the column mapped to `status`, and whether no others are allowed."""
    query = "select status, is_every from rowhook.status_values(%s::regclass, %s::jsonb)"
    result = await rows(pool, query, table, json.dumps(mapping))
    return [status for status, _ in result], any(is_every for _, is_every in result)


async def check_mapping(
    pool: ConnectionSource, kind: str, table: str, mapping: Mapping[str, Any]
) -> None:
    """Raises StatementError (RH004) if `watch` would refuse the table or a column."""
    await rows(
        pool,
        "select rowhook.check_mapping(%s::regclass, %s, %s::jsonb)",
        table,
        kind,
        json.dumps(mapping),
    )


async def watch(pool: ConnectionSource, kind: str, table: str, mapping: Mapping[str, Any]) -> None:
    """Makes a table a source, or changes its mapping. Raises StatementError."""
    async with pool.connection() as connection:
        await connection.execute(_WATCH[kind], (table, json.dumps(mapping)))


async def unwatch(pool: ConnectionSource, table: str) -> int:
    """Removes a table from the sources; returns how many sources were removed."""
    removed: int = await value(pool, "select rowhook.unwatch(%s::text)", table)
    return removed


async def watched_tables(pool: ConnectionSource) -> list[WatchedTable]:
    """Returns all sources, built-in ones first."""
    query = (
        "select name, kind, relation, mapping, strict, installed_at, triggers, drift"
        " from rowhook.source_list()"
    )
    return [WatchedTable(*row) for row in await rows(pool, query)]


async def uncaptured_rows(pool: ConnectionSource) -> dict[str, UncapturedRows]:
    """Returns the sources with rows whose capture failed, by name."""
    query = "select source, row_count, row_id, message from rowhook.uncaptured_rows()"
    return {row[0]: UncapturedRows(*row) for row in await rows(pool, query)}
