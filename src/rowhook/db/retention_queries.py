"""Retention: ages, plan, and the steps of a run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg

from rowhook.db.statements import ConnectionSource, rows, value

_AGE_REJECTED = "RH008"


class AgeRejected(ValueError):
    """Unknown kind of rows or invalid age; the message names the valid ones."""


class RetentionRow(NamedTuple):
    """How long a kind is kept (None: forever), and its last run."""

    kind: str
    concerns: str
    keep: timedelta | None
    last_run_at: datetime | None
    last_finished_at: datetime | None
    removed: int
    oldest_at: datetime | None


class StoredBodies(NamedTuple):
    """Whether request and response of accepted and of failed attempts are stored."""

    accepted: bool = True
    failed: bool = True


class PlanRow(NamedTuple):
    """The removals of a run for one kind: rows, or partitions for attempts and bodies."""

    kind: str
    removable: int
    is_capped: bool
    oldest_at: datetime | None


class PausedRow(NamedTuple):
    """Deliveries that are kept because their webhook is paused; `oldest_at` None: none."""

    webhooks: int
    deliveries: int
    is_capped: bool
    oldest_at: datetime | None


async def set_retention(pool: ConnectionSource, ages: Mapping[str, timedelta | None]) -> None:
    """Sets how long kinds are kept, all or none; None: forever. Raises AgeRejected."""
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
    """Returns one row per kind."""
    query = (
        "select kind, concerns, keep, last_run_at, last_finished_at, removed, oldest"
        " from rowhook.retention_report()"
    )
    return [RetentionRow(*row) for row in await rows(pool, query)]


async def retention_plan(pool: ConnectionSource) -> list[PlanRow]:
    """Returns one row per kind, with counts up to 100,000."""
    query = "select kind, removable, is_capped, oldest from rowhook.retention_plan()"
    return [PlanRow(*row) for row in await rows(pool, query)]


async def paused_deliveries(pool: ConnectionSource) -> PausedRow:
    """Returns the deliveries that no retention removes, counted up to 100,000."""
    query = "select webhooks, deliveries, is_capped, oldest from rowhook.paused_deliveries()"
    return PausedRow(*(await rows(pool, query))[0])


async def retention_kinds(pool: ConnectionSource) -> list[str]:
    """Returns the kinds of rows that retention removes, in the order of a run."""
    return [row[0] for row in await rows(pool, "select * from rowhook.retention_kinds()")]


async def retain_batch(
    pool: ConnectionSource, kind: str, limit: int = 5000, *, begins: bool, is_full: bool = False
) -> tuple[int, bool]:
    """Removes up to `limit` old rows of a kind; returns how many, and whether it is finished.

    `begins` marks the first batch of a run. With `is_full`, in each batch, a run examines all rows
    again.
    """
    query = "select removed, is_finished from rowhook.retain_batch(%s, %s, %s, %s)"
    removed, is_finished = (await rows(pool, query, kind, limit, begins, is_full))[0]
    return int(removed), bool(is_finished)


async def remove_leftovers(pool: ConnectionSource) -> int:
    """Removes one batch of rows that are useless after a day; returns how many."""
    return int(await value(pool, "select rowhook.remove_leftovers()"))


async def make_partitions(pool: ConnectionSource) -> int:
    """Creates the partitions of attempts for the next seven days; returns how many."""
    return int(await value(pool, "select rowhook.make_partitions()"))


async def drop_next_partition(pool: ConnectionSource) -> str | None:
    """Drops one expired partition of attempts or bodies and returns its name.

    None if there is none, or while a transaction older than a second uses its table.
    """
    dropped: str | None = await value(pool, "select rowhook.drop_next_partition()")
    return dropped


async def apply_retention_settings(
    pool: ConnectionSource, days: int | None, bodies: str | None
) -> None:
    """Applies ROWHOOK_RETENTION_DAYS and ROWHOOK_KEEP_BODIES, unless applied before."""
    await value(pool, "select rowhook.apply_retention_settings(%s, %s)", days, bodies)


async def stored_bodies(pool: ConnectionSource) -> StoredBodies:
    """Returns whether requests and responses are stored."""
    result = await rows(pool, "select accepted, failed from rowhook.stored_bodies()")
    return StoredBodies(*result[0])
