"""Resets a migrated database after a test, unless its schema was changed."""

from __future__ import annotations

import time
from typing import Any, Self

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
) as line
"""
# Tables with rows, dead rows or statistics. Those of few pages without statistics are emptied by
# DELETE, which costs a hundredth of TRUNCATE. The planner assumes ten pages for each of them.
_TABLES = f"""
select format('%I.%I', n.nspname, c.relname) as name,
  c.reltuples < 0 and pg_catalog.pg_relation_size(c.oid) <= 65536
  and coalesce(pg_catalog.pg_relation_size(nullif(c.reltoastrelid, 0)), 0) <= 65536 as is_small
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and {_USER_SCHEMAS}
  and (pg_catalog.pg_relation_size(c.oid) > 0 or c.reltuples >= 0)
"""
_STATE = f"""
select ({_DIGEST}) as schema,
  (select coalesce(json_object_agg(name, is_small), '{{}}') from ({_TABLES}) as t) as tables
"""
# Settings of the database, with the statements that reset and that make them.
_SETTINGS = """
select prefix || ' reset all' as reset, prefix || format(' set %s = %L',
    split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)) as make
from pg_catalog.pg_db_role_setting s
join pg_catalog.pg_database d on d.oid = s.setdatabase and d.datname = current_database()
cross join lateral (select case setrole when 0 then format('alter database %I', datname)
  else format('alter role %s in database %I', setrole::pg_catalog.regrole, datname) end) p (prefix)
cross join unnest(setconfig) as setting
order by make
"""
_OTHER_SESSIONS = """
select pid from pg_catalog.pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""
_HIGHEST_OID = """
select max(oid::bigint) as oid from (
  select oid from pg_catalog.pg_class union all select oid from pg_catalog.pg_proc
  union all select oid from pg_catalog.pg_type union all select oid from pg_catalog.pg_trigger
  union all select oid from pg_catalog.pg_namespace) as object
"""
# Drops of the objects that the test created, as watched tables and partitions of attempts.
# Sequences and indexes that belong to such a table or to a constraint are dropped with it.
_DROPS = """
select format('drop schema if exists %I cascade', nspname) from pg_catalog.pg_namespace
where oid > {oid} and nspname !~ '^pg_'
union all
select format('drop %s if exists %s cascade', case relkind
    when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
    when 'i' then 'index' when 'I' then 'index' when 'c' then 'type' when 'f' then 'foreign table'
    else 'table' end, c.oid::pg_catalog.regclass)
from pg_catalog.pg_class c
where oid > {oid} and relpersistence <> 't' and relkind <> 't'
  and relnamespace <> 'pg_toast'::pg_catalog.regnamespace
  and (relkind not in ('S', 'i', 'I') or not exists (
    select from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
      and (d.deptype = 'i' or d.deptype = 'a' and (c.relkind = 'S' or d.refobjid > {oid}))))
union all
select format('drop routine if exists %s cascade', oid::pg_catalog.regprocedure)
from pg_catalog.pg_proc where oid > {oid}
union all
select format('drop type if exists %s cascade', oid::pg_catalog.regtype)
from pg_catalog.pg_type where oid > {oid} and typtype in ('e', 'd', 'r')
union all
select format('drop trigger if exists %I on %s', tgname, tgrelid::pg_catalog.regclass)
from pg_catalog.pg_trigger where oid > {oid} and tgrelid <= {oid} and not tgisinternal
  and tgparentid = 0
"""
_RESTART = f"""
select pg_catalog.setval(seqrelid::pg_catalog.regclass, seqstart, false)
from pg_catalog.pg_sequence where pg_catalog.pg_sequence_last_value(seqrelid) is not null;
delete from pg_catalog.pg_statistic s using pg_catalog.pg_class c, pg_catalog.pg_namespace n
where c.oid = s.starelid and n.oid = c.relnamespace and {_USER_SCHEMAS};
select pg_catalog.pg_stat_force_next_flush();
"""
# Otherwise autovacuum comes for the rows of an earlier test, and finds empty tables.
_FORGET_ACTIVITY = "select pg_catalog.pg_stat_reset()"
# Triggers and foreign keys are not needed while everything is removed.
_SESSION = "set client_min_messages = warning; set session_replication_role = replica"
_GRACE_S = 2.0


