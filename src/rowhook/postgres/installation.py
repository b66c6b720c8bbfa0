"""The functions of the installation's identity: whether this database is a copy, and its epoch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple, TypeVar

import psycopg

from rowhook.postgres.connection import ConnectionSource, rows, rows_within_deadline, value
from rowhook.postgres.pool import Pool

T = TypeVar("T")
# 55P03: a lock was not free within the function's own lock_timeout.
LockUnavailable = psycopg.errors.LockNotAvailable
# What writes events queues behind an attempt: it has this long to go on.
_PAUSE_S = 0.5


class InstallationCheck(NamedTuple):
    """Why nothing is sent, or None; what to do then; whether `raise_epoch` is due."""

    reason: str | None
    advice: str
    epoch_is_due: bool


class Suspension(NamedTuple):
    """Why nothing is sent, in a sentence, and what to do about it."""

    suspended_at: datetime
    reason: str
    advice: str


async def check_installation(pool: Pool) -> InstallationCheck:
    """Suspends deliveries if the database is a copy."""
    found = await rows_within_deadline(
        pool,
        "select rowhook.check_installation(), rowhook.copy_advice(), rowhook.epoch_is_due()",
    )
    return InstallationCheck(*found[0])


async def suspension(pool: ConnectionSource) -> Suspension | None:
    """Why deliveries are suspended; None if they go out."""
    found = await rows(pool, "select suspended_at, reason, advice from rowhook.suspension()")
    return Suspension(*found[0]) if found else None


async def move_event_batch(pool: ConnectionSource, after: int | None) -> int | None:
    """Prepares `raise_epoch`, 1000 events in one transaction; the event to go on after, or None."""
    last: int | None = await value(pool, "select rowhook.move_event_batch(%s)", after)
    return last


async def raise_epoch(pool: ConnectionSource) -> int | None:
    """Begins a new epoch if one is due. Returns it, or None.

    Raises LockUnavailable while the table of events is in use.
    """
    epoch: int | None = await value(pool, "select rowhook.raise_epoch()")
    return epoch


async def begin_epoch(pool: ConnectionSource, within_s: float) -> int | None:
    """Begins a new epoch if one is due, moving events in batches of short transactions first.

    Raises LockUnavailable if the table of events is in use for `within_s` seconds. Events that were
    moved stay moved.
    """
    last = await move_event_batch(pool, None)
    while last is not None:
        last = await move_event_batch(pool, last)
    return await retry_while_locked(lambda: raise_epoch(pool), within_s)


async def adopt(pool: ConnectionSource, *, cancel_waiting: bool) -> int:
    """Makes this database the installation; how many waiting deliveries it cancelled.

    Raises LockUnavailable while the events are in use, if an epoch is due: `begin_epoch` first.
    """
    cancelled = await value(pool, "select rowhook.adopt(%s)", cancel_waiting)
    return int(cancelled)


async def retry_while_locked(attempt: Callable[[], Awaitable[T]], within_s: float) -> T:
    """Retries for up to `within_s` seconds while the attempt raises LockUnavailable."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + within_s
    while True:
        try:
            return await attempt()
        except LockUnavailable:
            if loop.time() >= ends:
                raise
        await asyncio.sleep(_PAUSE_S)
