"""The functions of retention that people call: ages, plan, report, a run by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg

from rowhook.postgres.connection import Source, rows, value

_AGE_REJECTED = "RH008"


class AgeRejected(ValueError):
    """A kind that retention does not know, or an age that cannot be used; says what to write."""


class RetentionRow(NamedTuple):
    """How long a kind is kept, None for ever, and its last run."""

    kind: str
    concerns: str
    keep: timedelta | None
    last_run_at: datetime | None
    last_finished_at: datetime | None
    removed: int
    oldest_at: datetime | None


class PlanRow(NamedTuple):
    """What a run would remove of a kind: rows, or partitions of attempts and bodies."""

    kind: str
    removable: int
    is_capped: bool
    oldest_at: datetime | None


async def set_retention(pool: Source, ages: Mapping[str, timedelta | None]) -> None:
    """Sets how long kinds are kept, all or none; None keeps for ever. Raises AgeRejected."""
    query = (
        "select rowhook.set_retention(kind, keep)"
        " from unnest(%s::text[], %s::interval[]) as age (kind, keep)"
    )
    try:
        await rows(pool, query, list(ages), list(ages.values()))
    except psycopg.Error as error:
        if error.sqlstate != _AGE_REJECTED:
            raise
        lines = (error.diag.message_primary, error.diag.message_hint)
        raise AgeRejected(" ".join(line for line in lines if line)) from error


async def retention_report(pool: Source) -> list[RetentionRow]:
    """A row a kind."""
    query = (
        "select kind, concerns, keep, last_run_at, last_finished_at, removed, oldest"
        " from rowhook.retention_report()"
    )
    return [RetentionRow(*row) for row in await rows(pool, query)]


async def retention_plan(pool: Source) -> list[PlanRow]:
    """A row a kind; counts end at 100,000."""
    query = "select kind, removable, is_capped, oldest from rowhook.retention_plan()"
    return [PlanRow(*row) for row in await rows(pool, query)]


async def retain_all(pool: Source, kind: str, *, begins: bool) -> tuple[int, bool]:
    """Removes one batch of a kind in a run over everything; how many, and whether it is done."""
    query = "select removed, is_finished from rowhook.retain_batch(%s, 5000, %s, true)"
    removed, is_finished = (await rows(pool, query, kind, begins))[0]
    return int(removed), bool(is_finished)


async def drop_next_partition(pool: Source) -> str | None:
    """Drops one day of attempts or bodies that is old enough; its name.

    None if there is none, or while a transaction older than a second uses its table.
    """
    dropped: str | None = await value(pool, "select rowhook.drop_next_partition()")
    return dropped
