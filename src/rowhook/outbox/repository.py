"""pgqueuer's repository port over the outbox: `dequeue` claims deliveries, lane by lane.

A pgqueuer job is one lane's share of a claim. Its id is a claim's token, never an outbox id:
the queue manager silently skips an id that it still knows.
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
from rowhook.outbox.flight import Flight
from rowhook.outbox.installation import builders
from rowhook.outbox.marks import Marks

log = structlog.get_logger()
ENTRYPOINT = types.QueueEntrypoint("deliver")
_AWAKE_S = 0.05
_NAPS_S = (0.01, 0.025, 0.05, 0.1, 0.25)
_SWEEP_S = 1.0
_PER_LANE = 4
_ROTATIONS = 64


class OutboxQueries(Queries):
    """Claims for one worker. `worker` names it in the leases, `flight` holds what it took."""

    def __init__(self, driver: PoolDriver, flight: Flight, worker: UUID, lease: timedelta) -> None:
        super().__init__(driver, **builders())
        self.shares: dict[int, list[Claim]] = {}
        self.shutdown = asyncio.Event()
        self._pool = driver.pool
        self._notifications = driver
        self._flight = flight
        self._worker = worker
        self._lease = lease
        self._cursor: UUID | None = None
        self.marks = Marks()
        self._worked_at = 0.0
        self._swept_at = 0.0
        self._register: int | None = None
        self._naps = 0
        self._due_in_s: float | None = None

    @property
    def asleep(self) -> bool:
        """Whether it naps until something is due, or somebody wakes it."""
        return self._register is not None

    def stop(self) -> None:
        """Claims stop at once."""
        self.shutdown.set()
        self._flight.stop_waiting()

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[types.QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: types.QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[models.Job]:
        """Up to `batch_size` due deliveries as one job a lane; waits here while no slot is free."""
        await self._flight.wait_for_room(batch_size // 2)
        if self.shutdown.is_set():
            return []
        try:
            claims = await self._claim(min(batch_size, self._flight.room))
        except postgres.PostgresError as error:
            log.warning("claim.waiting", error=type(error).__name__, reason=postgres.reason(error))
            return []
        if claims:
            await self._rise()
        return [self._job(share) for share in by_lane(claims)]

    async def _claim(self, most: int) -> list[Claim]:
        sweep = time.monotonic() - self._swept_at >= _SWEEP_S
        if sweep:
            self._swept_at = time.monotonic()
            await postgres.sweep(self._pool)
            # failpoint swept
            await self._find_again()
        for _ in range(_ROTATIONS):
            # failpoint before_claim
            claimed = await postgres.claim(
                self._pool,
                self._worker,
                batch=most,
                per_lane=_PER_LANE,
                after=self._cursor,
                lease=self._lease,
                sweep=sweep,
                marks={} if sweep else self.marks.times,
            )
            self._cursor = claimed.cursor
            # failpoint claimed
            self.marks.keep(claimed)
            await self._lose(claimed.unreadable)
            if claimed.claims or claimed.rotated:
                break
        if self.shutdown.is_set():
            await self._give_back(claimed.claims)
            return []
        for claim in claimed.claims:
            self._flight.take(claim.token, claim.outbox_id)
        # failpoint taken
        return claimed.claims

    async def _find_again(self) -> None:
        # The answer to a claim may be lost where the claim itself was not.
        found = await postgres.reclaim_lost(self._pool, self._worker, list(self._flight.held))
        if found:
            log.warning("claims.found_again", count=found)

    async def _lose(self, unreadable: dict[int, int]) -> None:
        if unreadable:
            log.error("claims.unreadable", deliveries=sorted(unreadable.values()))
            await postgres.abandon(self._pool, unreadable)

    async def _give_back(self, claims: list[Claim]) -> None:
        if claims:
            await postgres.release(self._pool, {one.token: one.outbox_id for one in claims})

    def _job(self, share: list[Claim]) -> models.Job:
        identity = types.JobId(share[0].token)
        self.shares[identity] = share
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

    async def _rise(self) -> None:
        self._worked_at = time.monotonic()
        self._naps = 0
        if self._register is not None:
            register, self._register = self._register, None
            try:
                await postgres.wake_up(self._pool, register)
            except postgres.PostgresError as error:
                # It costs needless notifications until the next nap; what was claimed goes on.
                log.warning("worker.rose_unseen", error=type(error).__name__)

    async def eligible_queued_work(self, entrypoints: list[types.QueueEntrypoint]) -> int:
        """The sleep handshake: enter the register, then look once more; 1 means look again now."""
        if time.monotonic() - self._worked_at < _AWAKE_S:
            return 1
        try:
            asleep = await postgres.fall_asleep(self._pool, self.marks.times)
        except postgres.PostgresError:
            return 0
        self._register, self._due_in_s = asleep.register, asleep.due_in_s
        if asleep.has_work:
            # What the last claim did not see may be a chore: the next one sweeps.
            self._swept_at = 0.0
        return int(asleep.has_work)

    async def next_deferred_eta(self, entrypoints: list[types.QueueEntrypoint]) -> timedelta | None:
        """How long to nap: longer each time, never past the next due row."""
        nap = _NAPS_S[min(self._naps, len(_NAPS_S) - 1)]
        self._naps += 1
        due = nap if self._due_in_s is None else max(self._due_in_s, 0.001)
        self._due_in_s = None
        return timedelta(seconds=min(nap, due))

    async def queued_work(self, entrypoints: list[types.QueueEntrypoint]) -> int:
        """Nothing is deferred beyond `next_deferred_eta`."""
        return 0

    async def update_heartbeat(self, job_ids: list[types.JobId]) -> None:
        """Leases are renewed for all that is held, until it is recorded: see the worker."""

    async def log_jobs(
        self,
        job_status: list[tuple[models.Job, types.JOB_STATUS, models.TracebackRecord | None]],
    ) -> None:
        """Results are recorded by the recorder, each as it ends."""

    async def notify_health_check(self, health_check_event_id: types.HealthCheckId) -> None:
        """Answers at once: our LISTEN connection has a probe of its own."""
        self._notifications.hand_on(envelope("health_check_event", id=str(health_check_event_id)))


def by_lane(claims: list[Claim]) -> Iterable[list[Claim]]:
    """Each lane's share of a claim, whose rows come as they lie in the table."""
    shares: dict[UUID, list[Claim]] = {}
    for claim in claims:
        shares.setdefault(claim.webhook_id, []).append(claim)
    return shares.values()
