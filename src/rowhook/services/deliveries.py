"""Lists, searches and reads deliveries with their attempts; retries, cancels and replays them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, get_args
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from rowhook.db import access_queries, engine, list_queries, stats_queries
from rowhook.db.list_queries import DeliveryFilter
from rowhook.model import DeliveryStatus
from rowhook.render.configuration import Fault
from rowhook.services import paging
from rowhook.services.context import Conflict, NotFound, Rejected, ServiceContext

Replayable = Literal["delivered", "dead", "cancelled", "skipped", "held"]
# A search reads at most this many deliveries, and characters of their payloads.
MOST_ROWS = 2000
MOST_TEXT = 32 * 2**20
REPLAYED: tuple[Replayable, ...] = ("dead", "cancelled", "skipped")
MIN_RATE, MAX_RATE = 0.001, 1_000_000
_MOST_WITH_ID = 50
# Counts of deliveries end here, by status.
MAX_COUNTED = 10_000


class Delivery(Struct, frozen=True, kw_only=True):
    """One event for one webhook. `latency_ms` is the time from the event to the delivery.

    `organization_id` and `job_id` are ids of the platform. For a deleted webhook, `webhook_name` is
    its last name and `webhook_exists` is false.
    """

    id: int
    organization_id: str
    webhook_id: UUID
    webhook_name: str | None
    event_id: int
    event_type: str | None
    key: str | None
    job_id: str | None
    commit_id: str | None
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    last_status_code: int | None
    last_error: str | None
    latency_ms: float | None
    webhook_exists: bool


class Deliveries(Struct, frozen=True):
    """A page of deliveries, newest first."""

    items: list[Delivery]
    next_cursor: str | None


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt: the request with secrets redacted, and the first 4 KiB of the response body.

    `request` is `{method, url, headers, body}` with headers as pairs, null if it was not rendered.
    `rendered_ms` and `validated_ms` are measured from `started_at`; `duration_ms` is the duration
    of the HTTP exchange.
    """

    number: int
    started_at: datetime
    rendered_ms: float | None
    validated_ms: float | None
    duration_ms: float
    outcome: str
    status_code: int | None
    error: str | None
    revision: int
    request: dict[str, Any] | None
    response_headers: list[tuple[str, str]] | None
    response_body: str | None


class DeliveryWithAttempts(Delivery, frozen=True, kw_only=True):
    """A delivery with its attempts in `tries`, oldest first; `attempts` is their number.

    `occurred_at` is the time of the completion or the commit, `captured_at` the time of capture;
    null if the event was removed.
    """

    occurred_at: datetime | None
    captured_at: datetime | None
    tries: list[Attempt]


class Count(Struct, frozen=True):
    """The number of affected deliveries."""

    deliveries: int


class Watermark(Struct, frozen=True):
    """A point in time before a replay or a release."""

    token: int
    at: datetime


class Remaining(Struct, frozen=True):
    """The number of waiting deliveries of a replay or a release.

    If `capped`, there may be more.
    """

    waiting: int
    capped: bool


class ListPosition(NamedTuple):
    """A position in a list of deliveries, newest first."""

    created_at: Annotated[datetime, Meta(tz=True)]
    id: paging.RowId