class ResettableDatabase:
    """A migrated database, with its initial content and the connection that restores it.

    The connection is kept while tests use the database, since the catalog queries cost several
    times as much on a new one.
    """

    def __init__(self, name: str, dsn: str) -> None:
        self.name = name
        self._dsn = dsn
        self._connection: psycopg.AsyncConnection | None = None
        self._schema = ""
        self._oid = 0
        self._settings: list[str] = []
        self._rows: dict[str, bytes] = {}
        self._digests: dict[str, str] = {}

    @classmethod
    async def open(cls, name: str, dsn: str) -> Self:
        """Reads the initial state of a newly migrated database, as a superuser."""
        database = cls(name, dsn)
        connection = await database._connect()
        (highest,) = await _select(connection, _HIGHEST_OID)
        database._oid = highest["oid"]
        database._settings = [row["make"] for row in await _select(connection, _SETTINGS)]
        (state,) = await _select(connection, _STATE)
        database._schema = state["schema"]
        database._rows = {table: await _copy_out(connection, table) for table in state["tables"]}
        database._digests = await database._read_digests(connection)
        return database

    async def reset(self) -> bool:
        """Empties the database; returns False if a test changed its schema.

        Sessions that the test left open are ended first, and objects that it created are dropped.
        """
        try:
            return await self._reset(self._connection or await self._connect())
        except psycopg.OperationalError:
            # The test ended the sessions of its database, and this one with them.
            await self.close()
            return await self._reset(await self._connect())

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _connect(self) -> psycopg.AsyncConnection:
        self._connection = await connection_pool.connect(self._dsn)
        await self._connection.execute(_SESSION)
        return self._connection

    async def _reset(self, connection: psycopg.AsyncConnection) -> bool:
        await self._disconnect_others(connection)
        settings = await _select(connection, _SETTINGS)
        drops = await _select(connection, _DROPS.format(oid=self._oid))
        undo = [drop["format"] for drop in drops]
        if [row["make"] for row in settings] != self._settings:
            undo += [*(row["reset"] for row in settings), *self._settings]
        for statement in undo:
            await connection.execute(statement.encode())
        (state,) = await _select(connection, _STATE)
        if state["schema"] != self._schema:
            return False
        await self._empty(connection, state["tables"])
        return True

    async def _disconnect_others(self, connection: psycopg.AsyncConnection) -> None:
        """Waits for other sessions, and terminate those that remain."""
        deadline = time.monotonic() + _GRACE_S

        async def is_disconnected() -> bool:
            others = await _select(connection, _OTHER_SESSIONS)
            if others and time.monotonic() > deadline:
                await _select(
                    connection,
                    f"select pg_terminate_backend(pid) from ({_OTHER_SESSIONS}) as other",
                )
            return not others

        await until(is_disconnected, description="the end of the sessions that the test left open")

    async def _empty(self, connection: psycopg.AsyncConnection, tables: dict[str, bool]) -> None:
        """Restores the initial rows. `tables` says which tables with rows are small."""
        digests = await self._read_digests(connection)
        unchanged = {table for table in self._rows if digests[table] == self._digests[table]}
        changed = tables.keys() - unchanged
        large = sorted(table for table in changed if not tables[table])
        statements = [f"delete from {table}" for table in sorted(changed) if tables[table]]
        statements += [f"truncate {', '.join(large)} cascade"] if large else []
        await connection.execute(";".join([*statements, _RESTART]).encode())
        await connection.execute(_FORGET_ACTIVITY)
        for table in self._rows.keys() - unchanged:
            async with connection.cursor().copy(f"copy {table} from stdin".encode()) as copy:
                await copy.write(self._rows[table])

    async def _read_digests(self, connection: psycopg.AsyncConnection) -> dict[str, str]:
        """Returns a digest of the rows of each table that has initial rows."""
        query = " union all ".join(
            f"select '{table}' as name,"
            f" sum(pg_catalog.hashtextextended(t::text, 0))::text as digest from {table} as t"
            for table in self._rows
        )
        return {row["name"]: row["digest"] for row in await _select(connection, query)}


async def _copy_out(connection: psycopg.AsyncConnection, table: str) -> bytes:
    async with connection.cursor().copy(f"copy {table} to stdout".encode()) as copy:
        return b"".join([bytes(data) async for data in copy])


async def _select(connection: psycopg.AsyncConnection, query: str) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query.encode())
        return await cursor.fetchall()
