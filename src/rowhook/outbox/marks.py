"""Low watermarks of the busiest lanes.

While an old transaction is open, deliveries that were sent since leave dead index entries at the
head of their lane. A claim with the watermark of the lane skips them.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from uuid import UUID

from rowhook import postgres

# A watermark saves reading dead entries, but costs an index probe even if the lane is empty.
_MIN_SENT = 1000
_MAX_LANES = 64
_MAX_COUNTED = 10_000


class LowWatermarks:
    """The time before which a lane has no due delivery, for up to 64 busy lanes.

    A delivery that appears earlier, from a long transaction, is found by the claims that sweep,
    which use no watermarks.
    """

    def __init__(self) -> None:
        self.times: dict[UUID, datetime] = {}
        self._sent: Counter[UUID] = Counter()

    def update(self, claimed: postgres.ClaimResult) -> None:
        """Adopt the watermarks of a claim."""
        self._sent.update(claim.webhook_id for claim in claimed.claims)
        for lane, watermark in claimed.marks.items():
            if self._sent[lane] >= _MIN_SENT:
                self.times.pop(lane, None)
                self.times[lane] = watermark
        while len(self.times) > _MAX_LANES:
            del self.times[next(iter(self.times))]
        if len(self._sent) > _MAX_COUNTED:
            self._sent.clear()
