"""Statistics: counts by time, status, webhook and error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Struct, field

from rowhook.db import stats_queries
from rowhook.db.list_queries import DeliveryFilter
from rowhook.model import DeliveryStatus, Verdict
from rowhook.render.configuration import Fault
from rowhook.services import paging
from rowhook.services.context import NotFound, Rejected, ServiceContext
from rowhook.services.deliveries import MAX_COUNTED, Attempt, delivery_of
from rowhook.services.webhook_documents import State

HealthWord = Literal["healthy", "degraded", "failing", "circuit_open", "paused", "disabled"]


class AttemptCounts(Struct, frozen=True, kw_only=True):
    """Counts of attempts by the class of their result.

    `2xx`: accepted, also by an output that has no status code. `timeout`: no complete response in
    time. `held`: nothing was sent, because the body could not be rendered or does not match the
    schema. `refused`: everything else, that is DNS, connection, TLS, a forbidden target, or a
    response that is not valid HTTP or ended early.
    """

    accepted: int = field(name="2xx")
    status_3xx: int = field(name="3xx")
    status_4xx: int = field(name="4xx")
    status_5xx: int = field(name="5xx")
    timeout: int
    refused: int
    held: int

    @property
    def total(self) -> int:
        """The number of attempts of all classes."""
        return sum(msgspec.structs.astuple(self))


class Stats(Struct, frozen=True, kw_only=True):
    """Statistics of a window that began at `since`. Times are in milliseconds.

    `attempts`, `attempts_by_class` and `success_rate`, the share of 2xx, are of the attempts that
    ended in the window. `delivered` and `dead` count deliveries that became so in the window, and
    count one that was sent again once more; the other statuses count those created in it.
    `deliveries` is the sum of the statuses. `p50_ms` and `p95_ms` are of the newest 10,000
    delivered that were created in it, the same number for each webhook, from creation to the
    recorded delivery.

    These fields include older deliveries: `oldest_waiting_at` is the creation time of the oldest
    pending or sending delivery, `delivered_per_s` the rate of the last ten seconds, and `stuck` the
    number of deliveries that have been sending for longer than three leases.
    """

    since: datetime
    deliveries: int
    attempts: int
    attempts_by_class: AttemptCounts
    pending: int
    sending: int
    held: int
    delivered: int
    dead: int
    cancelled: int
    skipped: int
    success_rate: float | None
    p50_ms: float | None
    p95_ms: float | None
    delivered_per_s: float
    oldest_waiting_at: datetime | None
    stuck: int


class SeriesPoint(Struct, frozen=True, kw_only=True):
    """Attempts that ended in a step that starts at `at`, and deliveries that became dead in it."""

    at: datetime
    attempts: int
    attempts_by_class: AttemptCounts
    dead: int


class Series(Struct, frozen=True, kw_only=True):
    """Attempts in equal steps of `step_s` seconds, oldest first. The last step has not ended."""

    since: datetime
    step_s: float
    points: list[SeriesPoint]


class DeliveryCounts(Struct, frozen=True, kw_only=True):
    """Counts of deliveries. If `capped`, there may be more."""

    total: int
    by_status: dict[DeliveryStatus, int]
    capped: bool


class Hour(Struct, frozen=True, kw_only=True):
    """Attempts of one hour: those that were accepted, those that failed, and dead deliveries."""

    delivered: int
    failed: int
    dead: int


class WebhookStatus(Struct, frozen=True, kw_only=True):
    """The state and the circuit of a webhook."""

    state: State
    disabled_reason: str | None
    circuit: Literal["closed", "open", "half_open"]
    failing_since: datetime | None
    next_probe_at: datetime | None


class Health(WebhookStatus, frozen=True, kw_only=True):
    """The health of a webhook: its backlog, and the attempts of the last 24 hours.

    The 24 hours are the current quarter of an hour and the 95 before it; `series` contains them by
    hour, oldest first. `success_rate_24h` is the share of the attempts that ended in a 2xx,
    `delivered_24h` their number; `finished_24h` adds the deliveries that became dead. `p50_ms` and
    `p95_ms` are of the newest 500 delivered, from creation to the recorded delivery.
    """

    webhook_id: UUID
    organization_id: str
    name: str
    health: HealthWord
    backlog: int
    oldest_age_s: float | None
    held: int
    finished_24h: int
    delivered_24h: int
    attempts_24h: int
    success_rate_24h: float | None
    p50_ms: float | None
    p95_ms: float | None
    last_error: str | None
    series: list[Hour]


class FailingWebhook(Struct, frozen=True, kw_only=True):
    """A webhook that fails, or that has held, dead or retrying deliveries.

    `failing_since` is the time since which no attempt was accepted, `next_probe_at` the time of the
    next attempt while the circuit is open. `backlog` counts pending and sending deliveries.
    """

    webhook_id: UUID
    name: str
    state: State
    health: HealthWord
    failing_since: datetime | None
    next_probe_at: datetime | None
    backlog: int
    held: int
    dead: int
    retrying: int
    last_error: str | None
    last_at: datetime | None


class Failure(Struct, frozen=True, kw_only=True):
    """Deliveries to one webhook with the same error. Times are times of creation.

    For a deleted webhook, `webhook_name` is its last name and `webhook_exists` is false.
    """

    webhook_id: UUID
    webhook_name: str | None
    webhook_exists: bool
    error: str | None
    status_code: int | None
    deliveries: int
    held: int
    dead: int
    retrying: int
    first_at: datetime
    last_at: datetime
    newest_delivery: int


class Failures(Struct, frozen=True, kw_only=True):
    """Failures of the deliveries created since `since`, latest first.

    If `capped`, there are more failures than are listed or counted.
    """

    since: datetime
    items: list[Failure]
    capped: bool


class HealthList(Struct, frozen=True):
    """The health of the requested webhooks in the same order, without unknown ones."""

    items: list[Health]


class FailingWebhooks(Struct, frozen=True):
    """Failing webhooks, worst first."""

    items: list[FailingWebhook]


MAX_POINTS = 288


async def stats(ctx: ServiceContext, organization: UUID | None, span: timedelta) -> Stats:
    """Returns statistics of the last `span`."""
    document = await stats_queries.stats(ctx.lists, organization, span)
    return msgspec.json.decode(document, type=Stats)


async def series(
    ctx: ServiceContext,
    *,
    organization: UUID | None = None,
    webhook: UUID | None = None,
    span: timedelta,
    points: int,
) -> Series:
    """Counts the attempts of the last `span` in equal steps.

    A step is a multiple of a minute, or of a quarter of an hour if `span` exceeds three hours.
    There are `points` (1 to 288) steps, one more, or fewer if they would be shorter.
    """
    if not 1 <= points <= MAX_POINTS:
        raise Rejected(Fault(pointer="/points", message=f"Use a number from 1 to {MAX_POINTS}."))
    rows = await stats_queries.series(ctx.lists, organization, webhook, span, points)
    return msgspec.json.decode(rows, type=Series)


async def count_deliveries(ctx: ServiceContext, filters: DeliveryFilter) -> DeliveryCounts:
    """Counts deliveries by status, up to 10,000 of each."""
    distinct = replace(filters, statuses=tuple(dict.fromkeys(filters.statuses)))
    if "\0" in (filters.commit or "") + (filters.event_type or ""):
        # PostgreSQL cannot store U+0000, so nothing matches.
        counts = {"total": 0, "by_status": dict.fromkeys(distinct.statuses, 0), "capped": False}
        return msgspec.convert(counts, DeliveryCounts)
    document = await stats_queries.count_by_status(ctx.lists, distinct, MAX_COUNTED)
    return msgspec.json.decode(document, type=DeliveryCounts)


async def list_failures(
    ctx: ServiceContext,
    *,
    organization: UUID | None = None,
    webhook: UUID | None = None,
    since: datetime,
    limit: int = 100,
) -> Failures:
    """Groups failures of deliveries created since a time by webhook, error and status code."""
    rows = await stats_queries.failures(
        ctx.lists,
        organization=organization,
        webhook=webhook,
        since=since,
        groups=limit,
        limit=MAX_COUNTED,
    )
    return msgspec.json.decode(rows, type=Failures)


async def worst_webhooks(
    ctx: ServiceContext,
    *,
    organization: UUID | None = None,
    span: timedelta,
    limit: int = 10,
    statuses: Sequence[DeliveryStatus] = ("dead", "held", "pending"),
) -> list[FailingWebhook]:
    """Lists webhooks that fail or have held, retrying or (in the last `span`) dead deliveries.

    Open circuits come first, then failing webhooks, then those with the most such deliveries. Up
    to 10,000 deliveries are counted for each webhook and status.
    """
    rows = await stats_queries.worst_webhooks(
        ctx.lists, organization, statuses, span, limit, MAX_COUNTED
    )
    return paging.read(rows, FailingWebhook)


async def health_of(ctx: ServiceContext, webhooks: Sequence[UUID]) -> list[Health]:
    """Returns the health of 1 to 200 webhooks, without those that do not exist."""
    if not 1 <= len(webhooks) <= paging.MOST:
        raise Rejected(Fault(pointer="/webhook_id", message=f"Use 1 to {paging.MOST} webhooks."))
    return paging.read(await stats_queries.health_of(ctx.lists, webhooks), Health)


async def webhook_status(ctx: ServiceContext, webhook: UUID) -> WebhookStatus | None:
    """Returns state and circuit of a webhook; None if it does not exist."""
    document = await stats_queries.sending_state(ctx.pool, webhook)
    return None if document is None else msgspec.json.decode(document, type=WebhookStatus)


class FailedAttempt(NamedTuple):
    """A failed attempt and its delivery."""

    delivery: int
    attempt: Attempt


async def last_failed_attempt(ctx: ServiceContext, webhook: UUID) -> FailedAttempt | None:
    """Returns the latest failed attempt of a webhook; None if it is not stored."""
    delivery = await stats_queries.last_failed_delivery(ctx.pool, webhook)
    if delivery is None:
        return None
    try:
        attempts = (await delivery_of(ctx, delivery)).tries
    except NotFound:
        return None
    failed = [attempt for attempt in attempts if attempt.outcome != Verdict.DELIVERED]
    return FailedAttempt(delivery, failed[-1]) if failed else None
