"""A streaming standby for lists and statistics: its lag, and whether it may be read."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, LiteralString, NamedTuple

import psycopg
import structlog

from rowhook.db import connection_errors, connection_pool
from rowhook.db.connection_errors import Cause
from rowhook.db.connection_pool import Pool, deadline, shut_down
from rowhook.db.statements import (
    ChoosingSource,
    PostgresError,
    Read,
    StatementTimeout,
    T,
    TenantPool,
    Unreachable,
)

log = structlog.get_logger()
# A standby that is further behind is not read.
MAX_LAG_S = 10.0
_CHECK_S = 1.0
_RECHECK_S = 0.2
_DEADLINE_S = 3.0
# Ten minutes. An older position that the standby reaches late counts as not reached.
_MAX_SAMPLES = 600
# The cluster and the database: a position in the log of another cluster would mean nothing.
_IDENTITY: LiteralString = (
    " (select oid from pg_database where datname = current_database())::bigint,"
    " case when has_function_privilege('pg_control_system()', 'execute')"
    " then (select system_identifier from pg_control_system()) end"
)
_PRIMARY: LiteralString = f"select (pg_current_wal_lsn() - '0/0')::bigint,{_IDENTITY}"
_STANDBY: LiteralString = (
    "select case when pg_is_in_recovery() then (pg_last_wal_replay_lsn() - '0/0')::bigint end,"
    f"{_IDENTITY}"
)
# 40001 and 40P01: replay had to go on. Connections and the standby itself are well.
_CONFLICT = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
# Class 42: a migration has not been replayed yet. Another mistake fails again on the primary.
_REPEATED = (*Unreachable, psycopg.ProgrammingError)


class StandbyStatus(NamedTuple):
    """Whether the standby is read, its lag in seconds at most, and why it is not read."""

    is_read: bool
    lag_s: float | None
    reason: str | None


class RequestReads:
    """Where a request may read and has read. `source` is None before the first list is read."""

    def __init__(self, *, primary_until: float) -> None:
        self.primary_until = primary_until
        self.source: str | None = None

    def note(self, source: str) -> None:
        """Notes a source. A standby remains, because the answer may be as old as its data."""
        if self.source is None or self.source == "primary":
            self.source = source


REQUEST_READS: ContextVar[RequestReads | None] = ContextVar("request_reads", default=None)


class Standby:
    """A standby, compared with its primary every second.

    The lag is measured in positions of the log that the primary had, not by clocks or by the time
    of the last change, which say nothing while the primary is idle or the stream is interrupted.
    """

    def __init__(self, pool: Pool, primary: Pool) -> None:
        self._pool = pool
        self._primary = primary
        # Queries of lists, by the server that answered them.
        self.queries = {"standby": 0, "primary": 0}
        self._samples: deque[tuple[float, int]] = deque(maxlen=_MAX_SAMPLES)
        self._reached_at: float | None = None
        self._reason: str | None = "It has not been checked yet."
        self._in_use: set[psycopg.AsyncConnection] = set()

    @property
    def status(self) -> StandbyStatus:
        """The state now."""
        lag_s = None if self._reached_at is None else time.monotonic() - self._reached_at
        reason = self._reason
        if reason is None and (lag_s is None or lag_s > MAX_LAG_S):
            reason = f"It is more than {MAX_LAG_S:g} s behind."
        return StandbyStatus(is_read=reason is None, lag_s=lag_s, reason=reason)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """Opens a context with a connection, which is shut down if the next check fails."""
        async with self._pool.connection(timeout=_CHECK_S) as connection:
            self._in_use.add(connection)
            try:
                yield connection
            finally:
                self._in_use.discard(connection)

    async def settled_status(self, within_s: float) -> StandbyStatus:
        """Checks until the standby may be read, or for `within_s`; returns the state then."""
        ends = time.monotonic() + within_s
        await self.check()
        while not self.status.is_read and time.monotonic() < ends:
            await asyncio.sleep(_RECHECK_S)
            await self.check()
        return self.status

    async def run(self) -> None:
        """Checks the standby every second until it is cancelled."""
        while True:
            was_read = self.status.is_read
            await self.check()
            if self.status.is_read != was_read:
                _log(self.status)
            await asyncio.sleep(_CHECK_S)

    async def check(self) -> None:
        """Compares the standby with the primary."""
        began = time.monotonic()
        try:
            current, *cluster = await _row(self._primary, _PRIMARY)
        except PostgresError as error:
            # While all its connections are busy, the standby is all the more needed.
            if connection_errors.cause_of(error) is not Cause.POOL_BUSY:
                self._reason = f"The primary is not reached: {connection_errors.reason(error)}"
            return
        self._samples.append((began, current))
        try:
            replayed, *copied = await _row(self._pool, _STANDBY)
        except PostgresError as error:
            await self._lose(error)
            return
        if copied != cluster:
            self._reason = "It is not a copy of this database."
        elif replayed is None:
            self._reason = "It is not a standby."
        else:
            self._reason = None
            while self._samples and self._samples[0][1] <= replayed:
                self._reached_at = self._samples.popleft()[0]

    def doubt(self, error: psycopg.Error) -> bool:
        """Reads nothing more from the standby until the next check, unless it is only busy."""
        if connection_errors.cause_of(error) is Cause.POOL_BUSY:
            return False
        is_reached = not isinstance(error, Unreachable)
        summary = "It cannot be compared with the primary" if is_reached else "It is not reached"
        self._reason = f"{summary}: {connection_errors.reason(error)}"
        return True

    async def _lose(self, error: psycopg.Error) -> None:
        """Ends the connections, since pending statements on them would wait for long."""
        if not self.doubt(error):
            return
        for connection in list(self._in_use):
            if not connection.closed:
                shut_down(connection.fileno())
        await self._pool.drain()


async def _row(pool: Pool, query: LiteralString) -> Any:
    async with pool.connection(timeout=_DEADLINE_S) as connection:
        with deadline(connection, _DEADLINE_S):
            return await (await connection.execute(query)).fetchone()


def _log(status: StandbyStatus) -> None:
    if status.is_read:
        log.info("standby.read")
    else:
        log.warning("standby.not_read", reason=status.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandbyFirst(ChoosingSource):
    """Reads from the standby under the tenant of `primary`, else from the primary."""

    primary: TenantPool
    standby: Standby

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """Opens a transaction on the primary."""
        async with self.primary.connection() as connection:
            yield connection

    async def read(self, read: Read[T]) -> T:
        """Reads from the standby, and again from the primary if that fails there."""
        request = REQUEST_READS.get()
        is_settled = request is None or time.monotonic() >= request.primary_until
        if is_settled and self.standby.status.is_read:
            try:
                result = await self._read_standby(read)
            except StatementTimeout:
                # It took a minute, which it would take on the primary as well.
                raise
            except _REPEATED as error:
                self._note_failure(error)
            else:
                self.standby.queries["standby"] += 1
                if request is not None:
                    request.note("standby")
                return result
        if is_settled:
            self.standby.queries["primary"] += 1
        if request is not None:
            request.note("primary")
        async with self.connection() as connection:
            return await read(connection)

    async def _read_standby(self, read: Read[T]) -> T:
        async with self.standby.connection() as connection, self.primary.entered(connection):
            return await read(connection)

    def _note_failure(self, error: psycopg.Error) -> None:
        log.info("standby.read_failed", error=type(error).__name__)
        if isinstance(error, Unreachable) and not isinstance(error, _CONFLICT):
            self.standby.doubt(error)


def header_of(request: RequestReads, standby: Standby) -> str | None:
    """Returns the value of the header `Read-From`; None if no list was read."""
    if request.source != "standby":
        return request.source
    return f"standby; lag={standby.status.lag_s or 0.0:.1f}"


@asynccontextmanager
async def open_standby(
    dsn: str | None, primary: Pool, *, pooler: bool
) -> AsyncIterator[Standby | None]:
    """Opens the standby of a database, which need not be reachable; None without a DSN."""
    if dsn is None:
        yield None
        return
    async with connection_pool.open_pool(dsn, size=10, pooler=pooler) as pool:
        yield Standby(pool, primary)
