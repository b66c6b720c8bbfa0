"""Resets a migrated database after a test, unless its schema was changed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from rowhook.db import connection_pool
from tests.support.worker_rig import until

_USER_SCHEMAS = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
# A row of these catalogs is rewritten, with a new xmin, whenever its object changes; a new object
# has at least a row in pg_depend.
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
# TRUNCATE updates pg_class, and VACUUM pg_database: of these only the columns that are settings.
_DIGEST = f"""
select pg_catalog.md5(pg_catalog.string_agg(line::text, e'\\n' order by line)) from (
{_VERSIONS}
union all
select 'pg_class', c.oid::text, row(
    c.relname, c.relnamespace, c.relowner, c.relkind, c.relpersistence, c.relacl, c.reloptions,
    c.relrowsecurity, c.relforcerowsecurity, c.relreplident)::text
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where {_USER_SCHEMAS}
union all
select 'pg_namespace', n.oid::text, row(n.nspname, n.nspowner, n.nspacl)::text
from pg_catalog.pg_namespace n where {_USER_SCHEMAS}
union all
select 'pg_database', '', row(d.datdba, d.datacl, d.datconnlimit, d.datallowconn)::text
from pg_catalog.pg_database d where d.datname = current_database()
union all
select 'pg_db_role_setting', s.setrole::text, s.setconfig::text
from pg_catalog.pg_db_role_setting s
join pg_catalog.pg_database d on d.oid = s.setdatabase where d.datname = current_database()
) as line
"""
# Tables with rows or statistics; TRUNCATE resets the statistics.
_TABLES = f"""
select format('%I.%I', n.nspname, c.relname)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and {_USER_SCHEMAS}
  and (pg_catalog.pg_relation_size(c.oid) > 0 or c.reltuples >= 0)
"""
_STATE = f"select ({_DIGEST}) as schema, array({_TABLES}) as full"
_OTHER_SESSIONS = """
select pid from pg_catalog.pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""
# Partitions of attempts that the test may have created.
_PARTITIONS = """
select i.inhrelid::pg_catalog.regclass::text from pg_catalog.pg_inherits i
where i.inhparent = any (
  '{rowhook.attempt_row, rowhook.exchange, rowhook.failed_exchange}'::pg_catalog.regclass[])
"""
_LEFTOVERS = f"select exists ({_OTHER_SESSIONS}) as others, array({_PARTITIONS}) as partitions"
_RESTART = f"""
select pg_catalog.setval(seqrelid::pg_catalog.regclass, seqstart, false)
from pg_catalog.pg_sequence where pg_catalog.pg_sequence_last_value(seqrelid) is not null;
delete from pg_catalog.pg_statistic s using pg_catalog.pg_class c, pg_catalog.pg_namespace n
where c.oid = s.starelid and n.oid = c.relnamespace and {_USER_SCHEMAS};
-- Otherwise autovacuum comes for the rows of an earlier test, and finds empty tables.
select pg_catalog.pg_stat_reset();
"""
_GRACE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialState:
    """The initial content of a migrated database: a digest of its schema, and its rows."""

    schema: str
    rows: dict[str, bytes]
    partitions: frozenset[str]


async def read_initial_state(dsn: str) -> InitialState:
    """Read the initial state of a newly migrated database, as a superuser."""
    async with await connection_pool.connect(dsn) as connection:
        (state,) = await _select(connection, _STATE)
        rows = {table: await _copy_out(connection, table) for table in state["full"]}
        (leftovers,) = await _select(connection, _LEFTOVERS)
        return InitialState(
            schema=state["schema"], rows=rows, partitions=frozenset(leftovers["partitions"])
        )


async def reset_database(dsn: str, initial: InitialState) -> bool:
    """Empty a database as a superuser; return False if a test changed its schema.

    Sessions that the test left open are ended first.
    """
    async with await connection_pool.connect(dsn) as connection:
        await connection.execute("set client_min_messages = warning")
        for partition in set(await _disconnect_others(connection)) - initial.partitions:
            await connection.execute(f"drop table {partition}".encode())
        (state,) = await _select(connection, _STATE)
        if state["schema"] != initial.schema:
            return False
        await _empty(connection, state["full"], initial.rows)
        return True


async def _empty(
    connection: psycopg.AsyncConnection, full: list[str], initial: dict[str, bytes]
) -> None:
    unchanged = {
        name for name, rows in initial.items() if await _copy_out(connection, name) == rows
    }
    changed = [table for table in full if table not in unchanged]
    emptied = f"truncate {', '.join(changed)} cascade;" if changed else ""
    await connection.execute(f"{emptied}{_RESTART}".encode())
    for table in initial.keys() - unchanged:
        async with connection.cursor().copy(f"copy {table} from stdin".encode()) as copy:
            await copy.write(initial[table])


async def _disconnect_others(connection: psycopg.AsyncConnection) -> list[str]:
    """Wait for other sessions, terminate those that remain; return the partitions."""
    deadline = time.monotonic() + _GRACE_S
    partitions: list[str] = []

    async def is_disconnected() -> bool:
        (leftovers,) = await _select(connection, _LEFTOVERS)
        if leftovers["others"] and time.monotonic() > deadline:
            await _select(
                connection, f"select pg_terminate_backend(pid) from ({_OTHER_SESSIONS}) as other"
            )
        partitions[:] = leftovers["partitions"]
        return not leftovers["others"]

    await until(is_disconnected, description="the end of the sessions that the test left open")
    return partitions


async def _copy_out(connection: psycopg.AsyncConnection, table: str) -> bytes:
    async with connection.cursor().copy(f"copy {table} to stdout".encode()) as copy:
        return b"".join([bytes(data) async for data in copy])


async def _select(connection: psycopg.AsyncConnection, query: str) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query.encode())
        return await cursor.fetchall()
