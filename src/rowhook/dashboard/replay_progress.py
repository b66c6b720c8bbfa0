"""The progress of a replay, or of the release of held deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from rowhook.dashboard import display_format
from rowhook.dashboard.form_fields import FormData
from rowhook.db.list_queries import DeliveryFilter
from rowhook.services import stats
from rowhook.services.context import KeyringContext
from rowhook.services.stats import Remaining, Watermark

_MAX_NUMBER = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressStart:
    """The start of an operation on `of` deliveries, while `before` others were already waiting."""

    of: int
    before: int
    mark: Watermark

    @property
    def address(self) -> str:
        """The start as query parameters, read back by `progress_start`."""
        at = display_format.iso(self.mark.at)
        return urlencode({"of": self.of, "before": self.before, "mark": self.mark.token, "at": at})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many deliveries of an operation wait, at most; `capped` if too many wait to count."""

    begun: ProgressStart
    waits: int
    capped: bool

    @property
    def is_exact(self) -> bool:
        """Whether no delivery that waited before can be counted among those that wait."""
        return self.begun.before == 0 or self.waits == 0

    @property
    def ended(self) -> int | None:
        """The minimum number of finished deliveries; None if too many wait to count."""
        return None if self.capped else self.begun.of - self.waits


async def mark_start(ctx: KeyringContext, others: DeliveryFilter) -> tuple[Watermark, int]:
    """Mark the moment before an operation, and count the other deliveries that wait."""
    mark = await stats.watermark(ctx)
    return mark, (await stats.count_deliveries(ctx, others)).total


def progress_start(query: FormData) -> ProgressStart:
    """Read the start from query parameters. Raises Rejected."""
    of, before, token = (
        min(max(query.integer(name) or 0, 0), _MAX_NUMBER) for name in ("of", "before", "mark")
    )
    at = query.timestamp("at") or datetime.now(UTC)
    return ProgressStart(of=of, before=before, mark=Watermark(token, at))


async def current_progress(
    ctx: KeyringContext, start: ProgressStart, webhook: UUID, **range_: Any
) -> Progress:
    """Count the deliveries that still wait. `range_` is as for `operations.replay_remaining`."""
    left: Remaining = await stats.replay_remaining(ctx, webhook, start.mark, **range_)
    capped = left.capped and start.of > 0
    waits = start.of if capped else min(left.waiting, start.of)
    return Progress(begun=start, waits=waits, capped=capped)
