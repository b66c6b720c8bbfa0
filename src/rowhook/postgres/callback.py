"""The functions of what waits for pages: staged by a worker, read and marked by the API."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from rowhook.delivery import Claim
from rowhook.postgres.connection import ConnectionSource, rows, value
from rowhook.postgres.pool import Pool


class Callback(NamedTuple):
    """A rendered output. `staging` counts how often its delivery was staged."""

    delivery: int
    staging: int
    place: int
    body: str


async def stage(pool: Pool, claim: Claim, session: str, body: str, ttl: timedelta) -> str | None:
    """Keeps a rendered output for the session's pages; the status of its delivery now."""
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


async def place_waiting(pool: Pool, after: str, most: int) -> str | None:
    """Places waiting callbacks of the next `most` sessions after one, where nothing precedes them.

    The last of these sessions, "" after the last of all; None if no callback waits.
    """
    session: str | None = await value(pool, "select rowhook.place_waiting(%s, %s)", after, most)
    return session


async def callback_place(pool: ConnectionSource, session: str, delivery: int, staging: int) -> int:
    """Where a page left off; 0 if that is not kept."""
    return int(
        await value(pool, "select rowhook.callback_place(%s, %s, %s)", session, delivery, staging)
    )


async def callback_page(
    pool: ConnectionSource, session: str, after: int, most: int
) -> list[Callback]:
    """What comes after a place."""
    found = await rows(
        pool,
        "select delivery, staging, place, body from rowhook.callback_page(%s, %s, %s)",
        session,
        after,
        most,
    )
    return [Callback(*row) for row in found]


async def callbacks_written(pool: ConnectionSource, session: str, through: int) -> None:
    """A page has all up to this place: the first time makes a delivery delivered."""
    await value(pool, "select rowhook.callbacks_written(%s, %s)::text", session, through)
