"""The pause of a worker between two claims, in which it polls whether a claim would find work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

import psycopg
import structlog
from psycopg.pq import ConnStatus, ExecStatus

from rowhook.db.connection_pool import deadline
from rowhook.db.engine import Outlook
from rowhook.db.statements import DEADLINE_S

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    from rowhook.db.connection_pool import KeptConnection
    from rowhook.worker.in_flight import InFlight
    from rowhook.worker.queue import PoolDriver
    from rowhook.worker.tally import Tally

log = structlog.get_logger()
POLL_S = 0.25
# The part of the time that polls may take. While an old transaction is open, they read the entries
# of the rows that were processed since.
_POLL_SHARE = 0.1
# About the lease of a claim, after which another worker would look.
_RAREST_POLL_S = 20.0
# With the seconds that the server took, which do not include a restart of it.
_QUERY = (
    b"select rowhook.work_due_in(),"
    b" extract(epoch from clock_timestamp() - statement_timestamp())::double precision"
)
_NAME = b"rowhook_work_due_in"
# In how many seconds a claim may find work; None if nothing is known of any.
Answered = Callable[[float | None], None]


class WorkProbe:
    """Calls `rowhook.work_due_in` again and again while nothing else uses the connection."""

    def __init__(self, source: KeptConnection) -> None:
        self._source = source
        self._prepared_on: WeakSet[psycopg.AsyncConnection] = WeakSet()

    async def poll(self, wait: Callable[[], Awaitable[object]], answered: Answered) -> bool:
        """Polls until `wait` returns, every 250 ms; returns whether the connection is usable.

        Polls that take more than 25 ms are rarer, so that they take a tenth of the time, but at
        least one every 20 s is sent.

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


def least_interval_s(took_s: float) -> float:
    """Returns the least seconds from a poll that took the server `took_s` to the next."""
    return min(took_s / _POLL_SHARE, _RAREST_POLL_S)


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
        self._next_at = 0.0
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
            while self._sent_at is not None and self.error is None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_EVENT_S):
                        await self._ended.wait()
                self._check_answer()
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
            self._check_answer()
            return
        if time.monotonic() < self._next_at:
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
        self._release_closed_socket()

    def _check_answer(self) -> None:
        """Reads without an event, and fails after the deadline."""
        if self._sent_at is None or self.error is not None:
            return
        if time.monotonic() - self._sent_at > DEADLINE_S:
            self._fail(psycopg.OperationalError("The server does not answer."))
            return
        self._read()

    def _read(self) -> None:
        try:
            self._conn.consume_input()
            while self._sent_at is not None and not self._conn.is_busy():
                result = self._conn.get_result()
                if result is None:
                    self._finish()
                self._result = result
        except psycopg.Error as error:
            self._fail(error)
        self._release_closed_socket()

    def _release_closed_socket(self) -> None:
        # libpq may have closed the socket without an error. As soon as this callback returns,
        # another connection may get its number, and would wait in vain for its events.
        if self._conn.status == ConnStatus.BAD:
            self._fail(psycopg.OperationalError("The server ended the connection."))

    def _finish(self) -> None:
        result, self._result = self._result, None
        sent_at, self._sent_at = self._sent_at, None
        self._ended.set()
        if result is None or result.status != ExecStatus.TUPLES_OK:
            self.refusal = "no result" if result is None else result.get_error_message()
            self._answered(0.0)
            return
        text, took_s = (result.get_value(0, column) for column in range(2))
        if sent_at is not None and took_s is not None:
            self._next_at = sent_at + least_interval_s(float(took_s))
        self._answered(None if text is None else float(text))

    def _fail(self, error: psycopg.Error) -> None:
        if self.error is None:
            self.error = error
            self._end_reading()
            if self._timer is not None:
                self._timer.cancel()
            self._ended.set()
            self._answered(0.0)


