"""Text search of deliveries, bounded in rows and characters."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from rowhook.db import list_queries
from rowhook.db.list_queries import DeliveryFilter
from rowhook.services import paging
from rowhook.services.context import ServiceContext
from rowhook.services.deliveries import Delivery, ListPosition

# A search reads at most this many deliveries, and characters of their payloads.
MOST_ROWS = 2000
MOST_TEXT = 32 * 2**20
_MOST_WITH_ID = 50


class SearchResult(Struct, frozen=True, kw_only=True):
    """Deliveries that contain the text, newest first.

    `searched` deliveries were read, the oldest of them created at `since`. `next_cursor` continues
    with older ones; None if all that match the filters were searched.
    """

    items: list[Delivery]
    searched: int = 0
    since: datetime | None = None
    next_cursor: str | None = None


class _Found(Struct, frozen=True, kw_only=True):
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
    before = paging.place(cursor, ListPosition)
    if "\0" in text:
        return SearchResult(items=[])
    found = msgspec.json.decode(
        await list_queries.search_deliveries(
            ctx.lists,
            filters,
            text,
            before,
            most=limit,
            most_rows=MOST_ROWS,
            most_text=MOST_TEXT,
        ),
        type=_Found,
    )
    with_id = [] if before else await _with_id(ctx, filters, text)
    known = {delivery.id for delivery in with_id}
    items = with_id + [delivery for delivery in found.items if delivery.id not in known]
    more = found.last_id is not None and found.since is not None
    return SearchResult(
        items=items,
        searched=found.searched,
        since=found.since,
        next_cursor=paging.cursor(found.since, found.last_id) if more else None,
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
