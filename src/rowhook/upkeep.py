"""What a worker does beside delivering: heartbeat and leases, healing, retention."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from pgqueuer.core.sm import SchedulerManager
from pgqueuer.domain import models

from rowhook import postgres
from rowhook.outbox import Flight, OutboxQueries
from rowhook.retention import Retention
from rowhook.supervisor import Supervisor

log = structlog.get_logger()
_BEAT_S = 5.0
_RESTART_S = 1.0
_SLICE_PAUSE_S = 0.05
_WARN_EVERY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a worker works. `listen_dsn` None polls alone.

    `callback_ttl` is how long an output waits for a page. `retention_days` and `keep_bodies` are
    those of the settings; None: the ages in the database stay.

    `concurrency` deliveries are worked on at once, and up to `connections` wait for receivers.
    """

    lease: timedelta = timedelta(seconds=20)
    retention_days: int | None = None
    keep_bodies: str | None = None
    callback_ttl: timedelta = timedelta(days=1)
    concurrency: int = 256
    connections: int = 2048
    listen_dsn: str | None = None


class CopyWatch:
    """Notices that the database is a copy, and raises the epoch of its events in another cluster.

    Logs each raise, and every `warn_every_s` seconds that deliveries are suspended.
    """

    def __init__(self, pool: postgres.Pool, *, warn_every_s: float = _WARN_EVERY_S) -> None:
        self._pool = pool
        self._warn_every_s = warn_every_s
        self._warn_at = 0.0

    async def look(self, *, patience_s: float = 0.0) -> None:
        """Looks once. The epoch waits for open transactions: for `patience_s`, or the next look."""
        checked = await postgres.check_installation(self._pool)
        if checked.epoch_is_due:
            await self._raise_epoch(patience_s)
        if checked.reason is not None and time.monotonic() >= self._warn_at:
            self._warn_at = time.monotonic() + self._warn_every_s
            log.warning("deliveries.suspended", reason=checked.reason, advice=checked.advice)

    async def _raise_epoch(self, patience_s: float) -> None:
        try:
            epoch = await postgres.begin_epoch(self._pool, patience_s)
        except postgres.LockUnavailable:
            log.warning("epoch.waiting", reason="A transaction that uses rowhook.event is open.")
            return
        if epoch is not None:
            log.warning("epoch.raised", epoch=epoch, reason="The cluster is another one.")


class Upkeep:
    """One worker's clockwork. `offset_s` is the database's clock less ours, in seconds."""

    def __init__(
        self,
        pool: postgres.Pool,
        worker: UUID,
        flight: Flight,
        queries: OutboxQueries,
        terms: Terms,
    ) -> None:
        self.offset_s = 0.0
        self._pool = pool
        self._worker = worker
        self._flight = flight
        self._queries = queries
        self._terms = terms
        self._pause_s = min(_BEAT_S, terms.lease.total_seconds() / 4)
        self._copy_watch = CopyWatch(pool)
        self.retention = Retention(pool, terms.retention_days, terms.keep_bodies)
        self._scheduler = SchedulerManager(queries)
        self._scheduler.schedule("rowhook_heal", "* * * * * */30")(self._heal)
        self._scheduler.schedule("rowhook_judge", "* * * * * */10")(self._judge)
        self._scheduler.schedule("rowhook_retain", "*/10 * * * *")(self._retain)

    def start(self, tasks: Supervisor) -> asyncio.Task[None]:
        """Starts all of it as supervised tasks; answers the schedule's, which `stop` ends."""
        heartbeat = tasks.start("heartbeat", self._beat_on())
        tasks.start("renewal", self._renew_after(heartbeat))
        tasks.start("copy watch", self._watch_for_copy())
        tasks.start("retention settings", self.retention.follow_settings())
        return tasks.start("scheduler", self._keep_schedule())

    def stop(self) -> None:
        """Ends the schedule; heartbeat and copy watch go on until they are cancelled."""
        self._scheduler.shutdown.set()

    async def _beat_on(self) -> None:
        """Renews the leases of all that is held, until it is recorded, and says that we live."""
        while True:
            try:
                await self._beat()
            except postgres.PostgresError as error:
                log.warning(
                    "heartbeat.missed", error=type(error).__name__, reason=postgres.reason(error)
                )
            await asyncio.sleep(self._pause_s)

    async def _watch_for_copy(self) -> None:
        """Looks whether the database is a copy; the heartbeat must not wait for that."""
        while True:
            try:
                await self._copy_watch.look()
            except postgres.PostgresError as error:
                log.warning(
                    "copy_watch.missed", error=type(error).__name__, reason=postgres.reason(error)
                )
            await asyncio.sleep(self._pause_s)

    async def _renew_after(self, heartbeat: asyncio.Task[None]) -> None:
        """Renews leases in the place of a heartbeat that died, whatever fails.

        Its worker drains: what is on the wire stays its own until it is recorded.
        """
        await asyncio.wait({heartbeat})
        while True:
            try:
                await self._renew()
            except Exception as error:
                log.exception("renewal.failed", error=type(error).__name__)
            await asyncio.sleep(self._pause_s)

    async def _renew(self) -> None:
        held = dict(self._flight.held)
        if held:
            await postgres.renew(self._pool, self._worker, held, self._terms.lease)
            # failpoint renewed

    async def _beat(self) -> None:
        await self._renew()
        asked = time.time()
        told = await postgres.heartbeat(
            self._pool, self._worker, socket.gethostname(), os.getpid(), self._flight.sending
        )
        self.offset_s = told.timestamp() - (asked + time.time()) / 2

    async def _keep_schedule(self) -> None:
        """Heals and retains on pgqueuer's schedule, taken up again when Postgres comes back."""
        while not self._queries.shutdown.is_set():
            try:
                await self._scheduler.run()
            except postgres.PostgresError as error:
                log.warning(
                    "schedule.waiting", error=type(error).__name__, reason=postgres.reason(error)
                )
                await asyncio.sleep(_RESTART_S)

    async def leave(self) -> None:
        """Strikes the worker off the list."""
        try:
            await postgres.deregister(self._pool, self._worker)
        except postgres.PostgresError:
            log.warning("worker.left_unseen", worker=str(self._worker))

    async def _heal(self, _schedule: models.Schedule) -> None:
        # Each call makes up for 10,000 of each source at most, and looks at a slice.
        while True:
            healed = await postgres.heal(self._pool)
            if healed:
                log.warning("capture.healed", completions=healed)
            elif not await postgres.is_healing(self._pool):
                return
            await asyncio.sleep(_SLICE_PAUSE_S)

    async def _judge(self, _schedule: models.Schedule) -> None:
        told = await postgres.warn_or_disable(self._pool)
        if told:
            log.info("webhooks.judged", events=told)

    async def _retain(self, _schedule: models.Schedule) -> None:
        await self.retention.run(self._queries.shutdown)