# How long an event of the socket is awaited before it is read anyway, as psycopg does. While many
# connections are lost and opened, the event loop can lose the reader of a number that is used
# again.
_EVENT_S = 0.1
# While an open transaction may commit without a notification.
_NAPS_S = (0.005, 0.01, 0.025, 0.05, 0.1, POLL_S)
_LEAST_S = 0.001
# How long claims are made instead of polls after a poll found rows that a claim cannot take.
_BLOCKED_S = 2.0
_NEVER = float("inf")


class ClaimPause:
    """Ends at a notification, at a time that the last claim said, or when a poll finds work.

    A poll costs a fraction of a claim, but knows neither what a lane may send now nor the
    watermarks of lanes. Where it would find the same rows each time, claims take its place.
    """

    def __init__(
        self, driver: PoolDriver, in_flight: InFlight, probe: WorkProbe, tally: Tally
    ) -> None:
        self.outlook = Outlook()
        self.has_swept = True
        self._driver = driver
        self._in_flight = in_flight
        self._probe = probe
        self._tally = tally
        self._nap_count = 0
        self._claim_at = 0.0
        self._poll_at = _NEVER
        self._is_prompted = False
        self._blocked_until = 0.0
        self._is_empty = False
        self._is_stopped = False

    @property
    def is_over(self) -> bool:
        """Whether a claim is due, or the worker stops."""
        return (
            self._is_stopped
            or self._driver.is_notified
            or self.outlook.has_more
            or (self.outlook.has_chores and self.has_swept)
            or time.monotonic() >= self._claim_at
        )

    def stop(self) -> None:
        """Ends this pause and all others at once."""
        self._is_stopped = True
        self._driver.end_wait()

    async def wait(self) -> None:
        """Returns when the pause is over; after a claim of nothing, not at once without notice."""
        if self._is_empty and not (self._is_stopped or self._driver.is_notified):
            await self._driver.wait(time.monotonic() + _LEAST_S)
        while not self.is_over:
            if time.monotonic() < self._poll_at:
                await self._driver.wait(min(self._claim_at, self._poll_at))
            elif not await self._probe.poll(self._wait_for_end, self._adopt_answer):
                self._claim_at = 0.0
            self._tally.queue_turned_at = time.monotonic()

    async def _wait_for_end(self) -> None:
        while not self.is_over:
            await self._driver.wait(self._claim_at)

    def _adopt_answer(self, due_in_s: float | None) -> None:
        now_s = self._tally.queue_turned_at = time.monotonic()
        if due_in_s is not None:
            self._is_prompted = due_in_s <= 0.0
            self._claim_at = min(self._claim_at, now_s + due_in_s)
            self._driver.end_wait()

    def end(self) -> None:
        """Notes that a claim is made now."""
        if self._driver.is_notified:
            self._nap_count = 0
        # Notifications from now on are about rows that the claim may not see.
        self._driver.is_notified = False

    def begin(
        self, outlook: Outlook, *, is_registered: bool, has_claimed: bool, claims_at_polls: bool
    ) -> None:
        """Begins the pause after a claim; `claims_at_polls`: claims replace polls."""
        now_s = time.monotonic()
        self.outlook = outlook
        self._is_empty = not has_claimed
        self._in_flight.are_results_awaited = outlook.awaits_result or outlook.has_more
        if has_claimed:
            self._nap_count = 0
        elif self._is_prompted:
            self._blocked_until = now_s + _BLOCKED_S
        self._is_prompted = False
        # A worker that did not register is not notified, so it claims once more.
        pause_s = POLL_S if is_registered else 0.0
        if outlook.is_unsettled:
            pause_s = _NAPS_S[min(self._nap_count, len(_NAPS_S) - 1)]
            self._nap_count += 1
        polls = is_registered and not (
            outlook.is_unsettled or claims_at_polls or now_s < self._blocked_until
        )
        self._poll_at = now_s + pause_s if polls else _NEVER
        due_in_s = _NEVER if outlook.due_in_s is None else outlook.due_in_s
        self._claim_at = now_s + min(due_in_s, _NEVER if polls else pause_s)
