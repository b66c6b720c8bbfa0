"""Statements: where they run, how long they may take, and what their errors mean."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, LiteralString, Protocol
from uuid import UUID

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row
from psycopg_pool import PoolTimeout

from rowhook.postgres.pool import Pool

# Away, or not able to write at the moment: in time it will be.
Unreachable = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
# 57014, which is among those above: Postgres is there, but a statement went on for too long.
StatementTimeout = psycopg.errors.QueryCanceled
StatementError = psycopg.DatabaseError
# 42501: the login lacks a right.
PrivilegeError = psycopg.errors.InsufficientPrivilege
# Whatever Postgres did not do, for whatever reason. A worker waits, and tries it again.
PostgresError = psycopg.Error
# SQLSTATE class 22, and what psycopg itself cannot send: a text or number PostgreSQL cannot hold.
UnstorableValue = psycopg.DataError
# 23503 where the constraint says `no action`, 23001 from `restrict` on PostgreSQL 18.
StillReferenced = (psycopg.errors.ForeignKeyViolation, psycopg.errors.RestrictViolation)
_LAST_PORT = 65535
PATIENCE_S = 15.0


class ConnectionSource(Protocol):
    """Where a statement runs: a pool under its own role, or an TenantPool."""

    def connection(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection]:
        """One connection, given back at the exit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantPool:
    """A pool as the API uses it: each connection is one transaction as `rowhook_api`.

    It sees its organization alone, or all of them where that is None (an operator). `actor` is
    who the audit names.
    """

    pool: Pool
    organization: UUID | None
    actor: str

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """One transaction; committed at the exit, rolled back by an exception."""
        async with self.pool.connection() as connection, connection.transaction():
            await connection.execute(
                "select rowhook.set_tenant(%s, %s)", (self.organization, self.actor)
            )
            yield connection


class DsnRejected(ValueError):
    """A text that is no connection string. It never quotes it: a password may stand anywhere."""


def check_dsn(dsn: str) -> None:
    """Raises DsnRejected for what libpq cannot read, before anything is dialled."""
    try:
        ports = str(conninfo_to_dict(dsn).get("port") or "")
    except psycopg.ProgrammingError:
        raise DsnRejected("write postgresql://user@host:5432/database") from None
    for port in filter(None, ports.split(",")):
        if not (port.isascii() and port.isdecimal() and 1 <= int(port) <= _LAST_PORT):
            raise DsnRejected(f"its port must be a number from 1 to {_LAST_PORT}")


def without_password(dsn: str) -> tuple[str, str | None]:
    """The text without its password, for a program's arguments, and the password."""
    written = conninfo_to_dict(dsn)
    password = written.pop("password", None)
    return make_conninfo("", **written), None if password is None else str(password)


def login_and_database(dsn: str) -> tuple[str, str]:
    """The names that libpq would use: those of the text, else of the environment."""
    defaults = {option.keyword.decode(): option.val for option in pq.Conninfo.get_defaults()}
    written = conninfo_to_dict(dsn)
    user = str(written.get("user") or (defaults.get("user") or b"").decode())
    database = str(written.get("dbname") or (defaults.get("dbname") or b"").decode())
    return user, database or user


async def rows(
    pool: ConnectionSource, query: LiteralString, *parameters: object
) -> list[tuple[Any, ...]]:
    """The rows of one `select … from rowhook.f(…)`, in binary."""
    async with pool.connection() as connection, connection.cursor(binary=True) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()


@contextmanager
def deadline(connection: psycopg.AsyncConnection, seconds: float) -> Iterator[None]:
    """Cuts the connection after so long: what waits on it raises OperationalError.

    A network that swallows everything is noticed by nothing else. (To cancel the statement would
    be to wait for the same network.)
    """
    descriptor = connection.fileno()
    cutting = asyncio.get_running_loop().call_later(seconds, _cut, descriptor)
    try:
        yield
    finally:
        cutting.cancel()


def _cut(descriptor: int) -> None:
    with socket.socket(fileno=os.dup(descriptor)) as one, suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


async def rows_within_deadline(
    pool: Pool, query: LiteralString, *parameters: object
) -> list[tuple[Any, ...]]:
    """The same for what is always answered at once: Unreachable after 15 s.

    Then no other connection of the pool is trusted either: it begins anew.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with pool.connection() as connection:
            with deadline(connection, PATIENCE_S):
                async with connection.cursor(binary=True) as cursor:
                    await cursor.execute(query, parameters)
                    return await cursor.fetchall()
    except psycopg.OperationalError:
        if loop.time() - began >= PATIENCE_S:
            await pool.drain()
        raise


async def value(pool: ConnectionSource, query: LiteralString, *parameters: object) -> Any:
    """The one value of one `select rowhook.f(…)`."""
    return (await rows(pool, query, *parameters))[0][0]


async def records(
    pool: ConnectionSource, query: LiteralString, *parameters: object
) -> list[dict[str, Any]]:
    """The rows as dictionaries, for tables that people read."""
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()


async def documents(pool: ConnectionSource, query: LiteralString, *parameters: object) -> list[str]:
    """The rows of a function that answers one JSON document a row, each as its text."""
    async with pool.connection() as connection, connection.cursor() as cursor:
        await cursor.execute(query, parameters)
        return [row[0] for row in await cursor.fetchall()]


async def run_script(connection: psycopg.AsyncConnection, script: str) -> None:
    """Runs a file of `sql/` as it is; several statements are one transaction."""
    await connection.execute(script.encode())
