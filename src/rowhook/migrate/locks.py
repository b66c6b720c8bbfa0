"""Lock acquisition next to a live platform: short waits, retried until all locks are granted.

A session that waits for a table lock blocks everybody behind it, so a wait ends after 200 ms. The
pause after a wait is longer than the wait, even if the lock was granted, so that the sessions that
queued behind it can proceed.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
import structlog
from psycopg import AsyncRawCursor
from psycopg.rows import class_row

from rowhook.db import connection_pool
from rowhook.db.statements import Unreachable
from rowhook.migrate.steps import MigrationRejected, sql_folder

LOCK_WAIT_MS = 200
PATIENCE_S = 300.0
_LONGEST_PAUSE_S = 2.0
_NOTICEABLE_S = 0.1
_POLL_S = 0.02
_ATTEMPTS_TO_NAME = 5
_NOT_LOCKED = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
log = structlog.get_logger()


class Holder(NamedTuple):
    """A session that holds a lock. The start of its transaction may be hidden from the owner."""

    pid: int
    application_name: str
    transaction_started_at: datetime | None

    def log_keys(self) -> dict[str, Any]:
        """Returns the keys of a log line."""
        since = self.transaction_started_at
        return self._asdict() | {"transaction_started_at": since and since.isoformat()}

    def __str__(self) -> str:
        since = self.transaction_started_at
        text = f"process {self.pid} ({self.application_name}"
        return (
            f"{text}, transaction open since {since:%Y-%m-%d %H:%M:%S%z})" if since else f"{text})"
        )


@dataclass(slots=True, kw_only=True)
class Patience:
    """Retries steps until their locks are granted; logs the lock holders once per step."""

    dsn: str
    seconds: float = PATIENCE_S
    _holders: list[Holder] = field(default_factory=list)

    async def apply(self, pid: int, step: str, attempt: Callable[[], Awaitable[None]]) -> None:
        """Retries the attempt until its locks are granted. `pid` is that of its connection.

        Raises MigrationRejected, which names the lock holders, after `seconds`.
        """
        deadline = time.monotonic() + self.seconds
        self._holders = []
        pauses = _pauses()
        succeeded = await _try_once(attempt)
        observed = 0
        # The error must name the lock holders, which can only be found while an attempt waits.
        while not succeeded and (
            time.monotonic() < deadline or (not self._holders and observed < _ATTEMPTS_TO_NAME)
        ):
            await asyncio.sleep(next(pauses))
            async with self._observing(pid, step):
                succeeded = await _try_once(attempt)
            observed += 1
        if not succeeded:
            raise MigrationRejected(
                f"Step {step} could not lock its tables within {self.seconds:g} s:"
                f" {', '.join(map(str, self._holders)) or 'another session'} holds a lock."
                " End that transaction and run rowhook migrate again. It resumes with this step."
            )

    @asynccontextmanager
    async def _observing(self, pid: int, step: str) -> AsyncIterator[None]:
        """Finds the lock holders while the block waits, once per step."""
        if self._holders:
            yield
            return
        async with _second_connection(self.dsn) as connection:
            ended = asyncio.Event()
            observer = asyncio.create_task(_find_holders(connection, pid, ended))
            try:
                yield
            finally:
                ended.set()
                self._holders = await observer
        for holder in self._holders:
            log.warning("migration.waiting", step=step, **holder.log_keys())


@asynccontextmanager
async def _second_connection(dsn: str) -> AsyncIterator[psycopg.AsyncConnection | None]:
    """Opens a second connection; None if the server accepts no more."""
    async with AsyncExitStack() as stack:
        connection = None
        with suppress(*Unreachable):
            connection = await stack.enter_async_context(await connection_pool.connect(dsn))
        yield connection


async def _try_once(attempt: Callable[[], Awaitable[None]]) -> bool:
    """Runs the attempt; returns False if its locks were not granted."""
    began = time.monotonic()
    try:
        await attempt()
    except _NOT_LOCKED:
        return False
    if time.monotonic() - began > _NOTICEABLE_S:
        await asyncio.sleep(next(_pauses()))
    return True


def _pauses() -> Iterator[float]:
    shortest = LOCK_WAIT_MS / 1000
    while True:
        yield random.uniform(shortest, 2 * shortest)  # noqa: S311  # not used for security
        shortest = min(1.5 * shortest, _LONGEST_PAUSE_S)


async def _find_holders(
    connection: psycopg.AsyncConnection | None, waiting_pid: int, ended: asyncio.Event
) -> list[Holder]:
    """Polls for the sessions that block `waiting_pid`, until there are some or the wait ended."""
    if connection is None:
        return []
    query = (sql_folder() / "lock_holders.sql").read_bytes()
    async with AsyncRawCursor(connection, row_factory=class_row(Holder)) as cursor:
        while True:
            await cursor.execute(query, (waiting_pid,))
            holders = await cursor.fetchall()
            if holders or ended.is_set():
                return holders
            await asyncio.sleep(_POLL_S)
