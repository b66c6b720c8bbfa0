"""Statements: the connections that execute them, their results, and their errors."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, LiteralString, Protocol, TypeVar
from uuid import UUID

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row
from psycopg_pool import PoolTimeout

from rowhook.db.connection_pool import Pool, deadline

# Temporary: the server is down or cannot write at the moment.
Unreachable = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
# 57014, which is among those above: the server is up, but a statement took too long.
StatementTimeout = psycopg.errors.QueryCanceled
StatementError = psycopg.DatabaseError
# 42501: the login lacks a right.
PrivilegeError = psycopg.errors.InsufficientPrivilege
# Any error of PostgreSQL or psycopg. A worker waits and retries.
PostgresError = psycopg.Error
# SQLSTATE class 22, and values that psycopg cannot send: PostgreSQL cannot store them.
UnstorableValue = psycopg.DataError
# 23503 for `no action` constraints, 23001 for `restrict` since PostgreSQL 18.
StillReferenced = (psycopg.errors.ForeignKeyViolation, psycopg.errors.RestrictViolation)
AlreadyExists = psycopg.errors.UniqueViolation
_LAST_PORT = 65535
DEADLINE_S = 15.0
T = TypeVar("T")
Read = Callable[[psycopg.AsyncConnection], Awaitable[T]]
_ENCODE = ". Write @ : / ? # % in the user or the password percent-encoded, such as %2F for /"


class ConnectionSource(Protocol):
    """Provides connections: a pool under its own role, or a TenantPool."""

    def connection(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection]:
        """Returns a context manager for one connection."""


class DrainableSource(ConnectionSource, Protocol):
    """A source whose connections can be replaced: a pool, or a connection kept from it."""

    async def drain(self) -> None:
        """Replaces the connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantPool:
    """A pool for one tenant: each connection is a transaction with the role `rowhook_api`.

    It sees the rows of its organization, or of all organizations if that is None (an operator).
    `actor` is recorded in the audit log.
    """

    pool: Pool
    organization: UUID | None
    actor: str

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """Opens a transaction, which is committed at exit and rolled back by an exception."""
        async with self.pool.connection() as connection, self.entered(connection):
            yield connection

    @asynccontextmanager
    async def entered(self, connection: psycopg.AsyncConnection) -> AsyncIterator[None]:
        """Opens the transaction on a connection of any server with this database."""
        async with connection.transaction():
            await connection.execute(
                "select rowhook.set_tenant(%s, %s)", (self.organization, self.actor)
            )
            yield


class ChoosingSource(ABC):
    """A source that chooses the server of each query, and may repeat it on another one."""

    @abstractmethod
    def connection(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection]:
        """Returns a context manager for one connection to the primary."""

    @abstractmethod
    async def read(self, read: Read[T]) -> T:
        """Returns the result of `read` for a connection; it must not write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTransaction:
    """A source whose statements are one transaction; a failed one is rolled back alone."""

    opened: psycopg.AsyncConnection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """Opens a savepoint, which is rolled back by an exception."""
        async with self.opened.transaction():
            yield self.opened


@asynccontextmanager
async def one_transaction(pool: ConnectionSource) -> AsyncIterator[OneTransaction]:
    """Opens a transaction, which is committed at exit and rolled back by an exception."""
    async with pool.connection() as connection, connection.transaction():
        yield OneTransaction(opened=connection)


class DsnRejected(ValueError):
    """Invalid connection string. The message never quotes it, because it may contain a password."""


def check_dsn(dsn: str) -> None:
    """Raises DsnRejected for an invalid connection string, without connecting."""
    # The user and the password end at the first @, and are read up to the first / ? or #.
    encode = _ENCODE if "@" in dsn and "://" in dsn else ""
    try:
        parameters = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        raise DsnRejected(f"write postgresql://user@host:5432/database{encode}") from None
    for port in filter(None, str(parameters.get("port") or "").split(",")):
        if not (port.isascii() and port.isdecimal()):
            raise DsnRejected(f"its port must be a number from 1 to {_LAST_PORT}{encode}")
        if not 1 <= int(port) <= _LAST_PORT:
            raise DsnRejected(f"its port must be a number from 1 to {_LAST_PORT}")
    if "@" in str(parameters.get("host") or ""):
        # It would be looked up as the name of a host, and be part of the error.
        raise DsnRejected(f"its host contains an @{encode}")


def without_password(dsn: str) -> tuple[str, str | None]:
    """Splits off the password of a connection string, which may then go on a command line."""
    parameters = conninfo_to_dict(dsn)
    password = parameters.pop("password", None)
    return make_conninfo("", **parameters), None if password is None else str(password)


def login_and_database(dsn: str) -> tuple[str, str]:
    """Returns the names that libpq would use, from the connection string or the environment."""
    defaults = {option.keyword.decode(): option.val for option in pq.Conninfo.get_defaults()}
    parameters = conninfo_to_dict(dsn)
    user = str(parameters.get("user") or (defaults.get("user") or b"").decode())
    database = str(parameters.get("dbname") or (defaults.get("dbname") or b"").decode())
    return user, database or user


async def _read(pool: ConnectionSource, read: Read[T]) -> T:
    if isinstance(pool, ChoosingSource):
        return await pool.read(read)
    async with pool.connection() as connection:
        return await read(connection)


async def rows(
    pool: ConnectionSource, query: LiteralString, *parameters: object
) -> list[tuple[Any, ...]]:
    """Executes one `select … from rowhook.f(…)` and returns its rows, in binary format."""

    async def read(connection: psycopg.AsyncConnection) -> list[tuple[Any, ...]]:
        async with connection.cursor(binary=True) as cursor:
            await cursor.execute(query, parameters)
            return await cursor.fetchall()

    return await _read(pool, read)


async def rows_within_deadline(
    pool: DrainableSource, query: LiteralString, *parameters: object
) -> list[tuple[Any, ...]]:
    """Executes a fast query with a deadline of 15 s, after which it raises Unreachable.

    The other connections of the pool are replaced as well then.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with pool.connection() as connection:
            with deadline(connection, DEADLINE_S):
                async with connection.cursor(binary=True) as cursor:
                    await cursor.execute(query, parameters)
                    return await cursor.fetchall()
    except psycopg.OperationalError:
        if loop.time() - began >= DEADLINE_S:
            await pool.drain()
        raise


async def value(pool: ConnectionSource, query: LiteralString, *parameters: object) -> Any:
    """Executes `select rowhook.f(…)` and returns its value."""
    return (await rows(pool, query, *parameters))[0][0]


async def records(
    pool: ConnectionSource, query: LiteralString, *parameters: object
) -> list[dict[str, Any]]:
    """Executes a query and returns its rows as dictionaries."""

    async def read(connection: psycopg.AsyncConnection) -> list[dict[str, Any]]:
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, parameters)
            return await cursor.fetchall()

    return await _read(pool, read)


async def documents(pool: ConnectionSource, query: LiteralString, *parameters: object) -> list[str]:
    """Executes a query for one column of JSON documents and returns their texts."""

    async def read(connection: psycopg.AsyncConnection) -> list[str]:
        async with connection.cursor() as cursor:
            await cursor.execute(query, parameters)
            return [row[0] for row in await cursor.fetchall()]

    return await _read(pool, read)


async def run_script(connection: psycopg.AsyncConnection, script: str) -> None:
    """Executes a file of `sql/`; several statements are one transaction."""
    await connection.execute(script.encode())
