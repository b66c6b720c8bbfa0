"""Lists, reads, retries, cancels and replays deliveries."""

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
from rowhook.operations.office import Conflict, NotFound, Rejected, ServiceContext

REPLAYED: tuple[Replayable, ...] = ("dead", "cancelled", "skipped")
MIN_RATE, MAX_RATE = 0.001, 1_000_000


class _Position(NamedTuple):
    created_at: Annotated[datetime, Meta(tz=True)]
    id: paging.RowId


async def list_deliveries(
    ctx: ServiceContext,
    filters: postgres.DeliveryFilter,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> Deliveries:
    """Lists a page of deliveries, newest first. New deliveries do not shift later pages.

    Raises Rejected for a cursor of another list.
    """
    if "\0" in (filters.commit or "") + (filters.event_type or ""):
        # PostgreSQL cannot store U+0000, so nothing matches.
        return Deliveries([], None)
    distinct = replace(filters, statuses=tuple(dict.fromkeys(filters.statuses)))
    before = paging.place(cursor, _Position)
    found = await postgres.delivery_page(ctx.pool, distinct, before, limit + 1)
    items, last = paging.cut(paging.read(found, Delivery), limit)
    return Deliveries(items, None if last is None else paging.cursor(last.created_at, last.id))


async def delivery_of(ctx: ServiceContext, delivery: int) -> DeliveryWithAttempts:
    """Reads a delivery with its attempts in one snapshot. Raises NotFound."""
    is_valid = 0 < delivery <= paging.LARGEST_ID
    found = await postgres.delivery_of(ctx.pool, delivery) if is_valid else None
    if found is None:
        raise NotFound(f"Delivery {delivery} does not exist.")
    return msgspec.json.decode(found, type=DeliveryWithAttempts)


async def retry(ctx: ServiceContext, deliveries: list[int]) -> Count:
    """Retries deliveries that are not being sent, with a fresh schedule. Returns the count."""
    return Count(await postgres.retry(ctx.pool, deliveries))


async def cancel(ctx: ServiceContext, deliveries: list[int]) -> Count:
    """Cancels deliveries that are waiting or being sent. Returns the count."""
    return Count(await postgres.cancel(ctx.pool, deliveries))


async def retry_one(ctx: ServiceContext, delivery: int) -> DeliveryWithAttempts:
    """Retries a delivery. Raises NotFound, and Conflict if it is being sent."""
    counted = await retry(ctx, [delivery])
    found = await delivery_of(ctx, delivery)
    if not counted.deliveries:
        raise Conflict(
            f"Delivery {delivery} is being sent. Wait for the result, or cancel it first."
        )
    return found


async def cancel_one(ctx: ServiceContext, delivery: int) -> DeliveryWithAttempts:
    """Cancels a delivery. Raises NotFound, and Conflict if it is finished."""
    counted = await cancel(ctx, [delivery])
    found = await delivery_of(ctx, delivery)
    if not counted.deliveries:
        raise Conflict(
            f"Delivery {delivery} is {found.status}. Only pending, held and sending deliveries can"
            " be cancelled."
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
    """Retries the deliveries created in [since, until). Returns the count.

    `rate` is the maximum per second. Raises Rejected with all faults, and NotFound for a deleted
    webhook.
    """
    faults = list(_replay_faults(since, until, statuses, rate))
    if faults:
        raise Rejected(*faults)
    if await postgres.first_missing(ctx.pool, webhook=webhook):
        raise NotFound(f"Webhook {webhook} does not exist.")
    found = await postgres.replay(
        ctx.pool, webhook, since, until, list(statuses), dry_run=dry_run, rate=rate
    )
    return Count(found)


def _replay_faults(
    since: datetime, until: datetime | None, statuses: Sequence[str], rate: float | None
) -> Iterator[Fault]:
    if until is not None and until <= since:
        yield Fault(pointer="/until", message="Must be later than since.")
    known = ", ".join(get_args(Replayable))
    if not statuses:
        yield Fault(pointer="/statuses", message=f"Use at least one of {known}.")
    for index, status in enumerate(statuses):
        if status not in get_args(Replayable):
            message = f"Deliveries with status {status} cannot be replayed. Use {known}."
            yield Fault(pointer=f"/statuses/{index}", message=message)
    if rate is not None and not MIN_RATE <= rate <= MAX_RATE:
        message = f"Use a number of deliveries per second from {MIN_RATE} to {MAX_RATE}."
        yield Fault(pointer="/rate", message=message)
