"""The background tasks of a worker: heartbeat, lease renewal, healing, retention."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from pgqueuer.core.executors import AbstractScheduleExecutor
from pgqueuer.core.sm import SchedulerManager
from pgqueuer.domain import models

from rowhook.db import connection_errors, engine, installation_queries, retention_queries
from rowhook.db.connection_pool import Pool
from rowhook.db.installation_queries import LockUnavailable
from rowhook.db.retention_queries import StoredBodies
from rowhook.db.statements import PostgresError
from rowhook.model import Verdict
from rowhook.supervisor import Supervisor
from rowhook.worker import failpoints
from rowhook.worker.in_flight import InFlight
from rowhook.worker.queue import OutboxQueries
from rowhook.worker.tally import Tally

log = structlog.get_logger()
_MAX_BATCH, _MIN_BATCH = 5000, 100
# A slower batch is followed by smaller ones, a faster one by larger ones.
_SLOW_S, _FAST_S = 0.5, 0.1
_SHORTEST_PAUSE_S = 0.01
_RELOAD_S = 60.0
_RETRY_S = 1.0
_HEARTBEAT_S = 5.0
_SCHEDULE_HEARTBEAT_S = 1.0
_RESTART_S = 1.0
_SLICE_PAUSE_S = 0.05
# The defaults of rowhook.fold_attempts and rowhook.note_clock_steps.
_FOLDED = 50_000
_COMPARED = 50_000
_WARN_EVERY_S = 60.0


class Retention:
    """Runs retention in one worker. `days` and `bodies` are settings; None if not set.

    `failures` counts the kinds, partitions and leftovers whose run failed.
    """

    def __init__(self, pool: Pool, days: int | None, bodies: str | None) -> None:
        self.failures = 0
        self._pool = pool
        self._days = days
        self._bodies = bodies
        self._is_applied = False
        # Until the table is read, store no more than the setting allows.
        self._stored = StoredBodies(accepted=bodies in (None, "all"), failed=bodies != "none")

    def stores_exchange(self, verdict: Verdict) -> bool:
        """Returns whether to store the request and response of an attempt with this verdict."""
        return self._stored.accepted if verdict is Verdict.DELIVERED else self._stored.failed

    async def follow_settings(self) -> None:
        """Applies the settings, then reloads every minute which bodies are stored."""
        while True:
            try:
                await self.load()
            except PostgresError as error:
                log.warning(
                    "retention_settings.load_failed",
                    error=type(error).__name__,
                    reason=connection_errors.reason(error),
                )
                await asyncio.sleep(_RETRY_S)
            else:
                await asyncio.sleep(_RELOAD_S)

    async def load(self) -> None:
        """Applies the settings if this was not done yet, and loads which bodies are stored."""
        if not self._is_applied:
            await retention_queries.apply_retention_settings(self._pool, self._days, self._bodies)
            self._is_applied = True
        self._stored = await retention_queries.stored_bodies(self._pool)

    async def run(self, stop: asyncio.Event) -> None:
        """Deletes all expired rows, kind by kind; a failure of one does not stop the others."""
        removed: dict[str, int] = {}
        try:
            # Do not delete by older settings, whose ages may be shorter.
            await self.load()
            kinds = await retention_queries.retention_kinds(self._pool)
        except PostgresError as error:
            self._fail("all", error)
            return
        for kind in kinds:
            await self._run_kind(kind, removed, stop)
        try:
            await retention_queries.make_partitions(self._pool)
            while not stop.is_set() and (
                name := await retention_queries.drop_next_partition(self._pool)
            ):
                log.info("partition.dropped", partition=name)
        except PostgresError as error:
            self._fail("partitions", error)
        try:
            while (
                await retention_queries.remove_leftovers(self._pool) >= _MAX_BATCH
                and not stop.is_set()
            ):
                await asyncio.sleep(_SHORTEST_PAUSE_S)
        except PostgresError as error:
            self._fail("leftovers", error)
        if removed:
            log.info("retention.finished", **removed)

    async def _run_kind(self, kind: str, removed: dict[str, int], stop: asyncio.Event) -> None:
        batch_size, begins, is_finished = _MAX_BATCH, True, False
        while not is_finished and not stop.is_set():
            started = time.monotonic()
            try:
                count, is_finished = await retention_queries.retain_batch(
                    self._pool, kind, batch_size, begins=begins
                )
            except PostgresError as error:
                self._fail(kind, error)
                return
            took_s = time.monotonic() - started
            begins = False
            if count:
                removed[kind] = removed.get(kind, 0) + count
            batch_size = max(batch_size // 2, _MIN_BATCH) if took_s > _SLOW_S else batch_size
            batch_size = min(batch_size * 2, _MAX_BATCH) if took_s < _FAST_S else batch_size
            # Uses at most half of the time.
            await asyncio.sleep(max(took_s, _SHORTEST_PAUSE_S))

    def _fail(self, kind: str, error: Exception) -> None:
        self.failures += 1
        log.warning(
            "retention.failed",
            kind=kind,
            error=type(error).__name__,
            reason=connection_errors.reason(error),
            consequence="retried in ten minutes",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """Options of a worker.

    `callback_ttl`: how long a frontend output waits for a page. `retention_days` and `keep_bodies`:
    the settings; None keeps the values in the database. `concurrency`: deliveries processed at
    once. `connections`: requests sent at once. Without `listen_dsn` the worker only polls.
    """

    lease: timedelta = timedelta(seconds=20)
    retention_days: int | None = None
    keep_bodies: str | None = None
    callback_ttl: timedelta = timedelta(days=1)
    concurrency: int = 256
    connections: int = 2048
    listen_dsn: str | None = None


class CopyDetector:
    """Detects that the database is a copy, and starts a new epoch of events in another cluster.

    Logs each new epoch and, every `warn_every_s` seconds, that deliveries are suspended.
    """

    def __init__(self, pool: Pool, *, warn_every_s: float = _WARN_EVERY_S) -> None:
        self._pool = pool
        self._warn_every_s = warn_every_s
        self._warn_at = 0.0

    async def check(self, *, patience_s: float = 0.0) -> None:
        """Checks once; waits up to `patience_s` for the transactions that block a new epoch."""
        checked = await installation_queries.check_installation(self._pool)
        if checked.epoch_is_due:
            await self._raise_epoch(patience_s)
        if checked.reason is not None and time.monotonic() >= self._warn_at:
            self._warn_at = time.monotonic() + self._warn_every_s
            log.warning("deliveries.suspended", reason=checked.reason, advice=checked.advice)

    async def _raise_epoch(self, patience_s: float) -> None:
        try:
            epoch = await installation_queries.begin_epoch(self._pool, patience_s)
        except LockUnavailable:
            log.warning("epoch.postponed", reason="A transaction that uses rowhook.event is open.")
            return
        if epoch is not None:
            log.warning("epoch.raised", epoch=epoch, reason="The database is in another cluster.")


class Scheduler(SchedulerManager):
    """pgqueuer's scheduler, which sends heartbeats only while a schedule runs.

    Its own loop wakes up every second.
    """

    def __init__(self, queries: OutboxQueries) -> None:
        super().__init__(queries)
        self._began = asyncio.Event()

    async def dispatch(self, executor: AbstractScheduleExecutor, schedule: models.Schedule) -> None:
        """Runs a schedule, with heartbeats."""
        self._began.set()
        await super().dispatch(executor, schedule)

    async def _heartbeat_loop(self) -> None:
        """Sends heartbeats until cancelled, which happens when all schedules have ended."""
        while True:
            await self._began.wait()
            self._began.clear()
            await asyncio.sleep(_SCHEDULE_HEARTBEAT_S)
            while self.active_heartbeat_ids:
                try:
                    await self.queries.update_schedule_heartbeat(set(self.active_heartbeat_ids))
                except PostgresError as error:
                    log.warning(
                        "schedule_heartbeat.missed",
                        error=type(error).__name__,
                        reason=connection_errors.reason(error),
                    )
                await asyncio.sleep(_SCHEDULE_HEARTBEAT_S)


class Maintenance:
    """Runs a worker's maintenance."""

    def __init__(
        self,
        pool: Pool,
        worker: UUID,
        in_flight: InFlight,
        queries: OutboxQueries,
        tally: Tally,
        options: WorkerOptions,
    ) -> None:
        self._offset_s = 0.0
        self._pool = pool
        self._worker = worker
        self._in_flight = in_flight
        self._queries = queries
        self._tally = tally
        self._options = options
        self._pause_s = min(_HEARTBEAT_S, options.lease.total_seconds() / 4)
        self._copy_detector = CopyDetector(pool)
        self.retention = Retention(pool, options.retention_days, options.keep_bodies)
        self._scheduler = Scheduler(queries)
        self._scheduler.schedule("rowhook_heal", "* * * * * */30")(self._heal)
        # The names are keys of pgqueuer's schedule table.
        self._scheduler.schedule("rowhook_judge", "* * * * * */10")(self._evaluate_webhooks)
        self._scheduler.schedule("rowhook_count", "* * * * * */10")(self._count)
        self._scheduler.schedule("rowhook_retain", "*/10 * * * *")(self._retain)

    def start(self, tasks: Supervisor) -> asyncio.Task[None]:
        """Starts the supervised tasks; returns the one of the schedule, which `stop` ends."""
        heartbeat = tasks.start("heartbeat", self._run_heartbeat())
        tasks.start("renewal", self._renew_without_heartbeat(heartbeat))
        tasks.start("copy detector", self._detect_copy())
        tasks.start("retention settings", self.retention.follow_settings())
        return tasks.start("scheduler", self._run_schedule())

    def stop(self) -> None:
        """Ends the schedule; the other tasks run until they are cancelled."""
        self._scheduler.shutdown.set()

    def database_time(self) -> float:
        """Returns the database's time in seconds since 1970, as of the last heartbeat."""
        return time.time() + self._offset_s

    async def _run_heartbeat(self) -> None:
        """Sends heartbeats, and renews the leases of claims until they are recorded."""
        while True:
            self._tally.heartbeat_turned_at = time.monotonic()
            self._tally.sort()
            try:
                await self._heartbeat()
            except PostgresError as error:
                self._tally.missed_heartbeats += 1
                log.warning(
                    "heartbeat.missed",
                    error=type(error).__name__,
                    reason=connection_errors.reason(error),
                )
            await asyncio.sleep(self._pause_s)

    async def _detect_copy(self) -> None:
        """Checks for a copied database, in a task of its own so as not to delay the heartbeat."""
        while True:
            try:
                await self._copy_detector.check()
            except PostgresError as error:
                log.warning(
                    "copy_check.failed",
                    error=type(error).__name__,
                    reason=connection_errors.reason(error),
                )
            await asyncio.sleep(self._pause_s)

    async def _renew_without_heartbeat(self, heartbeat: asyncio.Task[None]) -> None:
        """Renews leases when the heartbeat has crashed.

        The worker is shutting down then, and keeps its claims until their results are recorded.
        """
        await asyncio.wait({heartbeat})
        while True:
            try:
                await self._renew()
            except Exception as error:
                log.exception("lease_renewal.failed", error=type(error).__name__)
            await asyncio.sleep(self._pause_s)

    async def _renew(self) -> None:
        claims = dict(self._in_flight.claims)
        if claims:
            valid = await engine.renew(self._pool, self._worker, claims, self._options.lease)
            unrenewed = claims.keys() - valid
            self._tally.add_unrenewed(unrenewed & self._in_flight.claims.keys())
            failpoints.reach("renewed")

    async def _heartbeat(self) -> None:
        await self._renew()
        requested_at = time.time()
        database_time = await engine.heartbeat(
            self._pool, self._worker, socket.gethostname(), os.getpid(), self._in_flight.sending
        )
        self._offset_s = database_time.timestamp() - (requested_at + time.time()) / 2

    async def _run_schedule(self) -> None:
        """Runs pgqueuer's schedule, and restarts it when PostgreSQL is reachable again."""
        while not self._queries.shutdown.is_set():
            try:
                await self._scheduler.run()
            except PostgresError as error:
                log.warning(
                    "schedule.interrupted",
                    error=type(error).__name__,
                    reason=connection_errors.reason(error),
                )
                await asyncio.sleep(_RESTART_S)

    async def unregister(self) -> None:
        """Removes the worker from the list of workers."""
        try:
            await engine.deregister(self._pool, self._worker)
        except PostgresError:
            log.warning("worker.unregister_failed", worker=str(self._worker))

    async def _heal(self, _schedule: models.Schedule) -> None:
        # Each call checks a slice of each source and heals at most 10,000 rows of it.
        while True:
            healed = await engine.heal(self._pool)
            if healed:
                self._tally.healed += healed
                log.warning("capture.healed", completions=healed)
            elif not await engine.is_healing(self._pool):
                return
            await asyncio.sleep(_SLICE_PAUSE_S)

    async def _evaluate_webhooks(self, _schedule: models.Schedule) -> None:
        event_count = await engine.warn_or_disable(self._pool)
        event_count += await engine.announce_waiting(self._pool)
        if event_count:
            log.info("webhooks.evaluated", events=event_count)

    async def _count(self, _schedule: models.Schedule) -> None:
        await self._repeat(engine.fold_attempts, _FOLDED)
        await self._repeat(engine.note_clock_steps, _COMPARED)

    async def _repeat(self, step: Callable[[Pool], Awaitable[int]], most: int) -> None:
        """Calls `step` until it processes fewer than `most` rows."""
        while await step(self._pool) >= most and not self._queries.shutdown.is_set():
            await asyncio.sleep(_SLICE_PAUSE_S)

    async def _retain(self, _schedule: models.Schedule) -> None:
        await self.retention.run(self._queries.shutdown)
