"""Retention ages, plans and runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

from rowhook.db import installation_queries
from rowhook.db import retention_queries as database
from rowhook.db.installation_queries import LockUnavailable
from rowhook.render.configuration import Fault
from rowhook.services.context import Conflict, Rejected, ServiceContext
from rowhook.services.installation import PausedDeliveries, RetentionAge, RetentionPlan

_BATCH = 5000
_LOCK_TIMEOUT_S = 60.0
_BY_DAY = frozenset({"attempts", "bodies", "failed_bodies"})


async def set_ages(ctx: ServiceContext, ages: Mapping[str, timedelta | None]) -> None:
    """Sets retention ages; None keeps rows forever. All or nothing. Raises Rejected."""
    try:
        await database.set_retention(ctx.pool, ages)
    except database.AgeRejected as error:
        raise Rejected(Fault(pointer="", message=str(error))) from error


async def retention_ages(ctx: ServiceContext) -> list[RetentionAge]:
    """Returns the retention age and the last run of each kind."""
    return [
        RetentionAge(
            kind=row.kind,
            concerns=row.concerns,
            keep_s=None if row.keep is None else row.keep.total_seconds(),
            oldest_at=row.oldest_at,
            last_run_at=row.last_run_at,
            last_finished_at=row.last_finished_at,
            removed=row.removed,
        )
        for row in await database.retention_report(ctx.pool)
    ]


async def retention_plan(ctx: ServiceContext) -> list[RetentionPlan]:
    """Returns what a run would remove."""
    return [
        RetentionPlan(
            kind=row.kind,
            is_capped=row.is_capped,
            oldest_at=row.oldest_at,
            rows=None if row.kind in _BY_DAY else row.removable,
            days=row.removable if row.kind in _BY_DAY else None,
        )
        for row in await database.retention_plan(ctx.pool)
    ]


async def paused_deliveries(ctx: ServiceContext) -> PausedDeliveries:
    """Returns the deliveries that are kept because their webhook is paused."""
    return PausedDeliveries(**(await database.paused_deliveries(ctx.pool))._asdict())


async def run_retention(ctx: ServiceContext, kind: str) -> AsyncIterator[int]:
    """Removes old rows of a kind in batches; yields the count of each batch."""
    is_first, is_finished = True, False
    while not is_finished:
        removed, is_finished = await _retain_batch(ctx, kind, begins=is_first)
        is_first = False
        yield removed


async def _retain_batch(ctx: ServiceContext, kind: str, *, begins: bool) -> tuple[int, bool]:
    try:
        return await installation_queries.retry_while_locked(
            lambda: database.retain_batch(ctx.pool, kind, begins=begins, is_full=True),
            _LOCK_TIMEOUT_S,
        )
    except LockUnavailable as error:
        raise Conflict("Another retention run is in progress. Try again in a minute.") from error


async def drop_partitions(ctx: ServiceContext) -> AsyncIterator[str]:
    """Drops old partitions of attempts and bodies; yields the name of each.

    Creates the next partitions before, and removes expired auxiliary rows after.
    """
    await database.make_partitions(ctx.pool)
    while name := await database.drop_next_partition(ctx.pool):
        yield name
    while await database.remove_leftovers(ctx.pool) >= _BATCH:
        pass
