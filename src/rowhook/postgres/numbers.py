"""The functions that count for a page: each one JSON document, or one a row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from rowhook.postgres.connection import ConnectionSource, documents, value
from rowhook.postgres.listing import DeliveryFilter


async def series(
    pool: ConnectionSource,
    organization: UUID | None,
    webhook: UUID | None,
    span: timedelta,
    points: int,
) -> str:
    """The deliveries created in each of `points` steps of the last `span`."""
    found: str = await value(
        pool, "select rowhook.series(%s, %s, %s, %s)::text", organization, webhook, span, points
    )
    return found


async def count_by_status(pool: ConnectionSource, wanted: DeliveryFilter, most: int) -> str:
    """How many deliveries of each status, of each at most `most`."""
    found: str = await value(
        pool,
        "select rowhook.count_by_status(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)::text",
        wanted.organization,
        wanted.webhook,
        list(wanted.statuses),
        wanted.since,
        wanted.until,
        wanted.job,
        wanted.commit,
        wanted.event_type,
        wanted.status_code,
        most,
    )
    return found


async def watermark(pool: ConnectionSource) -> str:
    """Now, before something is sent again or released: the newest token, and the time."""
    found: str = await value(pool, "select rowhook.watermark()::text")
    return found


async def replay_remaining(
    pool: ConnectionSource,
    webhook: UUID,
    *,
    since: datetime | None,
    until: datetime,
    mark: int,
    held_mark: int,
    most: int,
) -> str:
    """What of a range still waits and was written after the mark; at most `most` are looked at."""
    found: str = await value(
        pool,
        "select rowhook.replay_remaining(%s, %s, %s, %s, %s, %s)::text",
        webhook,
        since,
        until,
        mark,
        held_mark,
        most,
    )
    return found


async def failures(
    pool: ConnectionSource,
    *,
    organization: UUID | None,
    webhook: UUID | None,
    since: datetime,
    groups: int,
    most: int,
) -> str:
    """What failed since then, by webhook and error; at most `most` rows of a range are read."""
    found: str = await value(
        pool,
        "select rowhook.failures(%s, %s, %s, %s, %s)::text",
        organization,
        webhook,
        since,
        groups,
        most,
    )
    return found


async def worst_webhooks(
    pool: ConnectionSource,
    organization: UUID | None,
    statuses: Sequence[str],
    span: timedelta,
    worst: int,
    most: int,
) -> list[str]:
    """Webhooks with deliveries that fail, the worst first."""
    return await documents(
        pool,
        "select one::text from rowhook.worst_webhooks(%s, %s, %s, %s, %s) as one",
        organization,
        list(statuses),
        span,
        worst,
        most,
    )


async def health_of(pool: ConnectionSource, webhooks: Sequence[UUID]) -> list[str]:
    """The health of these webhooks, in this order; what does not exist is left out."""
    return await documents(
        pool, "select one::text from rowhook.health_of(%s) as one", list(webhooks)
    )


async def sending_state(pool: ConnectionSource, webhook: UUID) -> str | None:
    """What decides whether a webhook is called now; None if there is no such webhook."""
    found = await documents(pool, "select one::text from rowhook.sending_state(%s) as one", webhook)
    return found[0] if found else None
