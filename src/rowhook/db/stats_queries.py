"""Statistics for the API and the dashboard, and the figures of `/metrics`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from rowhook.db.list_queries import DeliveryFilter
from rowhook.db.statements import ConnectionSource, documents, value


async def stats(pool: ConnectionSource, organization: UUID | None, span: timedelta) -> str:
    """Returns the outcome of the deliveries created in the last `span`."""
    result: str = await value(pool, "select rowhook.stats(%s, %s)::text", organization, span)
    return result


async def series(
    pool: ConnectionSource,
    organization: UUID | None,
    webhook: UUID | None,
    span: timedelta,
    points: int,
) -> str:
    """Returns the attempts of each of about `points` steps of the last `span`."""
    result: str = await value(
        pool,
        "select rowhook.attempt_series(%s, %s, %s, %s)::text",
        organization,
        webhook,
        span,
        points,
    )
    return result


async def count_by_status(pool: ConnectionSource, filters: DeliveryFilter, limit: int) -> str:
    """Counts deliveries by status, at most `limit` of each."""
    result: str = await value(
        pool,
        "select rowhook.count_by_status(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)::text",
        filters.organization,
        filters.webhook,
        list(filters.statuses),
        filters.since,
        filters.until,
        filters.job,
        filters.commit,
        filters.event_type,
        filters.status_code,
        limit,
    )
    return result


async def watermark(pool: ConnectionSource) -> str:
    """Returns the newest token and the time, before deliveries are resent or released."""
    result: str = await value(pool, "select rowhook.watermark()::text")
    return result


async def replay_remaining(
    pool: ConnectionSource,
    webhook: UUID,
    *,
    since: datetime | None,
    until: datetime,
    mark: int,
    held_mark: int,
    limit: int,
) -> str:
    """Counts deliveries of a range that wait and were written after the watermark.

    Examines at most `limit` deliveries.
    """
    result: str = await value(
        pool,
        "select rowhook.replay_remaining(%s, %s, %s, %s, %s, %s)::text",
        webhook,
        since,
        until,
        mark,
        held_mark,
        limit,
    )
    return result


async def failures(
    pool: ConnectionSource,
    *,
    organization: UUID | None,
    webhook: UUID | None,
    since: datetime,
    groups: int,
    limit: int,
) -> str:
    """Groups failed deliveries by webhook and error, from at most `limit` rows of each range."""
    result: str = await value(
        pool,
        "select rowhook.failures(%s, %s, %s, %s, %s)::text",
        organization,
        webhook,
        since,
        groups,
        limit,
    )
    return result


async def worst_webhooks(
    pool: ConnectionSource,
    organization: UUID | None,
    statuses: Sequence[str],
    span: timedelta,
    worst: int,
    limit: int,
) -> list[str]:
    """Returns the webhooks with the most failing deliveries, worst first."""
    return await documents(
        pool,
        "select document::text from rowhook.worst_webhooks(%s, %s, %s, %s, %s) as document",
        organization,
        list(statuses),
        span,
        worst,
        limit,
    )


async def health_of(pool: ConnectionSource, webhooks: Sequence[UUID]) -> list[str]:
    """Returns the health of these webhooks in this order, without unknown ones."""
    return await documents(
        pool, "select document::text from rowhook.health_of(%s) as document", list(webhooks)
    )


async def sending_state(pool: ConnectionSource, webhook: UUID) -> str | None:
    """Returns state and circuit of a webhook; None if not found."""
    result = await documents(
        pool, "select document::text from rowhook.sending_state(%s) as document", webhook
    )
    return result[0] if result else None


async def last_failed_delivery(pool: ConnectionSource, webhook: UUID) -> int | None:
    """Returns the delivery with the latest failed attempt of a webhook; None if there is none."""
    result: int | None = await value(pool, "select rowhook.last_failed_delivery(%s)", webhook)
    return result


class DueDeliveries(msgspec.Struct, frozen=True, kw_only=True):
    """Due deliveries that are not claimed yet, and for how long the oldest has been due."""

    due: int = 0
    oldest_due_s: float = 0.0


class QueueMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """Unfinished deliveries; those that are due by kind of output, and by rank of organization.

    Kinds and ranks without any are missing. A rank is a number from 1, or `other`.
    """

    pending: int = 0
    sending: int = 0
    held: int = 0
    kinds: dict[str, DueDeliveries] = {}
    organizations: dict[str, DueDeliveries] = {}


class RetentionMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """The retention of a kind of rows. `keep_s` None: forever. `removed`: rows, in the last run."""

    kind: str
    keep_s: float | None = None
    age_s: float | None = None
    finished_s: float | None = None
    removed: int = 0


class UpkeepMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """Workers, webhooks by state, circuits, capture, retention and delays of vacuum."""

    workers: int = 0
    is_suspended: bool = False
    webhooks: dict[str, int] = {}
    circuits_open: int = 0
    circuits_half_open: int = 0
    longest_open_s: float = 0.0
    capture_errors: int = 0
    capture_errors_open: int = 0
    capture_gaps: int = 0
    partitions_ahead: int = 0
    oldest_xmin_age: int = 0
    oldest_transaction_s: float = 0.0
    postgres_version: str = ""
    retention: tuple[RetentionMetrics, ...] = ()


async def queue_metrics(pool: ConnectionSource) -> QueueMetrics:
    """Returns the backlog. Takes about a second for each million of due deliveries."""
    text = await value(pool, "select rowhook.queue_metrics()::text")
    return msgspec.json.decode(text, type=QueueMetrics)


async def upkeep_metrics(pool: ConnectionSource) -> UpkeepMetrics:
    """Returns the other figures. Searches the newest 10,000 rows of each source for gaps."""
    text = await value(pool, "select rowhook.upkeep_metrics()::text")
    return msgspec.json.decode(text, type=UpkeepMetrics)
