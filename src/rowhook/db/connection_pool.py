"""Single connections and connection pools, with deadlines for answers."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple, Self

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from rowhook.db import connection_errors
from rowhook.db.connection_errors import ConnectionFailed

if TYPE_CHECKING:
    from psycopg.abc import RV, PQGen

_TIMEOUT_S = 5.0
# How often connections are replaced, while every new one is lost too.
_REPLACED_EVERY_S = 1.0
_OPTIONS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    # Keepalives are not sent while data is unacknowledged; without this it takes 15 minutes.
    "tcp_user_timeout": 15000,
    "application_name": "rowhook",
    # In the startup packet it overrides the defaults of database and role, and PgBouncer keeps it.
    "client_encoding": "UTF8",
}
# How values are written and read. PgBouncer keeps these for each of its clients.
_FORMATS = {
    "datestyle": "ISO, MDY",
    "timezone": "UTC",
    "standard_conforming_strings": "on",
}
# Other defaults of a database or role that change what a statement means or when it ends.
# `default_transaction_read_only` is left: an administrator may stop all writes with it.
_SESSION = _FORMATS | {
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "quote_all_identifiers": "off",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "row_security": "on",
    "plpgsql.extra_errors": "none",
    "default_transaction_isolation": "read committed",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "transaction_timeout": "0",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
# Settings that older servers do not have, with their first version.
_SINCE = {"idle_session_timeout": 140000, "transaction_timeout": 170000}
# A search path that names pg_catalog can put functions and operators of a platform before those of
# PostgreSQL. Without its name, pg_catalog is searched first.
_CATALOG_FIRST: LiteralString = (
    "select pg_catalog.set_config('search_path', pg_catalog.array_to_string(array("
    "select pg_catalog.quote_ident(name) from pg_catalog.unnest("
    "pg_catalog.array_remove(pg_catalog.current_schemas(false), 'pg_catalog')) as name), ', '),"
    " false) where 'pg_catalog' operator(pg_catalog.=) any (pg_catalog.current_schemas(false))"
)


class AnswerLimits(NamedTuple):
    """Seconds that a connection of a pool waits for an answer before it counts as lost.

    `first_s` applies to the first statement after the connection was taken from the pool, which
    shows whether the server still answers, and `later_s` to the others.
    """

    first_s: float
    later_s: float


# The server ends statements of the API after 60 s.
API_LIMITS = AnswerLimits(first_s=15.0, later_s=75.0)
# Healing and retention may take long. The statements that deliver have a deadline of their own.
WORKER_LIMITS = AnswerLimits(first_s=600.0, later_s=600.0)


@contextmanager
def deadline(connection: psycopg.AsyncConnection, seconds: float) -> Iterator[None]:
    """Shuts the connection down after `seconds`; a pending statement raises OperationalError.

    Nothing else detects a network that drops all packets: cancelling the statement would wait for
    the same network.
    """
    descriptor = connection.fileno()
    timer = asyncio.get_running_loop().call_later(seconds, shut_down, descriptor)
    try:
        yield
    finally:
        timer.cancel()


def shut_down(descriptor: int) -> None:
    """Ends the connection of a socket, so that pending statements fail immediately."""
    with socket.socket(fileno=os.dup(descriptor)) as duplicate, suppress(OSError):
        duplicate.shutdown(socket.SHUT_RDWR)


async def connect(dsn: str) -> psycopg.AsyncConnection:
    """Opens a single connection in autocommit mode, for migrations and LISTEN."""
    try:
        connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True, **_OPTIONS)
        await _prepare(connection, _SESSION, None)
    except psycopg.Error as error:
        connection_errors.note_dsn(error, dsn)
        raise
    return connection


@asynccontextmanager
async def open_pool(
    dsn: str,
    *,
    size: int = 4,
    role: str | None = None,
    pooler: bool = False,
    limits: AnswerLimits | None = None,
) -> AsyncIterator[Pool]:
    """Opens a pool that reconnects by itself.

    Waiting 5 s for a connection raises PoolTimeout, or ConnectionFailed with the last error if none
    could be opened. `role` is set on each connection unless a transaction `pooler` is in between;
    with a pooler the memberships of the login apply, and statements are not prepared. Without
    `limits`, statements wait for their answers as long as TCP does.
    """
    pool = Pool(
        dsn,
        size,
        role=None if pooler else role,
        session=_FORMATS if pooler else _SESSION,
        prepare_threshold=None if pooler else 3,
        limits=limits,
    )
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


class _Failures:
    """The last error when opening a connection; None after a success."""

    last: psycopg.Error | None = None


class _Connection(psycopg.AsyncConnection):
    """A connection that sets its role and settings when it is opened, with limits for its answers.

    `is_doubtful` is true until a statement after it was taken from the pool has been answered, and
    `is_read_only` after a write failed because the server is, as a primary that was demoted.
    """

    limits: AnswerLimits | None = None
    is_doubtful = True
    is_read_only = False
    opened_at = 0.0

    @classmethod
    async def connect(  # type: ignore[override]  # only called by the pool below
        cls,
        conninfo: str,
        *,
        role: str | None,
        session: dict[str, str],
        failures: _Failures,
        limits: AnswerLimits | None,
        **options: Any,
    ) -> Self:
        try:
            connection = await super().connect(conninfo, autocommit=True, **options)
            connection.opened_at = time.monotonic()
            connection.limits = limits
            await _prepare(connection, session, role)
        except psycopg.Error as error:
            failures.last = error
            raise
        failures.last = None
        return connection

    async def wait(self, gen: PQGen[RV], *options: Any, **named: Any) -> RV:
        """Waits for an answer. After the limit, OperationalError is raised."""
        if self.limits is None:
            return await self._wait(gen, *options, **named)
        seconds = self.limits.first_s if self.is_doubtful else self.limits.later_s
        loop = asyncio.get_running_loop()
        timer = loop.call_later(seconds, shut_down, self.pgconn.socket)
        try:
            result = await self._wait(gen, *options, **named)
        finally:
            timer.cancel()
        self.is_doubtful = False
        return result

    async def _wait(self, gen: PQGen[RV], *options: Any, **named: Any) -> RV:
        try:
            return await super().wait(gen, *options, **named)
        except psycopg.errors.ReadOnlySqlTransaction:
            self.is_read_only = True
            raise


def _set_commands(session: dict[str, str], version: int) -> bytes:
    """Returns SET commands, which no timeout can interrupt while they are planned or compiled."""
    return "; ".join(
        f"set {name} = '{value}'"
        for name, value in session.items()
        if version >= _SINCE.get(name, 0)
    ).encode()


async def _prepare(
    connection: psycopg.AsyncConnection, session: dict[str, str], role: str | None
) -> None:
    """Replaces settings that an administrator gave the database or the login, and sets the role."""
    try:
        with deadline(connection, _TIMEOUT_S):
            await connection.execute(_set_commands(session, connection.info.server_version))
            if session is _SESSION:
                await connection.execute(_CATALOG_FIRST, prepare=False)
            if role is not None:
                await connection.execute("select set_config('role', %s, false)", (role,))
    except BaseException:
        # Also after a cancellation: nobody else has the connection yet.
        await connection.close()
        raise


class Pool(AsyncConnectionPool[psycopg.AsyncConnection]):
    """A pool whose timeout reports why no connection could be opened.

    When a connection is lost, or its server has become read-only, the others are replaced: they
    probably lead to the same server.
    """

    def __init__(
        self,
        dsn: str,
        size: int,
        *,
        role: str | None,
        session: dict[str, str],
        prepare_threshold: int | None,
        limits: AnswerLimits | None,
    ) -> None:
        self._failures = _Failures()
        self._kept: list[KeptConnection] = []
        self._replaced_at = float("-inf")
        own = {
            "role": role,
            "session": session,
            "failures": self._failures,
            "prepare_threshold": prepare_threshold,
            "limits": limits,
        }
        super().__init__(
            dsn,
            connection_class=_Connection,
            kwargs=own | _OPTIONS,
            min_size=1,
            max_size=size,
            timeout=_TIMEOUT_S,
            # Delays double with each attempt, so a series is short. The next request for a
            # connection starts a new one, so the pool recovers soon after the database.
            reconnect_timeout=5,
            open=False,
        )

    async def getconn(self, timeout: float | None = None) -> psycopg.AsyncConnection:  # noqa: ASYNC109  # as in the class above
        """Returns a connection. Raises ConnectionFailed if the last attempt to open one failed."""
        try:
            connection = await super().getconn(timeout)
        except PoolTimeout:
            if self._failures.last is None:
                raise
            failure = self._failures.last
            raise ConnectionFailed(timeout or self.timeout, failure) from failure
        if isinstance(connection, _Connection):
            connection.is_doubtful = True
        return connection

    async def putconn(self, conn: psycopg.AsyncConnection) -> None:
        """Gives a connection back. If it was lost, replaces those that are as old."""
        if isinstance(conn, _Connection) and (conn.closed or conn.is_read_only):
            await self._replace(conn.opened_at)
        await super().putconn(conn)

    async def _replace(self, opened_at: float) -> None:
        now = time.monotonic()
        is_recent = opened_at < self._replaced_at or now < self._replaced_at + _REPLACED_EVERY_S
        if self.closed or is_recent:
            return
        self._replaced_at = now
        await self.drain()

    def keep_connection(self) -> KeptConnection:
        """Returns a source that keeps its connection until the pool is closed."""
        kept = KeptConnection(self)
        self._kept.append(kept)
        return kept

    async def close(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109  # as in the class above
        """Closes the connections, also those that are kept."""
        for kept in self._kept:
            await kept.give_back()
        await super().close(timeout)


class KeptConnection:
    """A connection of a pool for frequent statements, given back only after an error.

    Taking a connection costs as much CPU as a short statement, and the pool passes statements round
    its connections, whose backends then have cold caches.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._idle: psycopg.AsyncConnection | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """Opens a context with the connection, or with another one while it is in use."""
        connection, self._idle = self._idle, None
        if connection is None:
            connection = await self._pool.getconn()
        try:
            yield connection
        except BaseException:
            # The pool replaces it if it is broken.
            await self._pool.putconn(connection)
            raise
        if self._idle is None and not self._pool.closed:
            self._idle = connection
        else:
            await self._pool.putconn(connection)

    async def drain(self) -> None:
        """Replaces the connections of the pool."""
        await self.give_back()
        await self._pool.drain()

    async def give_back(self) -> None:
        """Gives the connection back to the pool."""
        connection, self._idle = self._idle, None
        if connection is not None:
            await self._pool.putconn(connection)
