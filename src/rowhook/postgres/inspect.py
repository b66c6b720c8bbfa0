"""What people look at: status, health, workers, the doctor's findings."""

from __future__ import annotations

from typing import Any, NamedTuple

from rowhook.postgres.connection import ConnectionSource, records, rows


class Gauges(NamedTuple):
    """What is not finished, what is due and for how long, who works."""

    pending: int
    sending: int
    held: int
    due: int
    oldest_due_s: float
    workers: int
    capture_errors: int
    circuits_open: int


async def gauges(pool: ConnectionSource) -> Gauges:
    """Cheap however many finished deliveries are kept."""
    return Gauges(*(await rows(pool, "select * from rowhook.gauges()"))[0])


async def status(pool: ConnectionSource) -> list[dict[str, Any]]:
    """One row a status: how many, up to 100,000, the oldest, the next due."""
    return await records(pool, "select * from rowhook.delivery_counts()")


async def webhook_health(pool: ConnectionSource) -> list[dict[str, Any]]:
    """One row a webhook."""
    return await records(pool, "select * from rowhook.webhook_health order by name")


async def workers(pool: ConnectionSource) -> list[dict[str, Any]]:
    """One row a worker process."""
    return await records(pool, "select * from rowhook.workers()")


async def diagnosis(pool: ConnectionSource) -> list[dict[str, Any]]:
    """One row a subject: healthy or not, what was found, what to do."""
    return await records(pool, "select * from rowhook.diagnosis()")


async def deliveries(pool: ConnectionSource) -> list[dict[str, Any]]:
    """The newest 200 deliveries, oldest first."""
    return await records(
        pool,
        "select * from (select * from rowhook.api_delivery order by id desc limit 200) as newest"
        " order by id",
    )
