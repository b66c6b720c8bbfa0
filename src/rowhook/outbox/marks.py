"""Where the busiest lanes begin.

While an old transaction is open, what was sent since leaves dead entries before the head of its
lane: a claim that knows the mark does not look at them.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from uuid import UUID

from rowhook import postgres

# A mark saves the dead entries of a lane, and costs a look at it even if it has nothing.
_MUCH = 1000
_MOST = 64
_COUNTED = 10_000


class Marks:
    """The time before which nothing of a lane is ready, for up to 64 lanes that send much.

    It is nearly so: what appears earlier, from a transaction that was open long, is found by a
    claim without marks.
    """

    def __init__(self) -> None:
        self.times: dict[UUID, datetime] = {}
        self._sent: Counter[UUID] = Counter()

    def keep(self, claimed: postgres.ClaimResult) -> None:
        """Learns of a claim."""
        self._sent.update(claim.webhook_id for claim in claimed.claims)
        for lane, mark in claimed.marks.items():
            if self._sent[lane] >= _MUCH:
                self.times.pop(lane, None)
                self.times[lane] = mark
        while len(self.times) > _MOST:
            del self.times[next(iter(self.times))]
        if len(self._sent) > _COUNTED:
            self._sent.clear()
