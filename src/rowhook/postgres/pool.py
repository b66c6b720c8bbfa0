"""Connections as they are opened: one of its own, or a pool that reconnects by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from rowhook.postgres.connect_error import ConnectionFailed

Pool = AsyncConnectionPool[psycopg.AsyncConnection]
_TIMEOUT_S = 5.0
_OPTIONS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    # Keepalives are not sent while sent data is not acknowledged: without it that takes 15 min.
    "tcp_user_timeout": 15000,
    "application_name": "rowhook",
    # In the startup packet it wins over the defaults of database and role, and PgBouncer keeps it.
    "client_encoding": "UTF8",
}


async def connect(dsn: str) -> psycopg.AsyncConnection:
    """One connection of its own, in autocommit: for migrations and LISTEN."""
    return await psycopg.AsyncConnection.connect(dsn, autocommit=True, **_OPTIONS)


@asynccontextmanager
async def open_pool(
    dsn: str, *, size: int = 4, role: str | None = None, pooler: bool = False
) -> AsyncIterator[Pool]:
    """A pool that reconnects by itself. Who waits 5 s for a connection gets PoolTimeout.

    If none could be opened that is ConnectionFailed, with the last failure in its text. `role` is
    entered on each connection, unless a transaction `pooler` stands between: there the login's own
    memberships count, and statements are not prepared.
    """
    pool = _Pool(dsn, size, role=None if pooler else role, prepare_threshold=None if pooler else 3)
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


class _Failures:
    """The last failure to open a connection; None once one was opened."""

    last: psycopg.Error | None = None


class _Connection(psycopg.AsyncConnection):
    """A connection that enters its role before anybody uses it."""

    @classmethod
    async def connect(  # type: ignore[override]  # it is called by the pool below alone
        cls, conninfo: str, *, role: str | None, failures: _Failures, **options: Any
    ) -> Self:
        try:
            connection = await super().connect(conninfo, autocommit=True, **options)
            await _enter(connection, role)
        except psycopg.Error as error:
            failures.last = error
            raise
        failures.last = None
        return connection


async def _enter(connection: psycopg.AsyncConnection, role: str | None) -> None:
    if role is None:
        return
    try:
        await connection.execute("select set_config('role', %s, false)", (role,))
    except psycopg.Error:
        await connection.close()
        raise


class _Pool(AsyncConnectionPool[psycopg.AsyncConnection]):
    """A pool whose timeout tells why no connection could be opened."""

    def __init__(
        self, dsn: str, size: int, *, role: str | None, prepare_threshold: int | None
    ) -> None:
        self._failures = _Failures()
        own = {"role": role, "failures": self._failures, "prepare_threshold": prepare_threshold}
        super().__init__(
            dsn,
            connection_class=_Connection,
            kwargs=own | _OPTIONS,
            min_size=1,
            max_size=size,
            timeout=_TIMEOUT_S,
            # Each attempt waits twice as long as the one before, so a series is short: who next
            # asks for a connection begins a new one, and the pool is back soon after the database.
            reconnect_timeout=5,
            open=False,
        )

    async def getconn(self, timeout: float | None = None) -> psycopg.AsyncConnection:  # noqa: ASYNC109  # as in the class above
        """As every pool does. Raises ConnectionFailed if the last attempt to open one failed."""
        try:
            return await super().getconn(timeout)
        except PoolTimeout:
            if self._failures.last is None:
                raise
            failure = self._failures.last
            raise ConnectionFailed(timeout or self.timeout, failure) from failure
