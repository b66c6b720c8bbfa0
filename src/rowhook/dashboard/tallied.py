"""How counts read that go so far and no further: `10,000+` says that there may be more."""

from __future__ import annotations

from collections.abc import Callable

from rowhook.dashboard.shown import count
from rowhook.operations import MAX_COUNTED
from rowhook.operations.documents import DeliveryCounts, Status


def capped(many: int) -> str:
    """A count of one status."""
    return count(many) + ("+" if many >= MAX_COUNTED else "")


def tallied(tally: DeliveryCounts, *statuses: Status, narrowed: bool = False) -> str:
    """How many have one of these statuses.

    `narrowed`: not all that was looked at is counted, so that any count may be short.
    """
    counts = [tally.by_status.get(one, 0) for one in statuses]
    more = tally.capped and (narrowed or max(counts) >= MAX_COUNTED)
    return count(sum(counts)) + ("+" if more else "")


FILTERS: dict[str, Callable[..., str]] = {"capped": capped, "tallied": tallied}
