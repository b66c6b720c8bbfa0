"""How far it has come with what was sent again, or released, all at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from rowhook import operations
from rowhook.dashboard import shown
from rowhook.dashboard.given import Given
from rowhook.operations import KeyringContext
from rowhook.operations.documents import Remaining, Watermark
from rowhook.postgres import DeliveryFilter

_MOST = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What the address of a progress says: how many it is of, and how many waited `before`."""

    of: int
    before: int
    mark: Watermark

    @property
    def address(self) -> str:
        """The same as a part of a query."""
        at = shown.iso(self.mark.at)
        return urlencode({"of": self.of, "before": self.before, "mark": self.mark.token, "at": at})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`waits` is never less than what still waits of it; `is_exact` where nothing else can be."""

    begun: Begun
    waits: int
    capped: bool

    @property
    def is_exact(self) -> bool:
        """Whether nothing that waited before can be among those that wait."""
        return self.begun.before == 0 or self.waits == 0

    @property
    def ended(self) -> int | None:
        """How many have ended at the least; None where too many wait to be counted."""
        return None if self.capped else self.begun.of - self.waits


async def begin(ctx: KeyringContext, others: DeliveryFilter) -> tuple[Watermark, int]:
    """The moment before, and how many others may be taken for those that it is of."""
    mark = await operations.watermark(ctx)
    return mark, (await operations.count_deliveries(ctx, others)).total


def begun(given: Given) -> Begun:
    """As the address says. Raises Rejected."""
    of, before, token = (
        min(max(given.whole(name) or 0, 0), _MOST) for name in ("of", "before", "mark")
    )
    at = given.moment("at") or datetime.now(UTC)
    return Begun(of=of, before=before, mark=Watermark(token, at))


async def so_far(ctx: KeyringContext, begun: Begun, webhook: UUID, **range_: Any) -> Progress:
    """How it stands now; the range is as `operations.replay_remaining` takes it."""
    left: Remaining = await operations.replay_remaining(ctx, webhook, begun.mark, **range_)
    capped = left.capped and begun.of > 0
    waits = begun.of if capped else min(left.waiting, begun.of)
    return Progress(begun=begun, waits=waits, capped=capped)
