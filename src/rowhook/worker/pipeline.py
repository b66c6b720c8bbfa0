"""The delivery pipeline: claim → render → send → record, driven by pgqueuer's queue manager.

No transaction is open while a request is sent. Every claim is either recorded or released.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID, uuid4

import msgspec
import structlog
from pgqueuer.core.qm import QueueManager

from rowhook.db import engine
from rowhook.db.connection_pool import Pool
from rowhook.db.statements import PostgresError, Unreachable
from rowhook.model import Claim, DeliveryStatus, Event, Outcome, Request, Verdict
from rowhook.render.renderer import Renderer
from rowhook.supervisor import Supervisor
from rowhook.transports.registry import NoOutcome, Resources, create_transports
from rowhook.worker import failpoints
from rowhook.worker.in_flight import InFlight
from rowhook.worker.maintenance import Maintenance, WorkerOptions
from rowhook.worker.queue import OutboxQueries, PoolDriver
from rowhook.worker.recorder import Recorder, Result
from rowhook.worker.tally import Tally

if TYPE_CHECKING:
    import httpx
    from pgqueuer.domain import models

    from rowhook.egress.policy import EgressPolicy
    from rowhook.render.webhook_compiler import Webhook
    from rowhook.services.webhook_cache import WebhookCache
    from rowhook.worker.traces import Traces

T = TypeVar("T")
log = structlog.get_logger()
_BATCH = 128
_BACKOFF_S = 0.25
_STALLED_S = 120.0


class _DeliveryManager(QueueManager):
    """pgqueuer's queue manager without its buffers for results and heartbeats.

    The worker records and renews by itself, and the buffers would wake it up ten times a second.
    """

    async def pass_jobs(self, start: Callable[[models.Job], None], lease: timedelta) -> None:
        """Passes each job to `start` until `shutdown`."""
        await self.verify_structure()
        async with self.queries.driver:
            async for job in self.fetch_jobs(_BATCH, None, lease):
                start(job)


class Worker:
    """The worker of one process."""

    def __init__(
        self,
        pool: Pool,
        webhooks: WebhookCache,
        transport: httpx.AsyncBaseTransport,
        policy: EgressPolicy,
        options: WorkerOptions,
        traces: Traces | None = None,
    ) -> None:
        self.id: UUID = uuid4()
        self._traces = traces
        self.tally = Tally()
        self.in_flight = InFlight(options.concurrency, options.connections)
        self.driver = PoolDriver(pool, options.listen_dsn)
        self.queries = OutboxQueries(
            self.driver, self.in_flight, self.id, options.lease, self.tally
        )
        self.recorder = Recorder(pool, self._on_recorded, self._on_given_up)
        self.large_rendering = asyncio.Semaphore(4)
        self.large_in_flight = asyncio.Semaphore(64)
        self._stopping = asyncio.Event()
        self._tasks = Supervisor(self._stopping)
        self._pool = pool
        self._webhooks = webhooks
        self._options = options
        self._manager = _DeliveryManager(self.queries)
        self._maintenance = Maintenance(
            pool, self.id, self.in_flight, self.queries, self.tally, options
        )
        self._renderer = Renderer(policy, self._maintenance.database_time, inline=True)
        self._transports = create_transports(
            Resources(pool=pool, http=transport, callback_ttl=options.callback_ttl)
        )

    def stop(self) -> None:
        """Stops claiming; requests that were started end, and the other claims are released."""
        self._stopping.set()
        self._tasks.expect_end("queue", "scheduler")
        self.queries.stop()
        self._manager.shutdown.set()
        self._maintenance.stop()

    def fault(self) -> str | None:
        """Returns the fault if queue or heartbeat made no progress for two minutes, else None.

        Neither waits that long for PostgreSQL or a receiver.
        """
        turned_at = {"heartbeat": self.tally.heartbeat_turned_at}
        if not self.is_stopping:
            turned_at["queue"] = self.tally.queue_turned_at
        for name, last in turned_at.items():
            if (silent_s := monotonic() - last) > _STALLED_S:
                return f"The {name} of the worker has been silent for {silent_s:.0f} s."
        return None

    @property
    def is_stopping(self) -> bool:
        """Whether the worker claims no more."""
        return self.queries.shutdown.is_set()

    @property
    def retention_failures(self) -> int:
        """How many runs of the retention failed in this worker."""
        return self._maintenance.retention.failures

    async def run(self) -> int:
        """Runs until `stop`, or until one of the tasks ends unexpectedly; returns the exit code."""
        try:
            recorder = self._tasks.start("recorder", self.recorder.run())
            scheduler = self._maintenance.start(self._tasks)
            for kind, transport in self._transports.items():
                if (work := transport.background_work()) is not None:
                    self._tasks.start(f"transport {kind}", work)
            if self.driver.listener is not None:
                self._tasks.start("listener", self.driver.listener.run())
            run_queue = self._manager.pass_jobs(self._start_batch, self._options.lease)
            queue = self._tasks.start("queue", run_queue)
            _tune_garbage_collector()
            log.info("worker.started", worker=str(self.id), concurrency=self.in_flight.slots)
            await self._stopping.wait()
            self.stop()
            await asyncio.wait({queue})
            await self._tasks.wait_for_spawned()
            await asyncio.wait({scheduler}, timeout=5)
            self._tasks.expect_end("recorder")
            await self.recorder.close(recorder)
            await self._release_remaining()
        finally:
            await self._tasks.end()
        await self._maintenance.unregister()
        log.info("worker.stopped", worker=str(self.id), unrecorded=self.recorder.lost)
        return 1 if self.recorder.lost else self._tasks.exit_code

    def _start_batch(self, job: models.Job) -> None:
        """Starts a supervised task for each delivery; pgqueuer does not report task errors."""
        batch = self.queries.lane_batches.pop(job.id)
        self.tally.add_claimed(batch, self._maintenance.database_time())
        failpoints.reach("dispatched")
        for claim in batch:
            self._tasks.spawn("delivery", self._deliver(claim))

    async def _deliver(self, claim: Claim) -> None:
        started_at, started_s = datetime.now(UTC), perf_counter()
        request = None
        try:
            outcome, request = await self._attempt(claim)
            failpoints.reach("answered")
        except Exception as error:
            # Outer edge: a bug becomes a held delivery, which operators can see.
            log.exception("delivery.crashed", delivery=claim.outbox_id)
            message = (
                f"Internal error ({type(error).__name__}). Details are in the log of the worker."
            )
            outcome = Outcome(verdict=Verdict.RENDER_FAILED, error=message)
        finally:
            self.in_flight.release_slot(claim.token)
            failpoints.reach("slot_released")
        if self._traces is not None:
            self._traces.answer(claim.token, outcome)
        if outcome is NoOutcome.NOT_STARTED:
            await self._release(claim)
        elif outcome is NoOutcome.STAGED:
            self.tally.staged += 1
            self.in_flight.remove(claim.token)
        else:
            self.tally.finish(claim.token, started_s, outcome.duration_ms / 1000)
            stores = self._maintenance.retention.stores_exchange(outcome.verdict)
            self.recorder.add(
                Result.of(claim, outcome, started_at, request, stores_exchange=stores),
                request.framed_request if stores and request is not None else None,
                last=self.in_flight.is_quiet,
            )

    async def _attempt(self, claim: Claim) -> tuple[Outcome | NoOutcome, Request | None]:
        """Returns the outcome of this attempt and the request that was sent, if any."""
        key = (claim.webhook_id, claim.revision, claim.secrets_version)
        webhook = self._webhooks.peek(*key) or await self._retry_until_reachable(
            lambda: self._webhooks.get(*key)
        )
        failpoints.reach("compiled")
        if webhook is None:
            return NoOutcome.NOT_STARTED, None
        if isinstance(webhook, Outcome):
            return webhook, None
        if claim.large:
            # Two limits, so that an unresponsive receiver does not block rendering for others.
            async with self.large_in_flight:
                async with self.large_rendering:
                    rendered = await self._render_large(webhook, claim)
                return await self._send(webhook, claim, rendered)
        return await self._send(webhook, claim, await self._render(webhook, claim, claim.event))

    async def _render(self, webhook: Webhook, claim: Claim, event: Event) -> Request | Outcome:
        if self._traces is None:
            return await self._renderer.render(webhook, event)
        with self._traces.rendering(claim, event, self.tally.claimed_between) as traceparent:
            return await self._renderer.render(webhook, event, traceparent=traceparent)

    async def _render_large(self, webhook: Webhook, claim: Claim) -> Request | Outcome | None:
        body = await self._retry_until_reachable(
            lambda: engine.event_body(self._pool, claim.event.id)
        )
        if body is None:
            return None
        event = msgspec.structs.replace(claim.event, data=body[0], context=body[1])
        return await self._render(webhook, claim, event)

    async def _send(
        self, webhook: Webhook, claim: Claim, rendered: Request | Outcome | None
    ) -> tuple[Outcome | NoOutcome, Request | None]:
        if isinstance(rendered, Outcome):
            return rendered, None
        if rendered is None or self.queries.shutdown.is_set():
            return NoOutcome.NOT_STARTED, None
        failpoints.reach("rendered")
        self.in_flight.mark_started(claim.token)
        transport = self._transports[webhook.kind]
        if self._traces is None:
            return await transport.deliver(claim, rendered, webhook.redact), rendered
        with self._traces.sending(claim.token):
            return await transport.deliver(claim, rendered, webhook.redact), rendered

    async def _retry_until_reachable(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """Retries until PostgreSQL is reachable; returns None when the worker is stopping."""
        while not self.queries.shutdown.is_set():
            try:
                return await call()
            except Unreachable:
                await asyncio.sleep(_BACKOFF_S)
        return None

    async def _release(self, claim: Claim) -> None:
        self.tally.released += 1
        try:
            await engine.release(self._pool, {claim.token: claim.outbox_id})
        except PostgresError:
            log.warning("delivery.release_failed", delivery=claim.outbox_id)
        self.in_flight.remove(claim.token)

    async def _release_remaining(self) -> None:
        """Releases the claims of tasks that ended early."""
        unsent = self.in_flight.not_started
        if not unsent:
            return
        self.tally.released += len(unsent)
        try:
            await engine.release(self._pool, unsent)
        except PostgresError as error:
            log.warning("deliveries.release_failed", count=len(unsent), error=type(error).__name__)

    def _on_given_up(self, token: int) -> None:
        self.in_flight.remove(token)
        self.tally.forget(token)
        if self._traces is not None:
            self._traces.end(token)

    def _on_recorded(self, result: Result, status: DeliveryStatus | None) -> None:
        self.tally.record(result, status)
        if self._traces is not None:
            self._traces.record(result.token, status)
        self.in_flight.remove(result.token)
        if self.queries.awaits_result:
            # A retry may be due before the sleep ends, or the lane was at its limit until now.
            self.driver.wake()
        if status is None:
            log.warning("result.arrived_late", delivery=result.outbox_id)
        elif result.outcome == Verdict.DELIVERED:
            log.debug("delivery.recorded", delivery=result.outbox_id, outcome=result.outcome)
        else:
            log.info(
                "delivery.recorded",
                delivery=result.outbox_id,
                outcome=result.outcome,
                status=result.status_code,
            )


def _tune_garbage_collector() -> None:
    """Excludes start-up objects from collection and collects rarely (15–20 % of throughput)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
