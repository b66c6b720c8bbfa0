"""pgqueuer's repository and driver over the outbox, so that its queue manager claims deliveries.

pgqueuer expects a queue table of its own; here the outbox is the queue, with lanes, fencing tokens
and retry times. Therefore:

- `dequeue` calls `rowhook.claim_batch`, which claims with SKIP LOCKED, lane by lane. One job is the
  batch of a lane, because the manager's work for a job costs more than the claim of a delivery. A
  claim that leaves nothing behind registers the worker as asleep, so that commits notify it.
  `dequeue` waits until a claim is due, because a round of the manager costs more than a poll.
- `PoolDriver` takes connections from a pool, where pgqueuer's own driver holds one connection, and
  listens on a separate connection that reconnects.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import isinf
from typing import Any, Self
from uuid import UUID

import structlog
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.tm import TaskManager
from pgqueuer.domain import models, types
from pgqueuer.ports.driver import NotifyCallback
from pgqueuer.ports.repository import EntrypointExecutionParameter
from psycopg import AsyncRawCursor
from psycopg.rows import dict_row

from rowhook.db import connection_errors, engine
from rowhook.db.connection_pool import Pool
from rowhook.db.engine import NO_CLAIMS, ClaimResult, LowWatermark, Outlook, Rotation
from rowhook.db.listener import Listener
from rowhook.db.statements import PostgresError
from rowhook.migrate.queue_schema import builders
from rowhook.model import Claim
from rowhook.worker import failpoints
from rowhook.worker.claim_pause import ClaimPause, WorkProbe
from rowhook.worker.in_flight import InFlight
from rowhook.worker.tally import Tally

log = structlog.get_logger()
CHANNEL = "rowhook"
_ENTRYPOINT = types.QueueEntrypoint("deliver")
_SWEEP_S = 1.0
# The part of the time that claims which sweep may take. While an old transaction is open, they
# read every entry of the rows that were processed since.
_SWEEP_SHARE = 0.05
# Rows of each lane in a claim over many lanes. With 4, the visits of lanes made such a claim cost a
# third more for each row.
PER_LANE = 8
# A watermark saves reading dead entries, but costs an index probe even if the lane is empty.
_MIN_SENT = 1000
_MAX_LANES = 64
_MAX_COUNTED = 10_000
# A claim that reads no dead entries takes a few milliseconds.
_FAST_S = 0.02
_KEPT_S = 10.0


class PoolDriver:
    """Implements pgqueuer.ports.driver.Driver. Without `listen_dsn` the worker only polls.

    The caller runs `listener`, which ends the wait for the next claim on every NOTIFY.
    """

    def __init__(self, pool: Pool, listen_dsn: str | None) -> None:
        self.pool = pool
        self.listener = None
        if listen_dsn is not None:
            self.listener = Listener(listen_dsn, CHANNEL, lambda _: self.wake())
        self._shutdown = asyncio.Event()
        self._tm = TaskManager()
        self._wait_ended = asyncio.Event()
        self.is_notified = True
        self._callbacks: list[NotifyCallback] = []
        self._entered = 0

    @property
    def listening(self) -> bool:
        """Whether the listener is connected."""
        return self.listener is not None and self.listener.listening

    @property
    def shutdown(self) -> asyncio.Event:
        """Set when the last context has exited."""
        return self._shutdown

    @property
    def tm(self) -> TaskManager:
        """Pgqueuer's tasks, which the exit waits for."""
        return self._tm

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """Runs a statement with `$1` placeholders and returns its rows."""
        async with self.pool.connection() as connection:
            cursor = AsyncRawCursor[dict[str, Any]](connection, row_factory=dict_row)
            await cursor.execute(query.encode(), args or None)
            return await cursor.fetchall()

    async def execute(self, query: str, *args: object) -> str:
        """Runs a statement and returns its command tag."""
        async with self.pool.connection() as connection:
            cursor = AsyncRawCursor(connection)
            await cursor.execute(query.encode(), args or None)
            return cursor.statusmessage or ""

    async def notify(self, channel: str, payload: str) -> None:
        """Calls back in this process, because a NOTIFY takes a lock on the whole database."""
        for callback in self._callbacks:
            callback(payload)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Registers a callback for the channel of Rowhook, regardless of pgqueuer's channel."""
        self._callbacks.append(callback)

    def wake(self) -> None:
        """Makes a claim due."""
        self.is_notified = True
        self.end_wait()

    def end_wait(self) -> None:
        """Ends a wait that has begun."""
        self._wait_ended.set()

    async def wait(self, until_s: float) -> None:
        """Waits for `wake` or `end_wait`, at most until a time of `time.monotonic`."""
        self._wait_ended.clear()
        try:
            # Until infinity: without a timer.
            seconds = None if isinf(until_s) else max(until_s - time.monotonic(), 0.0)
            async with asyncio.timeout(seconds):
                await self._wait_ended.wait()
        except TimeoutError:
            return

    async def __aenter__(self) -> Self:
        self._entered += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        # The queue manager and the scheduler both enter; the last one to exit shuts it down.
        self._entered -= 1
        if self._entered:
            return
        self._shutdown.set()
        self._callbacks.clear()
        await self._tm.gather_tasks()


