"""The functions of retention: ages, what a run would remove, and its steps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg

from rowhook.postgres.connection import ConnectionSource, rows, value

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


class StoredBodies(NamedTuple):
    """Whether the request and response of accepted attempts are stored, and of failed ones."""

    accepted: bool = True
    failed: bool = True


class PlanRow(NamedTuple):
    """What a run would remove of a kind: rows, or partitions of attempts and bodies."""

    kind: str
    removable: int
    is_capped: bool
    oldest_at: datetime | None


async def set_retention(pool: ConnectionSource, ages: Mapping[str, timedelta | None]) -> None:
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


async def retention_report(pool: ConnectionSource) -> list[RetentionRow]:
    """A row a kind."""
    query = (
        "select kind, concerns, keep, last_run_at, last_finished_at, removed, oldest"
        " from rowhook.retention_report()"
    )
    return [RetentionRow(*row) for row in await rows(pool, query)]


async def retention_plan(pool: ConnectionSource) -> list[PlanRow]:
    """A row a kind; counts end at 100,000."""
    query = "select kind, removable, is_capped, oldest from rowhook.retention_plan()"
    return [PlanRow(*row) for row in await rows(pool, query)]


async def retention_kinds(pool: ConnectionSource) -> list[str]:
    """The kinds of rows that retention removes, in the order of a run."""
    return [row[0] for row in await rows(pool, "select * from rowhook.retention_kinds()")]


async def retain_batch(
    pool: ConnectionSource, kind: str, most: int = 5000, *, begins: bool, is_full: bool = False
) -> tuple[int, bool]:
    """Removes up to `most` old rows of a kind; how many, and whether the kind is finished.

    `begins` marks the first batch of a run; with `is_full` in each of its batches a run looks at
    everything again.
    """
    query = "select removed, is_finished from rowhook.retain_batch(%s, %s, %s, %s)"
    removed, is_finished = (await rows(pool, query, kind, most, begins, is_full))[0]
    return int(removed), bool(is_finished)


async def remove_leftovers(pool: ConnectionSource) -> int:
    """Removes one batch of rows that are of no use after a day; how many."""
    return int(await value(pool, "select rowhook.remove_leftovers()"))


async def make_partitions(pool: ConnectionSource) -> int:
    """Makes the partitions of attempts of the next seven days; how many were missing."""
    return int(await value(pool, "select rowhook.make_partitions()"))


async def drop_next_partition(pool: ConnectionSource) -> str | None:
    """Drops one day of attempts or bodies that is old enough; its name.

    None if there is none, or while a transaction older than a second uses its table.
    """
    dropped: str | None = await value(pool, "select rowhook.drop_next_partition()")
    return dropped


async def apply_retention_settings(
    pool: ConnectionSource, days: int | None, bodies: str | None
) -> None:
    """Sets ages from ROWHOOK_RETENTION_DAYS and ROWHOOK_KEEP_BODIES, unless applied before."""
    await value(pool, "select rowhook.apply_retention_settings(%s, %s)", days, bodies)


async def stored_bodies(pool: ConnectionSource) -> StoredBodies:
    """Whether requests and responses are stored."""
    found = await rows(pool, "select accepted, failed from rowhook.stored_bodies()")
    return StoredBodies(*found[0])
