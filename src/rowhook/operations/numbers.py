"""Figures for pages: counts by time, by status, by webhook and by error.

None costs a scan of everything: what has no window of time is counted to a limit, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from rowhook import postgres
from rowhook.compose import Fault
from rowhook.operations import paging
from rowhook.operations.documents import (
    Failures,
    Health,
    Left,
    Mark,
    Series,
    Standing,
    Stats,
    Status,
    Tally,
    Trouble,
)
from rowhook.operations.ctx import ServiceContext, Rejected

MOST_POINTS = 288
MOST_COUNTED = 10_000


async def stats(ctx: ServiceContext, organization: UUID | None, span: timedelta) -> Stats:
    """What came of the deliveries created in the last `span`."""
    found = await postgres.stats(ctx.pool, organization, span)
    return msgspec.json.decode(found, type=Stats)


async def series(
    ctx: ServiceContext,
    *,
    organization: UUID | None = None,
    webhook: UUID | None = None,
    span: timedelta,
    points: int,
) -> Series:
    """The deliveries created in each of 1 to 288 equal steps of the last `span`."""
    if not 1 <= points <= MOST_POINTS:
        raise Rejected(Fault(pointer="/points", message=f"from 1 to {MOST_POINTS}"))
    found = await postgres.series(ctx.pool, organization, webhook, span, points)
    return msgspec.json.decode(found, type=Series)


async def tally(ctx: ServiceContext, wanted: postgres.DeliveryFilter) -> Tally:
    """How many deliveries of each status; of one status no more than 10,000 are looked at."""
    once = replace(wanted, statuses=tuple(dict.fromkeys(wanted.statuses)))
    if "\0" in (wanted.commit or "") + (wanted.event_type or ""):
        # PostgreSQL cannot keep it, so nothing is like that.
        none = {"total": 0, "by_status": dict.fromkeys(once.statuses, 0), "capped": False}
        return msgspec.convert(none, Tally)
    found = await postgres.tally(ctx.pool, once, MOST_COUNTED)
    return msgspec.json.decode(found, type=Tally)


async def mark(ctx: ServiceContext) -> Mark:
    """Now: what is sent again or released from here on is told from what waited before."""
    return msgspec.json.decode(await postgres.mark(ctx.pool), type=Mark)


async def left_of(
    ctx: ServiceContext,
    webhook: UUID,
    mark: Mark,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    held_before: bool = False,
) -> Left:
    """What still waits of those in [since, until) that were sent again or released after a mark.

    Never less than that; what waited before and was tried since is counted with it. `held_before`:
    what was held at the mark is of it too. Without `until` the range ends at the mark.
    """
    found = await postgres.left_of(
        ctx.pool,
        webhook,
        since=since,
        until=until or mark.at,
        mark=mark.token,
        held_mark=-1 if held_before else mark.token,
        most=MOST_COUNTED,
    )
    return msgspec.json.decode(found, type=Left)


async def list_failures(
    ctx: ServiceContext,
    *,
    organization: UUID | None = None,
    webhook: UUID | None = None,
    since: datetime,
    limit: int = 100,
) -> Failures:
    """What failed of the deliveries created since then, by webhook, error and status code."""
    found = await postgres.failures(
        ctx.pool,
        organization=organization,
        webhook=webhook,
        since=since,
        groups=limit,
        most=MOST_COUNTED,
    )
    return msgspec.json.decode(found, type=Failures)


async def worst_webhooks(
    ctx: ServiceContext,
    *,
    organization: UUID | None = None,
    span: timedelta,
    limit: int = 10,
    statuses: Sequence[Status] = ("dead", "held", "pending"),
) -> list[Trouble]:
    """Webhooks with deliveries that are held, wait after a failed try, or died in the last `span`.

    The one with most of them first; of one webhook and status no more than 10,000 are looked at.
    """
    found = await postgres.worst_webhooks(
        ctx.pool, organization, statuses, span, limit, MOST_COUNTED
    )
    return paging.read(found, Trouble)


async def health_of(ctx: ServiceContext, webhooks: Sequence[UUID]) -> list[Health]:
    """The health of these webhooks, 1 to 200 of them; what does not exist is left out."""
    if not 1 <= len(webhooks) <= paging.MOST:
        raise Rejected(Fault(pointer="/webhook_id", message=f"name 1 to {paging.MOST} webhooks"))
    return paging.read(await postgres.health_of(ctx.pool, webhooks), Health)


async def standing_of(ctx: ServiceContext, webhook: UUID) -> Standing | None:
    """What decides whether a webhook is called now; None if it was deleted. Nothing is counted."""
    found = await postgres.standing_of(ctx.pool, webhook)
    return None if found is None else msgspec.json.decode(found, type=Standing)
