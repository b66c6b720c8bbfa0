"""The line: claim → compose → send → record, on pgqueuer's queue manager.

It holds no transaction while HTTP is in flight, and what it claims it records or gives back.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID, uuid4

import msgspec
import structlog
from pgqueuer.core.qm import QueueManager

from rowhook import postgres
from rowhook.compose import session_of
from rowhook.composing import Composer
from rowhook.delivery import Claim, Outcome, Request, Verdict
from rowhook.outbox import ENTRYPOINT, Flight, OutboxQueries, PoolDriver, Recorder, Result
from rowhook.placing import CallbackPlacing
from rowhook.send import send
from rowhook.supervisor import Supervisor
from rowhook.upkeep import Terms, Upkeep

if TYPE_CHECKING:
    import httpx
    from pgqueuer.domain import models

    from rowhook.compiled import CompiledWebhooks
    from rowhook.compose import Webhook
    from rowhook.egress import Egress

T = TypeVar("T")
log = structlog.get_logger()
_BATCH = 128
_BACKOFF_S = 0.25


class _End(Enum):
    """How a try ended that has no outcome: it was given back, or waits for a page."""

    NOT_BEGUN = auto()
    STAGED = auto()


class Worker:
    """One process's worker: what it holds, and the way of one delivery."""

    def __init__(
        self,
        pool: postgres.Pool,
        webhooks: CompiledWebhooks,
        transport: httpx.AsyncBaseTransport,
        policy: Egress,
        terms: Terms,
    ) -> None:
        self.id: UUID = uuid4()
        self.flight = Flight(terms.concurrency, terms.connections)
        self.driver = PoolDriver(pool, terms.listen_dsn)
        self.queries = OutboxQueries(self.driver, self.flight, self.id, terms.lease)
        self.recorder = Recorder(pool, self._settled, self.flight.drop)
        self.large = asyncio.Semaphore(4)
        self.large_sent = asyncio.Semaphore(64)
        self._stopping = asyncio.Event()
        self._tasks = Supervisor(self._stopping)
        self._pool = pool
        self._webhooks = webhooks
        self._transport = transport
        self._composer = Composer(policy, lambda: self._upkeep.offset_s)
        self._terms = terms
        self._manager = QueueManager(self.queries)
        self._manager.min_dequeue_poll_interval = timedelta(milliseconds=1)
        self._manager.entrypoint(ENTRYPOINT)(self._deliver_share)
        self._upkeep = Upkeep(pool, self.id, self.flight, self.queries, terms)
        self._placing = CallbackPlacing(pool)

    def stop(self) -> None:
        """Claims stop at once; what is on the wire ends; what had not begun is given back."""
        self._stopping.set()
        self._tasks.expect_end("queue", "scheduler")
        self.queries.stop()
        self._manager.shutdown.set()
        self._upkeep.stop()

    async def run(self) -> int:
        """Works until `stop`, or until one of its tasks ends before; the exit code."""
        try:
            recorder = self._tasks.start("recorder", self.recorder.run())
            scheduler = self._upkeep.start(self._tasks)
            self._tasks.start("callback placing", self._placing.run())
            if self.driver.listener is not None:
                self._tasks.start("listener", self.driver.listener.run())
            queue = self._tasks.start("queue", self._claim_on())
            _tune_collector()
            log.info("worker.started", worker=str(self.id), concurrency=self.flight.slots)
            await self._stopping.wait()
            self.stop()
            await asyncio.wait({queue})
            await self._tasks.wait_for_spawned()
            await asyncio.wait({scheduler}, timeout=5)
            self._tasks.expect_end("recorder")
            await self.recorder.close(recorder)
            await self._give_back_the_rest()
        finally:
            await self._tasks.end()
        await self._upkeep.leave()
        log.info("worker.stopped", worker=str(self.id), unrecorded=self.recorder.lost)
        return 1 if self.recorder.lost else self._tasks.exit_code

    def _claim_on(self) -> Coroutine[Any, Any, None]:
        return self._manager.run(
            dequeue_timeout=timedelta(milliseconds=250),
            batch_size=_BATCH,
            heartbeat_timeout=self._terms.lease,
            log_aggregation_interval=timedelta(0),
        )

    async def _deliver_share(self, job: models.Job) -> None:
        """Starts a task for each delivery: pgqueuer tells nobody of the errors of its own."""
        share = self.queries.shares.pop(job.id)
        # failpoint dispatched
        for claim in share:
            self._tasks.spawn("delivery", self._deliver(claim))

    async def _deliver(self, claim: Claim) -> None:
        started_at = datetime.now(UTC)
        try:
            outcome = await self._outcome(claim)
            # failpoint answered
        except Exception as error:
            # The outer edge: a bug of ours ends visibly, as a held row.
            log.exception("delivery.failed_inside", delivery=claim.outbox_id)
            said = f"Rowhook itself failed here ({type(error).__name__}): see the worker's log"
            outcome = Outcome(verdict=Verdict.RENDER_FAILED, error=said)
        finally:
            self.flight.land(claim.token)
            # failpoint landed
        if outcome is _End.NOT_BEGUN:
            await self._give_back(claim)
        elif outcome is _End.STAGED:
            self.flight.drop(claim.token)
        else:
            stores = self._upkeep.retention.stores_exchange(outcome.verdict)
            result = Result.of(claim, outcome, started_at, stores_exchange=stores)
            self.recorder.add(result, outcome.framed if stores else None, last=self.flight.quiet)

    async def _outcome(self, claim: Claim) -> Outcome | _End:
        """How this try ended."""
        key = (claim.webhook_id, claim.revision, claim.secrets_version)
        webhook = self._webhooks.kept(*key) or await self._reached(lambda: self._webhooks.get(*key))
        # failpoint compiled
        if webhook is None:
            return _End.NOT_BEGUN
        if isinstance(webhook, Outcome):
            return webhook
        if claim.large:
            # A receiver that hangs keeps no other's large event from being made.
            async with self.large_sent:
                async with self.large:
                    made = await self._compose_large(webhook, claim)
                return await self._sent(webhook, claim, made)
        return await self._sent(webhook, claim, await self._composer.compose(webhook, claim.event))

    async def _compose_large(self, webhook: Webhook, claim: Claim) -> Request | Outcome | None:
        body = await self._reached(lambda: postgres.event_body(self._pool, claim.event.id))
        if body is None:
            return None
        event = msgspec.structs.replace(claim.event, data=body[0], context=body[1])
        return await self._composer.compose(webhook, event)

    async def _sent(
        self, webhook: Webhook, claim: Claim, made: Request | Outcome | None
    ) -> Outcome | _End:
        if isinstance(made, Outcome):
            return made
        if made is None or self.queries.shutdown.is_set():
            return _End.NOT_BEGUN
        # failpoint composed
        self.flight.begin(claim.token)
        if webhook.url is None:
            return await self._staged(claim, made)
        return await send(self._transport, made, redact=webhook.redact)

    async def _staged(self, claim: Claim, made: Request) -> Outcome | _End:
        """Kept for the pages of the commit's session, who ask for it themselves."""
        session = session_of(claim.event)
        if session is None:
            said = "it is of no session, and only a session's pages are told of it"
            return Outcome(verdict=Verdict.SKIPPED, error=said)
        body = (made.body or b"null").decode()
        try:
            await postgres.stage(self._pool, claim, session, body, self._terms.callback_ttl)
        except postgres.PostgresError as error:
            log.warning("callback.not_staged", delivery=claim.outbox_id, error=type(error).__name__)
            return _End.NOT_BEGUN
        self._placing.wake()
        return _End.STAGED

    async def _reached(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """The answer, however long Postgres is away; None once the worker is stopped."""
        while not self.queries.shutdown.is_set():
            try:
                return await ask()
            except postgres.Unreachable:
                await asyncio.sleep(_BACKOFF_S)
        return None

    async def _give_back(self, claim: Claim) -> None:
        try:
            await postgres.release(self._pool, {claim.token: claim.outbox_id})
        except postgres.PostgresError:
            log.warning("delivery.not_given_back", delivery=claim.outbox_id)
        self.flight.drop(claim.token)

    async def _give_back_the_rest(self) -> None:
        """What a task left behind that ended before its time."""
        rest = self.flight.not_begun
        if not rest:
            return
        try:
            await postgres.release(self._pool, rest)
        except postgres.PostgresError as error:
            log.warning("deliveries.not_given_back", count=len(rest), error=type(error).__name__)

    def _settled(self, result: Result, counted: bool) -> None:  # noqa: FBT001  # the recorder's callback
        self.flight.drop(result.token)
        if self.queries.asleep:
            # A retry may be due before the present nap ends, or its lane was full until now.
            self.driver.wake()
        if not counted:
            log.warning("result.came_late", delivery=result.outbox_id)
        elif result.outcome == Verdict.DELIVERED:
            log.debug("delivery.recorded", delivery=result.outbox_id, outcome=result.outcome)
        else:
            log.info(
                "delivery.recorded",
                delivery=result.outbox_id,
                outcome=result.outcome,
                status=result.status_code,
            )


def _tune_collector() -> None:
    """15–20 % of throughput in the prototype: what start-up made is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
