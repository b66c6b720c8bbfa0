"""Polls whether a claim would find work, with little CPU."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from weakref import WeakSet

import psycopg
import structlog
from psycopg.pq import ConnStatus, ExecStatus

from rowhook.db.connection_errors import deadline
from rowhook.db.statements import DEADLINE_S

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    from rowhook.db.connection_pool import KeptConnection

log = structlog.get_logger()
POLL_S = 0.25
_QUERY = b"select rowhook.work_due_in()"
_NAME = b"rowhook_work_due_in"
# In how many seconds a claim may find work; None if nothing is known of any.
Answered = Callable[[float | None], None]


class WorkProbe:
    """Calls `rowhook.work_due_in` again and again while nothing else uses the connection."""

    def __init__(self, source: KeptConnection) -> None:
        self._source = source
        self._prepared_on: WeakSet[psycopg.AsyncConnection] = WeakSet()

    async def poll(self, wait: Callable[[], Awaitable[object]], answered: Answered) -> bool:
        """Polls every 250 ms until `wait` returns; returns whether the connection is usable.

        When a poll fails, `answered` is called with 0.0: a claim then meets and reports the error.
        """
        try:
            async with self._source.connection() as connection:
                polls = _Polls(connection, answered)
                if polls.prepares and connection not in self._prepared_on:
                    with deadline(connection, DEADLINE_S):
                        await connection.execute(b"prepare %b as %b" % (_NAME, _QUERY))
                    self._prepared_on.add(connection)
                polls.start()
                try:
                    await wait()
                finally:
                    await polls.stop()
                if polls.refusal is not None:
                    # The statement is gone after a DEALLOCATE, for example.
                    self._prepared_on.discard(connection)
                    log.warning("poll.refused", reason=polls.refusal)
                if polls.error is not None:
                    raise polls.error
        except psycopg.Error:
            return False
        return True


class _Polls:
    """Polls on one connection by callbacks, which take a third of the CPU of a task's awaits."""

    def __init__(self, connection: psycopg.AsyncConnection, answered: Answered) -> None:
        self.prepares = connection.prepare_threshold is not None
        self.error: psycopg.Error | None = None
        self.refusal: str | None = None
        self._conn = connection.pgconn
        # libpq forgets it when the connection is lost.
        self._descriptor = connection.fileno()
        self._answered = answered
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._sent_at: float | None = None
        self._result: PGresult | None = None
        self._is_reading = False
        self._ended = asyncio.Event()

    def start(self) -> None:
        """Polls at once, and then at intervals."""
        self._is_reading = True
        self._loop.add_reader(self._descriptor, self._read)
        self._tick()

    async def stop(self) -> None:
        """Waits for the answer that is under way, and closes the connection after an error."""
        if self._timer is not None:
            self._timer.cancel()
        try:
            if self._sent_at is not None and self.error is None:
                async with asyncio.timeout(DEADLINE_S):
                    await self._ended.wait()
        except TimeoutError:
            self.error = psycopg.OperationalError("The server does not answer.")
        finally:
            self._end_reading()
        if self.error is not None:
            self._conn.finish()

    def _end_reading(self) -> None:
        # Once, because another socket may get the number of a closed one.
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._descriptor)

    def _tick(self) -> None:
        self._timer = self._loop.call_later(POLL_S, self._tick)
        if self._sent_at is not None:
            if time.monotonic() - self._sent_at > DEADLINE_S:
                self._fail(psycopg.OperationalError("The server does not answer."))
            return
        self._sent_at = time.monotonic()
        self._ended.clear()
        try:
            if self.prepares:
                self._conn.send_query_prepared(_NAME, None)
            else:
                self._conn.send_query_params(_QUERY, None)
            self._conn.flush()
        except psycopg.Error as error:
            self._fail(error)

    def _read(self) -> None:
        try:
            self._conn.consume_input()
            if self._sent_at is None:
                if self._conn.status == ConnStatus.BAD:
                    self._fail(psycopg.OperationalError("The server ended the connection."))
                return
            while not self._conn.is_busy():
                result = self._conn.get_result()
                if result is None:
                    self._finish()
                    return
                self._result = result
        except psycopg.Error as error:
            self._fail(error)

    def _finish(self) -> None:
        result, self._result = self._result, None
        self._sent_at = None
        self._ended.set()
        if result is None or result.status != ExecStatus.TUPLES_OK:
            self.refusal = "no result" if result is None else result.get_error_message()
            self._answered(0.0)
            return
        text = result.get_value(0, 0)
        self._answered(None if text is None else float(text))

    def _fail(self, error: psycopg.Error) -> None:
        if self.error is None:
            self.error = error
            self._end_reading()
            if self._timer is not None:
                self._timer.cancel()
            self._ended.set()
            self._answered(0.0)
