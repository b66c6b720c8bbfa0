"""Implements pgqueuer's repository port on the outbox: `dequeue` claims deliveries, lane by lane.

A pgqueuer job is the deliveries of one lane in a claim. Its id is a fencing token instead of an
outbox id, because the queue manager silently skips an id that it has not forgotten yet.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain import models, types
from pgqueuer.ports.repository import EntrypointExecutionParameter

from rowhook import postgres
from rowhook.delivery import Claim
from rowhook.outbox.driver import PoolDriver, envelope
from rowhook.outbox.flight import InFlight
from rowhook.outbox.installation import builders
from rowhook.outbox.marks import LowWatermarks

log = structlog.get_logger()
ENTRYPOINT = types.QueueEntrypoint("deliver")
_AWAKE_S = 0.05
_NAPS_S = (0.01, 0.025, 0.05, 0.1, 0.25)
_SWEEP_S = 1.0
_PER_LANE = 4
_ROTATIONS = 64


class OutboxQueries(Queries):
    """Claims deliveries for one worker, identified by `worker` in the leases."""

    def __init__(
        self, driver: PoolDriver, in_flight: InFlight, worker: UUID, lease: timedelta
    ) -> None:
        super().__init__(driver, **builders())
        self.lane_batches: dict[int, list[Claim]] = {}
        self.shutdown = asyncio.Event()
        self._pool = driver.pool
        self._notifications = driver
        self._in_flight = in_flight
        self._worker = worker
        self._lease = lease
        self._cursor: UUID | None = None
        self.low_watermarks = LowWatermarks()
        self._worked_at = 0.0
        self._swept_at = 0.0
        self._sleep_id: int | None = None
        self._nap_count = 0
        self._due_in_s: float | None = None

    @property
    def is_asleep(self) -> bool:
        """Whether the worker sleeps until a delivery is due or a notification arrives."""
        return self._sleep_id is not None

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
        await self._in_flight.wait_for_slots(batch_size // 2)
        if self.shutdown.is_set():
            return []
        try:
            claims = await self._claim(min(batch_size, self._in_flight.free_slots))
        except postgres.PostgresError as error:
            log.warning("claim.failed", error=type(error).__name__, reason=postgres.reason(error))
            return []
        if claims:
            await self._wake_up()
        return [self._job(batch) for batch in group_by_lane(claims)]

    async def _claim(self, limit: int) -> list[Claim]:
        sweep = time.monotonic() - self._swept_at >= _SWEEP_S
        if sweep:
            self._swept_at = time.monotonic()
            await postgres.sweep(self._pool)
            # failpoint swept
            await self._reclaim_lost()
        for _ in range(_ROTATIONS):
            # failpoint before_claim
            claimed = await postgres.claim(
                self._pool,
                self._worker,
                batch=limit,
                per_lane=_PER_LANE,
                after=self._cursor,
                lease=self._lease,
                sweep=sweep,
                marks={} if sweep else self.low_watermarks.times,
            )
            self._cursor = claimed.cursor
            # failpoint claimed
            self.low_watermarks.update(claimed)
            await self._give_up_unreadable(claimed.unreadable)
            if claimed.claims or claimed.rotated:
                break
        if self.shutdown.is_set():
            await self._release(claimed.claims)
            return []
        for claim in claimed.claims:
            self._in_flight.add(claim.token, claim.outbox_id)
        # failpoint taken
        return claimed.claims

    async def _reclaim_lost(self) -> None:
        # The response to a claim may be lost although the claim was committed.
        count = await postgres.reclaim_lost(self._pool, self._worker, list(self._in_flight.claims))
        if count:
            log.warning("claims.reclaimed", count=count)

    async def _give_up_unreadable(self, unreadable: dict[int, int]) -> None:
        if unreadable:
            log.error("claims.unreadable", deliveries=sorted(unreadable.values()))
            await postgres.abandon(self._pool, unreadable)

    async def _release(self, claims: list[Claim]) -> None:
        if claims:
            await postgres.release(self._pool, {claim.token: claim.outbox_id for claim in claims})

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

    async def _wake_up(self) -> None:
        self._worked_at = time.monotonic()
        self._nap_count = 0
        if self._sleep_id is not None:
            sleep_id, self._sleep_id = self._sleep_id, None
            try:
                await postgres.wake_up(self._pool, sleep_id)
            except postgres.PostgresError as error:
                # The only effect is needless notifications until the next sleep.
                log.warning("worker.wake_up_failed", error=type(error).__name__)

    async def eligible_queued_work(self, entrypoints: list[types.QueueEntrypoint]) -> int:
        """Register as asleep, then check for work once more; 1 means that there is some."""
        if time.monotonic() - self._worked_at < _AWAKE_S:
            return 1
        try:
            sleep = await postgres.fall_asleep(self._pool, self.low_watermarks.times)
        except postgres.PostgresError:
            return 0
        self._sleep_id, self._due_in_s = sleep.register, sleep.due_in_s
        if sleep.has_work:
            # The work may be maintenance that only a sweep does, so the next claim sweeps.
            self._swept_at = 0.0
        return int(sleep.has_work)

    async def next_deferred_eta(self, entrypoints: list[types.QueueEntrypoint]) -> timedelta | None:
        """Return how long to sleep: longer each time, but not beyond the next due delivery."""
        nap = _NAPS_S[min(self._nap_count, len(_NAPS_S) - 1)]
        self._nap_count += 1
        due = nap if self._due_in_s is None else max(self._due_in_s, 0.001)
        self._due_in_s = None
        return timedelta(seconds=min(nap, due))

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


def group_by_lane(claims: list[Claim]) -> Iterable[list[Claim]]:
    """Group the claims, which come in the order of the table, by lane."""
    batches: dict[UUID, list[Claim]] = {}
    for claim in claims:
        batches.setdefault(claim.webhook_id, []).append(claim)
    return batches.values()
