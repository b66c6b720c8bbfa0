"""Counts the work of a worker.

A delivery may cost about a microsecond here, so durations are kept in lists and sorted into buckets
later, and nothing is locked: only the event loop uses a tally.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from time import monotonic, perf_counter, time_ns
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rowhook.model import Claim, DeliveryStatus
    from rowhook.worker.recorder import Result

# The parts of the time between a completion and its recorded result, in this order.
STAGES = ("capture", "queue", "render", "network", "record")
BOUNDS_S = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0),
)
_MAX_UNSORTED = 4096


class Durations:
    """A histogram. `counts` has one item more than BOUNDS_S, for longer durations."""

    __slots__ = ("counts", "total_s", "unsorted_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.total_s = 0.0
        self.unsorted_s: list[float] = []

    def sort(self) -> None:
        """Sorts the values appended to `unsorted_s` into the buckets."""
        counts = self.counts
        for seconds in self.unsorted_s:
            counts[bisect_left(BOUNDS_S, seconds)] += 1
            # Less than zero by the clock of another machine.
            if seconds > 0.0:
                self.total_s += seconds
        self.unsorted_s.clear()


class Tally:
    """The counts of one worker process.

    `attempts` are recorded attempts by outcome and status code, `deliveries` by the status that
    they gave their delivery. `claims` are statements, `claimed` deliveries.
    """

    def __init__(self) -> None:
        self.stages = {stage: Durations() for stage in STAGES}
        self._render_s = self.stages["render"].unsorted_s
        self._network_s = self.stages["network"].unsorted_s
        self._record_s = self.stages["record"].unsorted_s
        self.attempts: defaultdict[tuple[str, int | None], int] = defaultdict(int)
        self.deliveries: defaultdict[str, int] = defaultdict(int)
        self.claims = self.failed_claims = self.claimed = 0
        self.late_results = self.lost_leases = self.released = self.staged = self.reclaimed = 0
        self.healed = self.unrecordable = 0
        self.missed_heartbeats = 0
        # Of `time.monotonic`: when the queue and the heartbeat last started an iteration.
        self.queue_turned_at = self.heartbeat_turned_at = monotonic()
        # The last claim, in nanoseconds since 1970.
        self.claimed_between = (0, 0)
        self._claim_began_ns = 0
        self._finished_at: dict[int, float] = {}
        # How often in a row the lease of a claim was not renewed.
        self._unrenewed: dict[int, int] = {}

    def begin_claim(self) -> None:
        """Notes that a claim is sent now."""
        self._claim_began_ns = time_ns()

    def add_claim(self, reclaimed: int) -> None:
        """Counts a claim, which gave back this many expired claims that were never received."""
        self.claims += 1
        self.claimed_between = self._claim_began_ns, time_ns()
        self.reclaimed += reclaimed

    def add_claimed(self, claims: list[Claim], now_s: float) -> None:
        """Counts claimed deliveries; `now_s` is the database's time in seconds since 1970."""
        self.claimed += len(claims)
        capture_s = self.stages["capture"].unsorted_s
        queue_s = self.stages["queue"].unsorted_s
        for claim in claims:
            if (queued_s := claim.queued_s) is not None:
                queue_s.append(queued_s)
                capture_s.append(now_s - claim.event.occurred_at.timestamp() - queued_s)

    def finish(self, token: int, started_s: float, network_s: float) -> None:
        """Notes that an attempt ended now; it started at `started_s` of `perf_counter`."""
        now_s = self._finished_at[token] = perf_counter()
        self._render_s.append(now_s - started_s - network_s)

    def record(self, result: Result, status: DeliveryStatus | None) -> None:
        """Counts a recorded result, and the status of its delivery; None: the result was late."""
        finished_s = self._finished_at.pop(result.token)
        if status is None:
            self.late_results += 1
            return
        # As plain text, because hashing a member of an Enum takes a call in Python.
        attempt = str.__str__(result.outcome), result.status_code
        self.attempts[attempt] += 1
        self.deliveries[status] += 1
        if result.duration_ms:
            self._network_s.append(result.duration_ms / 1000)
        record_s = self._record_s
        record_s.append(perf_counter() - finished_s)
        if len(record_s) >= _MAX_UNSORTED:
            self.sort()

    def forget(self, token: int) -> None:
        """Counts a result that cannot be recorded in any form."""
        self._finished_at.pop(token, None)
        self.unrecordable += 1

    def add_unrenewed(self, tokens: Iterable[int]) -> None:
        """Counts the leases that could not be renewed twice in a row.

        The first time, the result of the claim may just have been recorded.
        """
        self._unrenewed = {token: self._unrenewed.get(token, 0) + 1 for token in tokens}
        self.lost_leases += sum(times == 2 for times in self._unrenewed.values())  # noqa: PLR2004

    def sort(self) -> None:
        """Sorts all durations into their buckets."""
        for durations in self.stages.values():
            durations.sort()
