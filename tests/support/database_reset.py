"""Puts a migrated database back to what it was before a test, unless its schema was changed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from rowhook.db import connection_pool
from tests.support.worker_rig import until

_OWN = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
# A row of these catalogs is written again, with a new xmin, whenever what it describes changes;
# a new object is a row of pg_depend at least.
_CATALOGS = (
    "pg_attrdef",
    "pg_attribute",
    "pg_constraint",
    "pg_default_acl",
    "pg_depend",
    "pg_event_trigger",
    "pg_extension",
    "pg_policy",
    "pg_proc",
    "pg_rewrite",
    "pg_sequence",
    "pg_trigger",
    "pg_type",
)
_VERSIONS = " union all ".join(
    f"select '{catalog}', count(*)::text, sum(xmin::text::bigint)::text from pg_catalog.{catalog}"
    for catalog in _CATALOGS
)
# TRUNCATE writes pg_class, and VACUUM pg_database: of these the columns that are settings.
_DIGEST = f"""
select pg_catalog.md5(pg_catalog.string_agg(line::text, e'\\n' order by line)) from (
{_VERSIONS}
union all
select 'pg_class', c.oid::text, row(
    c.relname, c.relnamespace, c.relowner, c.relkind, c.relpersistence, c.relacl, c.reloptions,
    c.relrowsecurity, c.relforcerowsecurity, c.relreplident)::text
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where {_OWN}
union all
select 'pg_namespace', n.oid::text, row(n.nspname, n.nspowner, n.nspacl)::text
from pg_catalog.pg_namespace n where {_OWN}
union all
select 'pg_database', '', row(d.datdba, d.datacl, d.datconnlimit, d.datallowconn)::text
from pg_catalog.pg_database d where d.datname = current_database()
union all
select 'pg_db_role_setting', s.setrole::text, s.setconfig::text
from pg_catalog.pg_db_role_setting s
join pg_catalog.pg_database d on d.oid = s.setdatabase where d.datname = current_database()
) as line
"""
# What is not empty, or was looked at by VACUUM or ANALYZE: TRUNCATE makes the planner forget that.
_TABLES = f"""
select format('%I.%I', n.nspname, c.relname)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and {_OWN} and (pg_catalog.pg_relation_size(c.oid) > 0 or c.reltuples >= 0)
"""
_NOW = f"select ({_DIGEST}) as schema, array({_TABLES}) as full"
_OTHERS = """
select pid from pg_catalog.pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""
# Days of attempts that were not there before: a test may have made them.
_PARTITIONS = """
select i.inhrelid::pg_catalog.regclass::text from pg_catalog.pg_inherits i
where i.inhparent = any (
  '{rowhook.attempt_row, rowhook.exchange, rowhook.failed_exchange}'::pg_catalog.regclass[])
"""
_LEFT = f"select exists ({_OTHERS}) as others, array({_PARTITIONS}) as partitions"
_RESTART = f"""
select pg_catalog.setval(seqrelid::pg_catalog.regclass, seqstart, false)
from pg_catalog.pg_sequence where pg_catalog.pg_sequence_last_value(seqrelid) is not null;
delete from pg_catalog.pg_statistic s using pg_catalog.pg_class c, pg_catalog.pg_namespace n
where c.oid = s.starelid and n.oid = c.relnamespace and {_OWN};
-- Else autovacuum comes for what an earlier test wrote, and finds empty tables.
select pg_catalog.pg_stat_reset();
"""
_GRACE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a migrated database holds: a digest of its schema, and the rows that are in it."""

    schema: str
    rows: dict[str, bytes]
    partitions: frozenset[str]


async def origin_of(dsn: str) -> Origin:
    """Reads it from a database that was just migrated, as a superuser."""
    async with await connection_pool.connect(dsn) as connection:
        (now,) = await _select(connection, _NOW)
        rows = {table: await _copied(connection, table) for table in now["full"]}
        (leftovers,) = await _select(connection, _LEFT)
        return Origin(
            schema=now["schema"], rows=rows, partitions=frozenset(leftovers["partitions"])
        )


async def is_recycled(dsn: str, origin: Origin) -> bool:
    """Empties a database as a superuser; False if a test changed its schema.

    Sessions that the test left open are ended first.
    """
    async with await connection_pool.connect(dsn) as connection:
        await connection.execute("set client_min_messages = warning")
        for partition in set(await _left_alone(connection)) - origin.partitions:
            await connection.execute(f"drop table {partition}".encode())
        (now,) = await _select(connection, _NOW)
        if now["schema"] != origin.schema:
            return False
        await _empty(connection, now["full"], origin.rows)
        return True


async def _empty(
    connection: psycopg.AsyncConnection, full: list[str], origin: dict[str, bytes]
) -> None:
    unchanged = {name for name, rows in origin.items() if await _copied(connection, name) == rows}
    changed = [table for table in full if table not in unchanged]
    emptied = f"truncate {', '.join(changed)} cascade;" if changed else ""
    await connection.execute(f"{emptied}{_RESTART}".encode())
    for table in origin.keys() - unchanged:
        async with connection.cursor().copy(f"copy {table} from stdin".encode()) as copy:
            await copy.write(origin[table])


async def _left_alone(connection: psycopg.AsyncConnection) -> list[str]:
    """Waits for sessions that are about to end, ends the others; the attempts' own partitions."""
    patience = time.monotonic() + _GRACE_S
    partitions: list[str] = []

    async def alone() -> bool:
        (leftovers,) = await _select(connection, _LEFT)
        if leftovers["others"] and time.monotonic() > patience:
            await _select(connection, f"select pg_terminate_backend(pid) from ({_OTHERS}) as other")
        partitions[:] = leftovers["partitions"]
        return not leftovers["others"]

    await until(alone, what="the end of the sessions that the test left open")
    return partitions


async def _copied(connection: psycopg.AsyncConnection, table: str) -> bytes:
    async with connection.cursor().copy(f"copy {table} to stdout".encode()) as copy:
        return b"".join([bytes(data) async for data in copy])


async def _select(connection: psycopg.AsyncConnection, query: str) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query.encode())
        return await cursor.fetchall()
