"""Retry, cancel and replay of deliveries."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from rowhook.postgres.connection import ConnectionSource, value


async def retry(pool: ConnectionSource, deliveries: list[int]) -> int:
    """Sends these deliveries again now, unless they are being sent; returns how many."""
    return int(await value(pool, "select rowhook.retry(%s)", deliveries))


async def cancel(pool: ConnectionSource, deliveries: list[int]) -> int:
    """Cancels these deliveries if they wait or are being sent; returns how many."""
    return int(await value(pool, "select rowhook.cancel(%s)", deliveries))


async def replay(
    pool: ConnectionSource,
    webhook: UUID,
    since: datetime,
    until: datetime | None,
    statuses: list[str],
    *,
    dry_run: bool,
    rate: float | None,
) -> int:
    """Sends deliveries created in [since, until) again; returns how many.

    `rate` is in deliveries per second.
    """
    return int(
        await value(
            pool,
            "select rowhook.replay(%s, %s, coalesce(%s, now()), %s, %s, %s::numeric)",
            webhook,
            since,
            until,
            statuses,
            dry_run,
            rate,
        )
    )
