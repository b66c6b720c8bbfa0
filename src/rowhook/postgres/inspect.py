"""Status, health, workers, and the findings of rowhook doctor."""

from __future__ import annotations

from typing import Any, NamedTuple

from rowhook.postgres.connection import ConnectionSource, records, rows


class Gauges(NamedTuple):
    """Metrics: unfinished and due deliveries, workers, errors."""

    pending: int
    sending: int
    held: int
    due: int
    oldest_due_s: float
    workers: int
    capture_errors: int
    circuits_open: int


async def gauges(pool: ConnectionSource) -> Gauges:
    """Returns the metrics; cheap however many finished deliveries are stored."""
    return Gauges(*(await rows(pool, "select * from rowhook.gauges()"))[0])


async def status(pool: ConnectionSource) -> list[dict[str, Any]]:
    """Returns one row per status: count up to 100,000, oldest, next due."""
    return await records(pool, "select * from rowhook.delivery_counts()")


async def webhook_health(pool: ConnectionSource) -> list[dict[str, Any]]:
    """Returns one row per webhook, ordered by name."""
    return await records(pool, "select * from rowhook.webhook_health order by name")


async def workers(pool: ConnectionSource) -> list[dict[str, Any]]:
    """Returns one row per worker process."""
    return await records(pool, "select * from rowhook.workers()")


async def diagnosis(pool: ConnectionSource) -> list[dict[str, Any]]:
    """Returns one row per subject: healthy, finding, advice."""
    return await records(pool, "select * from rowhook.diagnosis()")


async def deliveries(pool: ConnectionSource) -> list[dict[str, Any]]:
    """Returns the newest 200 deliveries, oldest first."""
    return await records(
        pool,
        "select * from (select * from rowhook.api_delivery order by id desc limit 200) as newest"
        " order by id",
    )
