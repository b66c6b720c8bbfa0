"""Retention by hand: ages, what a run would remove, and a run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

from rowhook import postgres
from rowhook.compose import Fault
from rowhook.operations.documents import RetentionAge, RetentionPlan
from rowhook.operations.ctx import Conflict, ServiceContext, Rejected
from rowhook.postgres import retention as database

_BATCH = 5000
_PATIENCE_S = 60.0
_BY_DAY = frozenset({"attempts", "bodies", "failed_bodies"})


async def set_ages(registry: ServiceContext, ages: Mapping[str, timedelta | None]) -> None:
    """Sets how long kinds of rows are kept, all or none; None is for ever. Raises Rejected."""
    try:
        await database.set_retention(registry.pool, ages)
    except database.AgeRejected as rejected:
        raise Rejected(Fault(pointer="", message=str(rejected))) from rejected


async def retention_ages(registry: ServiceContext) -> list[RetentionAge]:
    """How long each kind is kept, and its last run."""
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
        for row in await database.retention_report(registry.pool)
    ]


async def retention_plan(registry: ServiceContext) -> list[RetentionPlan]:
    """What a run would remove now."""
    return [
        RetentionPlan(
            kind=row.kind,
            is_capped=row.is_capped,
            oldest_at=row.oldest_at,
            rows=None if row.kind in _BY_DAY else row.removable,
            days=row.removable if row.kind in _BY_DAY else None,
        )
        for row in await database.retention_plan(registry.pool)
    ]


async def run_retention(registry: ServiceContext, kind: str) -> AsyncIterator[int]:
    """Removes all of a kind that is old enough, in batches; the rows of each."""
    begins, is_finished = True, False
    while not is_finished:
        removed, is_finished = await _retain_batch(registry, kind, begins=begins)
        begins = False
        yield removed


async def _retain_batch(registry: ServiceContext, kind: str, *, begins: bool) -> tuple[int, bool]:
    try:
        return await postgres.until_unlocked(
            lambda: database.retain_batch(registry.pool, kind, begins=begins, is_full=True),
            _PATIENCE_S,
        )
    except postgres.Locked as error:
        raise Conflict("Another run of the retention is at work. Try again in a minute.") from error


async def drop_partitions(registry: ServiceContext) -> AsyncIterator[str]:
    """Drops the days of attempts and bodies that are old enough; the name of each.

    Makes the days to come first, and removes what is of no use after a day at the end.
    """
    await database.make_partitions(registry.pool)
    while name := await database.drop_next_partition(registry.pool):
        yield name
    while await database.remove_leftovers(registry.pool) >= _BATCH:
        pass
