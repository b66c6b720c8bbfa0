"""pgqueuer's repository and driver over the outbox, so that its queue manager claims deliveries.

pgqueuer's queue manager runs the pool: it asks for work, waits for notifications and due times,
limits concurrency and shuts down. It expects a queue table of its own; here the outbox is the
queue, with lanes, fencing tokens and retry times. Therefore these methods are overridden:

- `dequeue` calls `rowhook.claim_batch`, which claims with SKIP LOCKED, lane by lane. One job is the
  batch of a lane, because the manager's work for a job costs more than the claim of a delivery. A
  claim that leaves nothing behind registers the worker as asleep, so that commits notify it; until
  then `dequeue` returns nothing without asking the database, which it otherwise would twice for
  each delivery.
- `eligible_queued_work`, `next_deferred_eta` and `queued_work` tell the manager how long to wait,
  by the outlook of the last claim.
- `update_heartbeat` and `log_jobs` do nothing: leases are renewed and results are recorded for all
  deliveries together, and a delivery ends later than its job.
- `notify_health_check` and `PoolDriver.notify` stay in the process, because a NOTIFY takes a lock
  on the whole database at commit.
- `PoolDriver` takes connections from a pool, where pgqueuer's own driver holds one connection, and
  listens on a separate connection that reconnects.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
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
from rowhook.db.engine import NO_CLAIMS, ClaimResult, Outlook, Rotation
from rowhook.db.listener import Listener
from rowhook.db.statements import PostgresError
from rowhook.migrate.queue_schema import builders
from rowhook.model import Claim
from rowhook.worker import failpoints
from rowhook.worker.in_flight import InFlight
from rowhook.worker.tally import Tally

CHANNEL = "rowhook"


def envelope(kind: str, **fields: object) -> str:
    """Return a notification payload in pgqueuer's format; it drops others with a critical log."""
    stamp = {"channel": CHANNEL, "sent_at": datetime.now(UTC).isoformat(), "type": kind}
    return json.dumps(stamp | fields)


_WAKE_UP = envelope("table_changed_event", operation="insert", table="outbox")


class PoolDriver:
    """Implements pgqueuer.ports.driver.Driver. Without `listen_dsn` the worker only polls.

    The caller runs `listener`, which wakes the queue manager on every NOTIFY.
    """

    def __init__(self, pool: Pool, listen_dsn: str | None) -> None:
        self.pool = pool
        self.listener = None
        if listen_dsn is not None:
            self.listener = Listener(listen_dsn, CHANNEL, lambda _: self.wake())
        self._shutdown = asyncio.Event()
        self._tm = TaskManager()
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
        """Run a statement with `$1` placeholders and return its rows."""
        async with self.pool.connection() as connection:
            cursor = AsyncRawCursor[dict[str, Any]](connection, row_factory=dict_row)
            await cursor.execute(query.encode(), args or None)
            return await cursor.fetchall()

    async def execute(self, query: str, *args: object) -> str:
        """Run a statement and return its command tag."""
        async with self.pool.connection() as connection:
            cursor = AsyncRawCursor(connection)
            await cursor.execute(query.encode(), args or None)
            return cursor.statusmessage or ""

    async def notify(self, channel: str, payload: str) -> None:
        """Dispatch locally, because every NOTIFY takes a lock on the whole database."""
        if channel == CHANNEL:
            self.dispatch(payload)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Register a callback for the channel of Rowhook, regardless of pgqueuer's channel."""
        self._callbacks.append(callback)

    def dispatch(self, payload: str) -> None:
        """Pass an envelope to pgqueuer's callbacks."""
        for callback in self._callbacks:
            callback(payload)

    def wake(self) -> None:
        """End the wait of the queue manager, so that it claims; once until it does."""
        if not self.is_notified:
            self.is_notified = True
            self.dispatch(_WAKE_UP)

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