async def list_deliveries(
    ctx: ServiceContext,
    filters: DeliveryFilter,
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
    before = paging.decode_cursor(cursor, ListPosition)
    rows = await list_queries.delivery_page(ctx.lists, distinct, before, limit + 1)
    return Deliveries(*paging.page(rows, Delivery, limit, "created_at", "id"))


async def delivery_of(ctx: ServiceContext, delivery: int) -> DeliveryWithAttempts:
    """Reads a delivery with its attempts in one snapshot. Raises NotFound."""
    is_valid = 0 < delivery <= paging.LARGEST_ID
    document = await list_queries.delivery_of(ctx.pool, delivery) if is_valid else None
    if document is None:
        raise NotFound(f"Delivery {delivery} does not exist.")
    return msgspec.json.decode(document, type=DeliveryWithAttempts)


async def retry(ctx: ServiceContext, deliveries: list[int]) -> Count:
    """Retries deliveries that are not being sent, with a fresh schedule. Returns the count."""
    return Count(await engine.retry(ctx.pool, deliveries))


async def cancel(ctx: ServiceContext, deliveries: list[int]) -> Count:
    """Cancels deliveries that are waiting or being sent. Returns the count."""
    return Count(await engine.cancel(ctx.pool, deliveries))


async def retry_one(ctx: ServiceContext, delivery: int) -> DeliveryWithAttempts:
    """Retries a delivery. Raises NotFound, and Conflict if it is being sent."""
    counted = await retry(ctx, [delivery])
    stored = await delivery_of(ctx, delivery)
    if not counted.deliveries:
        raise Conflict(
            f"Delivery {delivery} is being sent. Wait for the result, or cancel it first."
        )
    return stored


async def cancel_one(ctx: ServiceContext, delivery: int) -> DeliveryWithAttempts:
    """Cancels a delivery. Raises NotFound, and Conflict if it is finished."""
    counted = await cancel(ctx, [delivery])
    stored = await delivery_of(ctx, delivery)
    if not counted.deliveries:
        raise Conflict(
            f"Delivery {delivery} is {stored.status}. Only pending, held and sending deliveries can"
            " be cancelled."
        )
    return stored


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
    if await access_queries.first_missing(ctx.pool, webhook=webhook):
        raise NotFound(f"Webhook {webhook} does not exist.")
    count = await engine.replay(
        ctx.pool, webhook, since, until, list(statuses), dry_run=dry_run, rate=rate
    )
    return Count(count)


async def watermark(ctx: ServiceContext) -> Watermark:
    """Returns a watermark that separates later retries and releases from earlier ones."""
    return msgspec.json.decode(await stats_queries.watermark(ctx.pool), type=Watermark)


async def replay_remaining(
    ctx: ServiceContext,
    webhook: UUID,
    watermark: Watermark,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    held_before: bool = False,
) -> Remaining:
    """Counts waiting deliveries in [since, until) that were retried or released after a watermark.

    This is an upper bound: deliveries that waited before and were attempted since are included.
    `held_before` includes those that were held at the watermark, which is the default of `until`.
    """
    row = await stats_queries.replay_remaining(
        ctx.pool,
        webhook,
        since=since,
        until=until or watermark.at,
        mark=watermark.token,
        held_mark=-1 if held_before else watermark.token,
        limit=MAX_COUNTED,
    )
    return msgspec.json.decode(row, type=Remaining)


def _replay_faults(
    since: datetime, until: datetime | None, statuses: Sequence[str], rate: float | None
) -> Iterator[Fault]:
    if until is not None and until <= since:
        yield Fault(pointer="/until", message="Must be later than since.")
    allowed = ", ".join(get_args(Replayable))
    if not statuses:
        yield Fault(pointer="/statuses", message=f"Use at least one of {allowed}.")
    for index, status in enumerate(statuses):
        if status not in get_args(Replayable):
            message = f"Deliveries with status {status} cannot be replayed. Use {allowed}."
            yield Fault(pointer=f"/statuses/{index}", message=message)
    if rate is not None and not MIN_RATE <= rate <= MAX_RATE:
        message = f"Use a number of deliveries per second from {MIN_RATE} to {MAX_RATE}."
        yield Fault(pointer="/rate", message=message)


class SearchResult(Struct, frozen=True, kw_only=True):
    """Deliveries that contain the text, newest first.

    `searched` deliveries were read, the oldest of them created at `since`. `next_cursor` continues
    with older ones; None if all that match the filters were searched.
    """

    items: list[Delivery]
    searched: int = 0
    since: datetime | None = None
    next_cursor: str | None = None


class _SearchedPage(Struct, frozen=True, kw_only=True):
    items: list[Delivery]
    searched: int
    since: datetime | None
    last_id: int | None


async def search_deliveries(
    ctx: ServiceContext,
    filters: DeliveryFilter,
    text: str,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> SearchResult:
    """Searches ids, goals, agents, sessions, errors and payloads, ignoring case.

    The first page begins with the deliveries, however old, whose own id, or that of their commit,
    job or session, is the text. Raises Rejected for a cursor of another list.
    """
    before = paging.decode_cursor(cursor, ListPosition)
    if "\0" in text:
        return SearchResult(items=[])
    page = msgspec.json.decode(
        await list_queries.search_deliveries(
            ctx.lists,
            filters,
            text,
            before,
            most=limit,
            most_rows=MOST_ROWS,
            most_text=MOST_TEXT,
        ),
        type=_SearchedPage,
    )
    with_id = [] if before else await _with_id(ctx, filters, text)
    ids = {delivery.id for delivery in with_id}
    items = with_id + [delivery for delivery in page.items if delivery.id not in ids]
    more = page.last_id is not None and page.since is not None
    return SearchResult(
        items=items,
        searched=page.searched,
        since=page.since,
        next_cursor=paging.cursor(page.since, page.last_id) if more else None,
    )


async def _with_id(ctx: ServiceContext, filters: DeliveryFilter, text: str) -> list[Delivery]:
    document = await list_queries.deliveries_with_id(
        ctx.lists, filters.organization, text, _MOST_WITH_ID
    )
    deliveries = msgspec.json.decode(document, type=list[Delivery])
    return [delivery for delivery in deliveries if _matches(filters, delivery)]


def _matches(filters: DeliveryFilter, delivery: Delivery) -> bool:
    return (
        delivery.status in filters.statuses
        and filters.webhook in {None, delivery.webhook_id}
        and filters.event_type in {None, delivery.event_type}
        and filters.status_code in {None, delivery.last_status_code}
        and filters.commit in {None, delivery.commit_id}
        and filters.job in {None, delivery.job_id}
        and (filters.since is None or delivery.created_at >= filters.since)
        and (filters.until is None or delivery.created_at < filters.until)
    )
