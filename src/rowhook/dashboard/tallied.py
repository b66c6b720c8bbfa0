"""Filters that format capped counts: `10,000+` means that there may be more."""

from __future__ import annotations

from collections.abc import Callable

from rowhook.dashboard.shown import count
from rowhook.operations import MAX_COUNTED
from rowhook.operations.documents import DeliveryCounts, Status


def capped_count(number: int) -> str:
    """Format the count of one status."""
    return count(number) + ("+" if number >= MAX_COUNTED else "")


def status_count(tally: DeliveryCounts, *statuses: Status, narrowed: bool = False) -> str:
    """Format how many deliveries have one of the statuses.

    `narrowed`: filters apply to the capped rows, so any count may be too low.
    """
    counts = [tally.by_status.get(status, 0) for status in statuses]
    more = tally.capped and (narrowed or max(counts) >= MAX_COUNTED)
    return count(sum(counts)) + ("+" if more else "")


FILTERS: dict[str, Callable[..., str]] = {
    "capped_count": capped_count,
    "status_count": status_count,
}
