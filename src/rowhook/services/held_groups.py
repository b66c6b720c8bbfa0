"""Groups the held deliveries of a webhook by their fault, and releases one group."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from rowhook.db.list_queries import DeliveryFilter
from rowhook.services.context import ServiceContext
from rowhook.services.deliveries import Deliveries, Delivery, list_deliveries, retry

MAX_READ = 1_000
_MAX_PAGES = 10
MAX_RELEASED = MAX_READ * _MAX_PAGES
# A violation of the schema begins with its pointer; a body may have several.
_NEXT_VIOLATION = re.compile(r" (?=/\S*: )")
_INDEX = re.compile(r"(?<=/)\d+(?=[/:])")
_NUMBER = re.compile(r"(?<![\w.\[])-?\d[\d.,]*")


class FaultGroup(Struct, frozen=True, kw_only=True):
    """Held deliveries of one webhook with the same fault, newest first.

    `error` is that of the newest of them, as it was recorded.
    """

    key: str
    error: str
    deliveries: list[Delivery]

    @property
    def example(self) -> Delivery:
        """The newest delivery."""
        return self.deliveries[0]

    @property
    def oldest_at(self) -> datetime:
        """When the oldest delivery was created."""
        return self.deliveries[-1].created_at


class HeldGroups(Struct, frozen=True, kw_only=True):
    """Groups of the newest held deliveries of a webhook, the largest first.

    `are_all` is whether no older delivery is held.
    """

    groups: list[FaultGroup]
    deliveries: list[Delivery]
    are_all: bool

    def find(self, key: str | None) -> FaultGroup | None:
        """The group with this key."""
        return next((group for group in self.groups if group.key == key), None)


class ReleasedGroup(Struct, frozen=True, kw_only=True):
    """The number of released deliveries, and where to continue if not all were read."""

    deliveries: int
    next_cursor: str | None


def fault_kind(error: str | None) -> str:
    """Returns what an error has in common with those of other deliveries.

    Indexes in pointers, and numbers such as the length of a list, are those of one delivery.
    """
    violations = {_kind(part) for part in _NEXT_VIOLATION.split(error or "")}
    return "\n".join(sorted(violations))


def _kind(error: str) -> str:
    if not error.startswith("/"):
        return _NUMBER.sub("#", error)
    pointer, _, message = error.partition(": ")
    return f"{_INDEX.sub('*', pointer + ':')} {message}"


def group_key(error: str | None) -> str:
    """Returns the key of an error's group, for an address."""
    return hashlib.sha256(fault_kind(error).encode()).hexdigest()[:12]


async def held_groups(ctx: ServiceContext, webhook: UUID, most: int = MAX_READ) -> HeldGroups:
    """Groups the newest held deliveries of a webhook; reads at most `most` of them."""
    page = await _held_page(ctx, webhook, None, most)
    by_key: dict[str, list[Delivery]] = {}
    for held in page.items:
        by_key.setdefault(group_key(held.last_error), []).append(held)
    groups = [
        FaultGroup(key=key, error=members[0].last_error or "", deliveries=members)
        for key, members in by_key.items()
    ]
    groups.sort(key=lambda group: -len(group.deliveries))
    return HeldGroups(groups=groups, deliveries=page.items, are_all=page.next_cursor is None)


async def release_group(
    ctx: ServiceContext, webhook: UUID, key: str, cursor: str | None = None
) -> ReleasedGroup:
    """Retries the held deliveries of a group, with the current revision; the others stay held.

    Reads at most MAX_RELEASED held deliveries, from `cursor` on. Raises Rejected for a cursor of
    another list.
    """
    released = 0
    for _ in range(_MAX_PAGES):
        page = await _held_page(ctx, webhook, cursor, MAX_READ)
        if ids := list(_members(page, key)):
            released += (await retry(ctx, ids)).deliveries
        cursor = page.next_cursor
        if cursor is None:
            break
    return ReleasedGroup(deliveries=released, next_cursor=cursor)


def _members(page: Deliveries, key: str) -> Iterator[int]:
    return (held.id for held in page.items if group_key(held.last_error) == key)


async def _held_page(
    ctx: ServiceContext, webhook: UUID, cursor: str | None, limit: int
) -> Deliveries:
    held = DeliveryFilter(webhook=webhook, statuses=("held",))
    return await list_deliveries(ctx, held, cursor=cursor, limit=limit)
