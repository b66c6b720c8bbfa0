"""The pause of a worker between two claims."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rowhook.db.engine import Outlook
from rowhook.db.work_probe import POLL_S

if TYPE_CHECKING:
    from rowhook.db.work_probe import WorkProbe
    from rowhook.worker.in_flight import InFlight
    from rowhook.worker.queue import PoolDriver
    from rowhook.worker.tally import Tally

# While an open transaction may commit without a notification.
_NAPS_S = (0.005, 0.01, 0.025, 0.05, 0.1, POLL_S)
_LEAST_S = 0.001
# How long claims are made instead of polls after a poll found what a claim cannot take.
_BLOCKED_S = 2.0
_NEVER = float("inf")


class ClaimPause:
    """Ends at a notification, at a time that the last claim said, or when a poll finds work.

    A poll costs a fraction of a claim, but knows neither what a lane may send now nor the
    watermarks of lanes. Where it would find the same rows each time, claims take its place.
    """

    def __init__(
        self, driver: PoolDriver, in_flight: InFlight, probe: WorkProbe, tally: Tally
    ) -> None:
        self.outlook = Outlook()
        self.has_swept = True
        self._driver = driver
        self._in_flight = in_flight
        self._probe = probe
        self._tally = tally
        self._nap_count = 0
        self._claim_at = 0.0
        self._poll_at = _NEVER
        self._is_prompted = False
        self._blocked_until = 0.0
        self._is_empty = False
        self._is_stopped = False

    @property
    def is_over(self) -> bool:
        """Whether a claim is due, or the worker stops."""
        return (
            self._is_stopped
            or self._driver.is_notified
            or self.outlook.has_more
            or (self.outlook.has_chores and self.has_swept)
            or time.monotonic() >= self._claim_at
        )

    def stop(self) -> None:
        """End this pause and all others at once."""
        self._is_stopped = True
        self._driver.end_wait()

    async def wait(self) -> None:
        """Return when the pause is over; after a claim of nothing, not at once without notice."""
        if self._is_empty and not (self._is_stopped or self._driver.is_notified):
            await self._driver.wait(time.monotonic() + _LEAST_S)
        while not self.is_over:
            if time.monotonic() < self._poll_at:
                await self._driver.wait(min(self._claim_at, self._poll_at))
            elif not await self._probe.poll(self._wait_for_end, self._adopt_answer):
                self._claim_at = 0.0
            self._tally.queue_turned_at = time.monotonic()

    async def _wait_for_end(self) -> None:
        while not self.is_over:
            await self._driver.wait(self._claim_at)

    def _adopt_answer(self, due_in_s: float | None) -> None:
        now_s = self._tally.queue_turned_at = time.monotonic()
        if due_in_s is not None:
            self._is_prompted = due_in_s <= 0.0
            self._claim_at = min(self._claim_at, now_s + due_in_s)
            self._driver.end_wait()

    def end(self) -> None:
        """Note that a claim is made now."""
        if self._driver.is_notified:
            self._nap_count = 0
        # Notifications from now on are about rows that the claim may not see.
        self._driver.is_notified = False

    def begin(
        self, outlook: Outlook, *, is_registered: bool, has_claimed: bool, claims_at_polls: bool
    ) -> None:
        """Begin the pause after a claim; `claims_at_polls`: a claim does what a poll would."""
        now_s = time.monotonic()
        self.outlook = outlook
        self._is_empty = not has_claimed
        self._in_flight.are_results_awaited = outlook.awaits_result or outlook.has_more
        if has_claimed:
            self._nap_count = 0
        elif self._is_prompted:
            self._blocked_until = now_s + _BLOCKED_S
        self._is_prompted = False
        # A worker that did not register is not notified, so it claims once more.
        pause_s = POLL_S if is_registered else 0.0
        if outlook.is_unsettled:
            pause_s = _NAPS_S[min(self._nap_count, len(_NAPS_S) - 1)]
            self._nap_count += 1
        polls = is_registered and not (
            outlook.is_unsettled or claims_at_polls or now_s < self._blocked_until
        )
        self._poll_at = now_s + pause_s if polls else _NEVER
        due_in_s = _NEVER if outlook.due_in_s is None else outlook.due_in_s
        self._claim_at = now_s + min(due_in_s, _NEVER if polls else pause_s)
