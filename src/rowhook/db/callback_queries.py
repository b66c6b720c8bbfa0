"""Callbacks: outputs that a worker stages for web pages and the API streams to them."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from rowhook.db.connection_pool import Pool
from rowhook.db.statements import ConnectionSource, rows, value
from rowhook.model import Claim


class Callback(NamedTuple):
    """A rendered output. `staging` counts how often its delivery was staged."""

    delivery: int
    staging: int
    place: int
    body: str


async def stage(pool: Pool, claim: Claim, session: str, body: str, ttl: timedelta) -> str | None:
    """Stores a rendered output for the session's pages; returns the delivery's new status."""
    status: str | None = await value(
        pool,
        "select rowhook.stage(%s, %s, %s, %s, %s, %s)",
        claim.outbox_id,
        claim.token,
        claim.revision,
        session,
        body,
        ttl,
    )
    return status


async def place_waiting(pool: Pool, after: str, limit: int) -> str | None:
    """Assigns places to waiting callbacks of the next `limit` sessions after one.

    Returns the last of these sessions, "" after the last of all, None if no callback waits.
    """
    session: str | None = await value(pool, "select rowhook.place_waiting(%s, %s)", after, limit)
    return session


async def callback_place(pool: ConnectionSource, session: str, delivery: int, staging: int) -> int:
    """Returns the place of a staged output; 0 if it is not stored."""
    return int(
        await value(pool, "select rowhook.callback_place(%s, %s, %s)", session, delivery, staging)
    )


async def callback_page(
    pool: ConnectionSource, session: str, after: int, limit: int
) -> list[Callback]:
    """Returns the callbacks of a session after a place."""
    result = await rows(
        pool,
        "select delivery, staging, place, body from rowhook.callback_page(%s, %s, %s)",
        session,
        after,
        limit,
    )
    return [Callback(*row) for row in result]


async def callbacks_written(pool: ConnectionSource, session: str, through: int) -> None:
    """Records that a page has received all callbacks up to a place.

    The first time makes a delivery delivered.
    """
    await value(pool, "select rowhook.callbacks_written(%s, %s)::text", session, through)
