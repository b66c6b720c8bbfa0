"""Deliveries: listed, read with their attempts, sent again, stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, NamedTuple, get_args
from uuid import UUID

import msgspec
from msgspec import Meta

from rowhook import postgres
from rowhook.compose import Fault
from rowhook.operations import paging
from rowhook.operations.documents import (
    Count,
    Deliveries,
    Delivery,
    DeliveryWithAttempts,
    Replayable,
)
from rowhook.operations.ctx import Conflict, NotFound, ServiceContext, Rejected

REPLAYED: tuple[Replayable, ...] = ("dead", "cancelled", "skipped")
SLOWEST, FASTEST = 0.001, 1_000_000


class _Place(NamedTuple):
    created_at: Annotated[datetime, Meta(tz=True)]
    id: paging.RowId


async def list_deliveries(
    ctx: ServiceContext, wanted: postgres.DeliveryFilter, *, cursor: str | None = None, limit: int = 50
) -> Deliveries:
    """A page of deliveries, newest first. A new one never moves another to the next page.

    Raises Rejected for a cursor of something else.
    """
    if "\0" in (wanted.commit or "") + (wanted.event_type or ""):
        # PostgreSQL cannot keep it, so nothing is like that.
        return Deliveries([], None)
    once = replace(wanted, statuses=tuple(dict.fromkeys(wanted.statuses)))
    before = paging.place(cursor, _Place)
    found = await postgres.delivery_page(ctx.pool, once, before, limit + 1)
    items, last = paging.cut(paging.read(found, Delivery), limit)
    return Deliveries(items, None if last is None else paging.cursor(last.created_at, last.id))


async def delivery_of(ctx: ServiceContext, delivery: int) -> DeliveryWithAttempts:
    """One delivery with its attempts, as of one moment. Raises NotFound."""
    known = 0 < delivery <= paging.LARGEST_ID
    found = await postgres.delivery_of(ctx.pool, delivery) if known else None
    if found is None:
        raise NotFound(f"delivery {delivery} does not exist")
    return msgspec.json.decode(found, type=DeliveryWithAttempts)


async def retry(ctx: ServiceContext, deliveries: list[int]) -> Count:
    """Sends these again now, with a fresh schedule; how many. What is being sent is left alone."""
    return Count(await postgres.retry(ctx.pool, deliveries))


async def cancel(ctx: ServiceContext, deliveries: list[int]) -> Count:
    """Stops these where they wait or are being sent; how many."""
    return Count(await postgres.cancel(ctx.pool, deliveries))


async def retry_one(ctx: ServiceContext, delivery: int) -> DeliveryWithAttempts:
    """`retry` of one: the delivery as it is now. Raises NotFound, Conflict if it is being sent."""
    counted = await retry(ctx, [delivery])
    found = await delivery_of(ctx, delivery)
    if not counted.deliveries:
        raise Conflict(
            f"delivery {delivery} was being sent: wait for what comes of it, or cancel it first"
        )
    return found


async def cancel_one(ctx: ServiceContext, delivery: int) -> DeliveryWithAttempts:
    """`cancel` of one: the delivery as it is now. Raises NotFound, Conflict if it has ended."""
    counted = await cancel(ctx, [delivery])
    found = await delivery_of(ctx, delivery)
    if not counted.deliveries:
        raise Conflict(
            f"delivery {delivery} is {found.status}: only one that is pending, held or being sent"
            " can be cancelled"
        )
    return found


async def replay(
    ctx: ServiceContext,
    webhook: UUID,
    since: datetime,
    *,
    until: datetime | None = None,
    statuses: Sequence[str] = REPLAYED,
    dry_run: bool = False,
    rate: float | None = None,
) -> Count:
    """Sends again what was created in [since, until); how many. `rate` is a second.

    Raises Rejected with every fault, and NotFound: nothing can be sent to a deleted webhook.
    """
    faults = list(_replay_faults(since, until, statuses, rate))
    if faults:
        raise Rejected(*faults)
    if await postgres.unknown(ctx.pool, webhook=webhook):
        raise NotFound(f"webhook {webhook} does not exist")
    found = await postgres.replay(
        ctx.pool, webhook, since, until, list(statuses), dry_run=dry_run, rate=rate
    )
    return Count(found)


def _replay_faults(
    since: datetime, until: datetime | None, statuses: Sequence[str], rate: float | None
) -> Iterator[Fault]:
    if until is not None and until <= since:
        yield Fault(pointer="/until", message="must be later than since")
    known = ", ".join(get_args(Replayable))
    if not statuses:
        yield Fault(pointer="/statuses", message=f"at least one of {known}")
    for place, status in enumerate(statuses):
        if status not in get_args(Replayable):
            message = f"{status} cannot be replayed: {known} can"
            yield Fault(pointer=f"/statuses/{place}", message=message)
    if rate is not None and not SLOWEST <= rate <= FASTEST:
        message = f"a number of deliveries a second, from {SLOWEST} to {FASTEST}"
        yield Fault(pointer="/rate", message=message)