class OutboxQueries(Queries):
    """Claims deliveries for one worker, identified by `worker` in the leases."""

    def __init__(
        self,
        driver: PoolDriver,
        in_flight: InFlight,
        worker: UUID,
        lease: timedelta,
        tally: Tally,
    ) -> None:
        super().__init__(driver, **builders())
        self.lane_batches: dict[int, list[Claim]] = {}
        self.shutdown = asyncio.Event()
        self._pool = driver.pool
        self._claims = driver.pool.keep_connection()
        self._notifications = driver
        self._pause = ClaimPause(driver, in_flight, WorkProbe(self._claims), tally)
        self._in_flight = in_flight
        self._worker = worker
        self._lease = lease
        self._tally = tally
        self._cursor: UUID | None = None
        self.low_watermarks = LowWatermarks()
        self._sweep_at = 0.0

    @property
    def awaits_result(self) -> bool:
        """Whether the worker sleeps and a recorded result may free a slot of a lane."""
        return self._pause.outlook.awaits_result and not self._pause.outlook.has_more

    def stop(self) -> None:
        """Stops claiming at once."""
        self.shutdown.set()
        self._pause.stop()
        self._in_flight.stop_waiting()

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[types.QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: types.QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[models.Job]:
        """Claims up to `batch_size` due deliveries, as one job per lane.

        It waits until there are some, and a free slot; it returns none when the worker stops.
        """
        claims: list[Claim] = []
        while not claims and not self.shutdown.is_set():
            self._tally.queue_turned_at = time.monotonic()
            await self._pause.wait()
            await self._in_flight.wait_for_slots(batch_size // 2)
            if self.shutdown.is_set():
                break
            self._pause.end()
            try:
                claims = await self._claim(min(batch_size, self._in_flight.free_slots))
            except PostgresError as error:
                self._tally.failed_claims += 1
                # A server that lost its last writes may give lower tokens again.
                self.low_watermarks = LowWatermarks()
                log.warning(
                    "claim.failed",
                    error=type(error).__name__,
                    reason=connection_errors.reason(error),
                )
                self._begin_pause(Outlook(is_unsettled=True))
        return [self._job(batch) for batch in group_by_lane(claims)]

    def _begin_pause(
        self, outlook: Outlook, *, is_registered: bool = True, has_claimed: bool = False
    ) -> None:
        self._pause.begin(
            outlook,
            is_registered=is_registered,
            has_claimed=has_claimed,
            claims_at_polls=bool(self.low_watermarks.lanes),
        )

    async def _sweep(self) -> bool:
        """Processes changed webhooks, if there are any; returns whether the next claim sweeps."""
        is_due = time.monotonic() >= self._sweep_at
        if self._pause.outlook.has_chores and (is_due or self._pause.has_swept):
            self._pause.has_swept = await engine.sweep(self._pool) > 0
            is_due = True
        if is_due:
            self._sweep_at = time.monotonic() + _SWEEP_S
            failpoints.reach("swept")
        return is_due

    async def _claim(self, limit: int) -> list[Claim]:
        sweep = await self._sweep()
        # Not while there is more to claim, because a registered worker is notified.
        falls_asleep = not self._pause.outlook.has_more
        recorded = self._in_flight.recorded
        outlook = Outlook()
        rotation = Rotation(self._cursor)
        claimed, began_s = NO_CLAIMS, time.monotonic()
        while not claimed.claims and not rotation.is_complete:
            claimed = await self._claim_once(limit, sweep=sweep, falls_asleep=falls_asleep)
            rotation.move(claimed.cursor)
            outlook = outlook.join(claimed.outlook)
        if sweep and not claimed.claims:
            self.low_watermarks.forget_useless(time.monotonic() - began_s)
        has_more = outlook.has_more or not rotation.is_complete
        if outlook.awaits_result and self._in_flight.recorded > recorded:
            # The claim may have looked before the result freed a slot.
            has_more = True
        self._begin_pause(
            outlook._replace(has_more=has_more),
            is_registered=falls_asleep,
            has_claimed=bool(claimed.claims),
        )
        return await self._take(claimed.claims)

    async def _claim_once(self, limit: int, *, sweep: bool, falls_asleep: bool) -> ClaimResult:
        failpoints.reach("before_claim")
        self._tally.begin_claim()
        claimed = await engine.claim(
            self._claims,
            self._worker,
            batch=limit,
            per_lane=PER_LANE,
            after=self._cursor,
            lease=self._lease,
            sweep=sweep,
            low_watermarks={} if sweep else self.low_watermarks.lanes,
            due_since=None if sweep else self.low_watermarks.due_since,
            held=list(self._in_flight.claims) if sweep else None,
            falls_asleep=falls_asleep,
        )
        failpoints.reach("claimed")
        self._tally.add_claim(claimed.reclaimed)
        self._cursor = claimed.cursor
        if sweep:
            pause_s = min(claimed.swept_s / _SWEEP_SHARE, self._lease.total_seconds())
            self._sweep_at = max(self._sweep_at, time.monotonic() + pause_s)
        self.low_watermarks.update(claimed)
        await self._give_up_unreadable(claimed.unreadable)
        if claimed.reclaimed:
            log.warning("claims.reclaimed", count=claimed.reclaimed)
        return claimed

    async def _take(self, claims: list[Claim]) -> list[Claim]:
        if self.shutdown.is_set():
            await self._release(claims)
            return []
        for claim in claims:
            self._in_flight.add(claim.token, claim.outbox_id)
        failpoints.reach("taken")
        return claims

    async def _give_up_unreadable(self, unreadable: dict[int, int]) -> None:
        if unreadable:
            log.error("claims.unreadable", deliveries=sorted(unreadable.values()))
            await engine.abandon(self._pool, unreadable)

    async def _release(self, claims: list[Claim]) -> None:
        if claims:
            self._tally.released += len(claims)
            await engine.release(self._pool, {claim.token: claim.outbox_id for claim in claims})

    def _job(self, batch: list[Claim]) -> models.Job:
        identity = types.JobId(batch[0].token)
        self.lane_batches[identity] = batch
        now = datetime.now(UTC)
        return models.Job.model_construct(
            id=identity,
            priority=0,
            created=now,
            updated=now,
            heartbeat=now,
            execute_after=now,
            status="picked",
            entrypoint=_ENTRYPOINT,
            payload=None,
            attempts=0,
            queue_manager_id=None,
            slot=None,
            headers=None,
        )


def group_by_lane(claims: list[Claim]) -> Iterable[list[Claim]]:
    """Groups the claims, which come in the order of the table, by lane."""
    batches: dict[UUID, list[Claim]] = {}
    for claim in claims:
        batches.setdefault(claim.webhook_id, []).append(claim)
    return batches.values()


class LowWatermarks:
    """Where the deliveries of a lane begin, for up to 64 busy lanes, and those that wait to be due.

    A delivery that appears earlier, from a long transaction, is found by the claims that sweep,
    which use no watermarks.
    """

    def __init__(self) -> None:
        self.lanes: dict[UUID, LowWatermark] = {}
        self.due_since: datetime | None = None
        self._adopted_at = 0.0
        self._sent: Counter[UUID] = Counter()

    def update(self, claimed: ClaimResult) -> None:
        """Adopts the watermarks of a claim."""
        self.due_since = claimed.due_since or self.due_since
        self._sent.update(claim.webhook_id for claim in claimed.claims)
        for lane, watermark in claimed.low_watermarks.items():
            if self._sent[lane] >= _MIN_SENT:
                self.lanes.pop(lane, None)
                self.lanes[lane] = watermark
                self._adopted_at = time.monotonic()
        while len(self.lanes) > _MAX_LANES:
            del self.lanes[next(iter(self.lanes))]
        if len(self._sent) > _MAX_COUNTED:
            self._sent.clear()

    def forget_useless(self, took_s: float) -> None:
        """Forgets them if they are old and a claim without them took only `took_s` seconds."""
        if took_s < _FAST_S and time.monotonic() - self._adopted_at > _KEPT_S:
            self.lanes.clear()
