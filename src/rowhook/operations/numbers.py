"""Statistics: counts by time, status, webhook and error.

Counts without a time window stop at a limit and are marked as capped, so that no query scans a
whole table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from rowhook import postgres
from rowhook.compose import Fault
from rowhook.operations import paging
from rowhook.operations.documents import (
    DeliveryCounts,
    FailingWebhook,
    Failures,
    Health,
    Remaining,
    Series,
    Stats,
    Status,
    Watermark,
    WebhookStatus,
)
from rowhook.operations.office import Rejected, ServiceContext

MAX_POINTS = 288
MAX_COUNTED = 10_000


async def stats(ctx: ServiceContext, organization: UUID | None, span: timedelta) -> Stats:
    """Returns statistics of the deliveries created in the last `span`."""
    found = await postgres.stats(ctx.pool, organization, span)
    return msgspec.json.decode(found, type=Stats)


async def series(
    ctx: ServiceContext,
    *,
    organization: UUID | None = None,
    webhook: UUID | None = None,
    span: timedelta,
    points: int,
) -> Series:
    """Counts the deliveries created in the last `span` in 1 to 288 equal steps."""
    if not 1 <= points <= MAX_POINTS:
        raise Rejected(Fault(pointer="/points", message=f"Use a number from 1 to {MAX_POINTS}."))
    found = await postgres.series(ctx.pool, organization, webhook, span, points)
    return msgspec.json.decode(found, type=Series)


async def count_deliveries(ctx: ServiceContext, filters: postgres.DeliveryFilter) -> DeliveryCounts:
    """Counts deliveries by status, up to 10,000 of each."""
    distinct = replace(filters, statuses=tuple(dict.fromkeys(filters.statuses)))
    if "\0" in (filters.commit or "") + (filters.event_type or ""):
        # PostgreSQL cannot store U+0000, so nothing matches.
        counts = {"total": 0, "by_status": dict.fromkeys(distinct.statuses, 0), "capped": False}
        return msgspec.convert(counts, DeliveryCounts)
    found = await postgres.count_by_status(ctx.pool, distinct, MAX_COUNTED)
    return msgspec.json.decode(found, type=DeliveryCounts)


async def watermark(ctx: ServiceContext) -> Watermark:
    """Returns a watermark that separates later retries and releases from earlier ones."""
    return msgspec.json.decode(await postgres.watermark(ctx.pool), type=Watermark)


async def replay_remaining(
    ctx: ServiceContext,
    webhook: UUID,
    watermark: Watermark,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    held_before: bool = False,
) -> Remaining:
    """Counts waiting deliveries in [since, until) that were retried or released after a watermark.

    This is an upper bound: deliveries that waited before and were attempted since are included.
    `held_before` includes those that were held at the watermark, which is the default of `until`.
    """
    found = await postgres.replay_remaining(
        ctx.pool,
        webhook,
        since=since,
        until=until or watermark.at,
        mark=watermark.token,
        held_mark=-1 if held_before else watermark.token,
        limit=MAX_COUNTED,
    )
    return msgspec.json.decode(found, type=Remaining)


async def list_failures(
    ctx: ServiceContext,
    *,
    organization: UUID | None = None,
    webhook: UUID | None = None,
    since: datetime,
    limit: int = 100,
) -> Failures:
    """Groups failures of deliveries created since a time by webhook, error and status code."""
    found = await postgres.failures(
        ctx.pool,
        organization=organization,
        webhook=webhook,
        since=since,
        groups=limit,
        limit=MAX_COUNTED,
    )
    return msgspec.json.decode(found, type=Failures)


async def worst_webhooks(
    ctx: ServiceContext,
    *,
    organization: UUID | None = None,
    span: timedelta,
    limit: int = 10,
    statuses: Sequence[Status] = ("dead", "held", "pending"),
) -> list[FailingWebhook]:
    """Lists webhooks with held, retrying or (in the last `span`) dead deliveries, worst first.

    Up to 10,000 deliveries are counted for each webhook and status.
    """
    found = await postgres.worst_webhooks(
        ctx.pool, organization, statuses, span, limit, MAX_COUNTED
    )
    return paging.read(found, FailingWebhook)


async def health_of(ctx: ServiceContext, webhooks: Sequence[UUID]) -> list[Health]:
    """Returns the health of 1 to 200 webhooks, without those that do not exist."""
    if not 1 <= len(webhooks) <= paging.MOST:
        raise Rejected(Fault(pointer="/webhook_id", message=f"Use 1 to {paging.MOST} webhooks."))
    return paging.read(await postgres.health_of(ctx.pool, webhooks), Health)


async def webhook_status(ctx: ServiceContext, webhook: UUID) -> WebhookStatus | None:
    """Returns state and circuit of a webhook; None if it does not exist."""
    found = await postgres.sending_state(ctx.pool, webhook)
    return None if found is None else msgspec.json.decode(found, type=WebhookStatus)