log = structlog.get_logger()
ENTRYPOINT = types.QueueEntrypoint("deliver")
_POLL_S = 0.25
# While an open transaction may commit without a notification.
_NAPS_S = (0.005, 0.01, 0.025, 0.05, 0.1, _POLL_S)
_SWEEP_S = 1.0
_PER_LANE = 4


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
        self._in_flight = in_flight
        self._worker = worker
        self._lease = lease
        self._tally = tally
        self._cursor: UUID | None = None
        self.low_watermarks = LowWatermarks()
        self._swept_at = 0.0
        self._outlook = Outlook()
        self._has_swept = True
        self._nap_count = 0
        self._poll_at = 0.0

    @property
    def awaits_result(self) -> bool:
        """Whether the worker sleeps and a recorded result may free a slot of a lane."""
        return self._outlook.awaits_result and not self._outlook.has_more

    def stop(self) -> None:
        """Stop claiming at once."""
        self.shutdown.set()
        self._in_flight.stop_waiting()

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[types.QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: types.QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[models.Job]:
        """Claim up to `batch_size` due deliveries, as one job per lane; waits for a free slot."""
        self._tally.queue_turned_at = time.monotonic()
        if not self._is_claim_due():
            return []
        await self._in_flight.wait_for_slots(batch_size // 2)
        if self.shutdown.is_set():
            return []
        if self._notifications.is_notified:
            self._nap_count = 0
        # Notifications from now on are about rows that the claim may not see.
        self._notifications.is_notified = False
        try:
            claims = await self._claim(min(batch_size, self._in_flight.free_slots))
        except PostgresError as error:
            self._tally.failed_claims += 1
            log.warning(
                "claim.failed", error=type(error).__name__, reason=connection_errors.reason(error)
            )
            self._sleep(Outlook(is_unsettled=True), is_registered=True)
            return []
        return [self._job(batch) for batch in group_by_lane(claims)]

    def _is_claim_due(self) -> bool:
        return (
            self._notifications.is_notified
            or self._outlook.has_more
            or (self._outlook.has_chores and self._has_swept)
            or time.monotonic() >= self._poll_at
        )

    def _sleep(self, outlook: Outlook, *, is_registered: bool) -> None:
        """Set when to claim next if no notification arrives before."""
        self._outlook = outlook
        self._in_flight.are_results_awaited = outlook.awaits_result or outlook.has_more
        # A worker that did not register is not notified, so it claims once more.
        pause_s = _POLL_S if is_registered else 0.0
        if outlook.is_unsettled:
            pause_s = _NAPS_S[min(self._nap_count, len(_NAPS_S) - 1)]
            self._nap_count += 1
        if outlook.due_in_s is not None:
            pause_s = min(pause_s, outlook.due_in_s)
        self._poll_at = time.monotonic() + pause_s

    async def _sweep(self) -> bool:
        """Process changed webhooks, if there are any; return whether the next claim sweeps."""
        is_due = time.monotonic() - self._swept_at >= _SWEEP_S
        if self._outlook.has_chores and (is_due or self._has_swept):
            self._has_swept = await engine.sweep(self._pool) > 0
            is_due = True
        if is_due:
            self._swept_at = time.monotonic()
            failpoints.reach("swept")
        return is_due

    async def _claim(self, limit: int) -> list[Claim]:
        sweep = await self._sweep()
        # Not while there is more to claim, because a registered worker is notified.
        falls_asleep = not self._outlook.has_more
        recorded = self._in_flight.recorded
        outlook = Outlook()
        rotation = Rotation(self._cursor)
        claimed = NO_CLAIMS
        while not claimed.claims and not rotation.is_complete:
            failpoints.reach("before_claim")
            self._tally.begin_claim()
            claimed = await engine.claim(
                self._claims,
                self._worker,
                batch=limit,
                per_lane=_PER_LANE,
                after=self._cursor,
                lease=self._lease,
                sweep=sweep,
                marks={} if sweep else self.low_watermarks.times,
                held=list(self._in_flight.claims) if sweep else None,
                falls_asleep=falls_asleep,
            )
            failpoints.reach("claimed")
            self._tally.add_claim(claimed.reclaimed)
            self._cursor = claimed.cursor
            rotation.move(claimed.cursor)
            outlook = outlook.join(claimed.outlook)
            self.low_watermarks.update(claimed)
            await self._give_up_unreadable(claimed.unreadable)
            _report_reclaimed(claimed.reclaimed)
        if claimed.claims:
            self._nap_count = 0
        has_more = outlook.has_more or not rotation.is_complete
        if outlook.awaits_result and self._in_flight.recorded > recorded:
            # The claim may have looked before the result freed a slot.
            has_more = True
        self._sleep(outlook._replace(has_more=has_more), is_registered=falls_asleep)
        return await self._take(claimed.claims)

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
            entrypoint=ENTRYPOINT,
            payload=None,
            attempts=0,
            queue_manager_id=None,
            slot=None,
            headers=None,
        )

    async def eligible_queued_work(self, entrypoints: list[types.QueueEntrypoint]) -> int:
        """Return 1 if a claim may find work at once, otherwise 0."""
        return int(self._is_claim_due())

    async def next_deferred_eta(self, entrypoints: list[types.QueueEntrypoint]) -> timedelta | None:
        """Return how long to sleep unless a notification arrives."""
        return timedelta(seconds=max(self._poll_at - time.monotonic(), 0.0))

    async def queued_work(self, entrypoints: list[types.QueueEntrypoint]) -> int:
        """Return 0, because `next_deferred_eta` covers deferred deliveries."""
        return 0

    async def update_heartbeat(self, job_ids: list[types.JobId]) -> None:
        """Do nothing, because the worker renews the leases itself."""

    async def log_jobs(
        self,
        job_status: list[tuple[models.Job, types.JOB_STATUS, models.TracebackRecord | None]],
    ) -> None:
        """Do nothing, because the recorder records each result when its delivery ends."""

    async def notify_health_check(self, health_check_event_id: types.HealthCheckId) -> None:
        """Respond locally, because the LISTEN connection has its own probe."""
        self._notifications.dispatch(envelope("health_check_event", id=str(health_check_event_id)))


def _report_reclaimed(count: int) -> None:
    if count:
        log.warning("claims.reclaimed", count=count)


def group_by_lane(claims: list[Claim]) -> Iterable[list[Claim]]:
    """Group the claims, which come in the order of the table, by lane."""
    batches: dict[UUID, list[Claim]] = {}
    for claim in claims:
        batches.setdefault(claim.webhook_id, []).append(claim)
    return batches.values()


# A watermark saves reading dead entries, but costs an index probe even if the lane is empty.
_MIN_SENT = 1000
_MAX_LANES = 64
_MAX_COUNTED = 10_000


class LowWatermarks:
    """The time before which a lane has no due delivery, for up to 64 busy lanes.

    A delivery that appears earlier, from a long transaction, is found by the claims that sweep,
    which use no watermarks.
    """

    def __init__(self) -> None:
        self.times: dict[UUID, datetime] = {}
        self._sent: Counter[UUID] = Counter()

    def update(self, claimed: ClaimResult) -> None:
        """Adopt the watermarks of a claim."""
        self._sent.update(claim.webhook_id for claim in claimed.claims)
        for lane, watermark in claimed.marks.items():
            if self._sent[lane] >= _MIN_SENT:
                self.times.pop(lane, None)
                self.times[lane] = watermark
        while len(self.times) > _MAX_LANES:
            del self.times[next(iter(self.times))]
        if len(self._sent) > _MAX_COUNTED:
            self._sent.clear()
