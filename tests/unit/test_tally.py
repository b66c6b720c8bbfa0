"""The counts of a worker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import perf_counter
from uuid import uuid4

import pytest

from rowhook.model import Claim, Event, Outcome, Verdict
from rowhook.worker.recorder import Result
from rowhook.worker.tally import BOUNDS_S, Tally

NOW = datetime(2026, 5, 23, 12, tzinfo=UTC)


def claim(token: int, *, queued_s: float | None = None) -> Claim:
    event = Event(
        id=1,
        type="goal.committed",
        key="commit_1",
        organization_id=uuid4(),
        occurred_at=NOW - timedelta(seconds=9),
        snapshot="{}",
        data="{}",
        context=None,
    )
    return Claim(
        token=token,
        outbox_id=token,
        number=1,
        webhook_id=uuid4(),
        revision=1,
        secrets_version=1,
        event=event,
        queued_s=queued_s,
    )


def result(token: int, outcome: Outcome) -> Result:
    return Result.of(claim(token), outcome, NOW)


def place(seconds: float) -> int:
    """Returns the bucket that a duration belongs to."""
    return sum(bound < seconds for bound in BOUNDS_S)


def buckets(tally: Tally, stage: str) -> dict[int, int]:
    """Returns the counts of the buckets that are not empty."""
    tally.sort()
    return {index: count for index, count in enumerate(tally.stages[stage].counts) if count}


def test_first_attempts_are_split_into_capture_and_queue() -> None:
    tally = Tally()
    tally.add_claimed([claim(1, queued_s=2.0), claim(2)], NOW.timestamp())
    assert tally.claimed == 2
    assert buckets(tally, "queue") == {place(2.0): 1}
    assert buckets(tally, "capture") == {place(7.0): 1}


def test_a_clock_that_is_behind_counts_as_no_time() -> None:
    tally = Tally()
    tally.add_claimed([claim(1, queued_s=-0.5)], (NOW - timedelta(minutes=1)).timestamp())
    assert buckets(tally, "queue") == buckets(tally, "capture") == {0: 1}


def test_a_recorded_result_is_counted_by_outcome_code_status_and_stage() -> None:
    tally = Tally()
    outcome = Outcome(verdict=Verdict.HTTP_STATUS, status_code=503, duration_ms=40.0)
    tally.finish(1, perf_counter() - 0.2, 0.04)
    tally.record(result(1, outcome), "pending")
    assert tally.attempts == {("http_status", 503): 1}
    assert tally.deliveries == {"pending": 1}
    assert buckets(tally, "network") == {place(0.04): 1}
    assert buckets(tally, "render") == {place(0.16): 1}
    assert sum(buckets(tally, "record").values()) == 1
    assert tally.stages["network"].total_s == pytest.approx(0.04)


def test_a_late_result_counts_as_no_attempt() -> None:
    tally = Tally()
    tally.finish(1, perf_counter(), 0.0)
    tally.record(result(1, Outcome(verdict=Verdict.DELIVERED, status_code=200)), None)
    assert (tally.late_results, tally.attempts, tally.deliveries) == (1, {}, {})


def test_a_lease_is_lost_once_it_was_not_renewed_twice() -> None:
    tally = Tally()
    lost = []
    for tokens in ({1, 2}, {2, 3}, {2, 3}, set(), {3}):
        tally.add_unrenewed(tokens)
        lost.append(tally.lost_leases)
    assert lost == [0, 1, 2, 2, 2]
