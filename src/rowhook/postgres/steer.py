"""The functions that steer deliveries: retry, cancel, replay."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from rowhook.postgres.connection import ConnectionSource, value


async def retry(pool: ConnectionSource, deliveries: list[int]) -> int:
    """Sends these again now; how many. What is being sent is left alone."""
    return int(await value(pool, "select rowhook.retry(%s)", deliveries))


async def cancel(pool: ConnectionSource, deliveries: list[int]) -> int:
    """Stops these where they wait or are being sent; how many."""
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
    """Sends again what was created in [since, until); how many. `rate` is a second."""
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
