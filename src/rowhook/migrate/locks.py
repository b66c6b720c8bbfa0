"""Applies a step beside a live platform: short waits for locks, retried until it has them all.

Who waits for a lock on a table blocks everybody who comes after, so a wait is cut off after 200 ms.
The pause that follows is longer than the wait, also where the lock was had in the end: those who
queued behind it go first, and meet the next lock a while later.
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

from rowhook import postgres
from rowhook.migrate.steps import MigrationRejected, sql_folder

LOCK_WAIT_MS = 200
PATIENCE_S = 300.0
_LONGEST_PAUSE_S = 2.0
_NOTICEABLE_S = 0.1
_LOOK_EVERY_S = 0.02
_ATTEMPTS_TO_NAME = 5
_NOT_LOCKED = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
log = structlog.get_logger()


class Holder(NamedTuple):
    """A session that has the lock. Another login's transaction start is hidden from some owners."""

    pid: int
    application_name: str
    transaction_started_at: datetime | None

    def logged(self) -> dict[str, Any]:
        """The keys of a log line."""
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
    """How long the steps of one migration may wait for locks; tells once a step who has them."""

    dsn: str
    seconds: float = PATIENCE_S
    _holders: list[Holder] = field(default_factory=list)

    async def apply(self, pid: int, step: str, attempt: Callable[[], Awaitable[None]]) -> None:
        """Repeats the attempt while it cannot have its locks. `pid` is the connection's.

        Raises MigrationRejected, which names the sessions that have the lock, after `seconds`.
        """
        deadline = time.monotonic() + self.seconds
        self._holders = []
        pauses = _pauses()
        done = await _attempted(attempt)
        observed = 0
        # Who gives up must say who has the lock: that is found out while an attempt waits.
        while not done and (
            time.monotonic() < deadline or (not self._holders and observed < _ATTEMPTS_TO_NAME)
        ):
            await asyncio.sleep(next(pauses))
            async with self._observed(pid, step):
                done = await _attempted(attempt)
            observed += 1
        if not done:
            raise MigrationRejected(
                f"Step {step} could not lock its tables within {self.seconds:g} s:"
                f" {', '.join(map(str, self._holders)) or 'another session'} holds a lock."
                " End that transaction and run rowhook migrate again. It resumes with this step."
            )

    @asynccontextmanager
    async def _observed(self, pid: int, step: str) -> AsyncIterator[None]:
        """Finds out, while the block waits, who has the lock; once."""
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
            log.warning("migration.waiting", step=step, **holder.logged())


@asynccontextmanager
async def _second_connection(dsn: str) -> AsyncIterator[psycopg.AsyncConnection | None]:
    """None if the server admits no further connection."""
    async with AsyncExitStack() as stack:
        connection = None
        with suppress(*postgres.Unreachable):
            connection = await stack.enter_async_context(await postgres.connect(dsn))
        yield connection


async def _attempted(attempt: Callable[[], Awaitable[None]]) -> bool:
    """Whether it had its locks."""
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
        yield random.uniform(shortest, 2 * shortest)  # noqa: S311  # no secret
        shortest = min(1.5 * shortest, _LONGEST_PAUSE_S)


async def _find_holders(
    connection: psycopg.AsyncConnection | None, waiting_pid: int, ended: asyncio.Event
) -> list[Holder]:
    """The sessions that this one waits for; looks until there are some, or the wait has ended."""
    if connection is None:
        return []
    query = (sql_folder() / "lock_holders.sql").read_bytes()
    async with AsyncRawCursor(connection, row_factory=class_row(Holder)) as cursor:
        while True:
            await cursor.execute(query, (waiting_pid,))
            holders = await cursor.fetchall()
            if holders or ended.is_set():
                return holders
            await asyncio.sleep(_LOOK_EVERY_S)
