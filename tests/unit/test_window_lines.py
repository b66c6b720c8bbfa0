"""The lines on the cards of the overview: a time window against the one before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rowhook.dashboard.window_lines import last_half, window_lines
from rowhook.services.stats import AttemptCounts, Series, SeriesPoint

START = datetime(2026, 5, 23, 12, tzinfo=UTC)


def series(*accepted_of: tuple[int, int]) -> Series:
    """A step for each number of accepted attempts of all attempts; the others ended in a 5xx."""
    points = [
        SeriesPoint(
            at=START + timedelta(minutes=minute),
            attempts=attempts,
            attempts_by_class=AttemptCounts(
                accepted=accepted,
                status_3xx=0,
                status_4xx=0,
                status_5xx=attempts - accepted,
                timeout=0,
                refused=0,
                held=0,
            ),
            dead=attempts - accepted,
        )
        for minute, (accepted, attempts) in enumerate(accepted_of)
    ]
    return Series(since=START, step_s=60, points=points)


def test_the_step_that_has_not_ended_belongs_to_the_current_window() -> None:
    both = series((1, 1), (2, 2), (3, 3), (4, 4), (5, 5))
    lines = window_lines(both)
    assert (lines.delivered.before, lines.delivered.current) == ([1, 2], [3, 4, 5])
    assert [point.attempts for point in last_half(both).points] == [3, 4, 5]
    assert last_half(both).since == START + timedelta(minutes=2)


def test_each_card_has_its_own_numbers() -> None:
    lines = window_lines(series((4, 4), (1, 4)))
    assert (lines.attempts.before, lines.attempts.current) == ([4], [4])
    assert (lines.success.before, lines.success.current) == ([1.0], [0.25])
    assert (lines.dead.before, lines.dead.current) == ([0], [3])


def test_a_step_without_attempts_continues_the_line_of_success() -> None:
    lines = window_lines(series((0, 0), (1, 1), (1, 2), (0, 0)))
    assert (lines.success.before, lines.success.current) == ([1.0, 1.0], [0.5, 0.5])


def test_a_window_without_attempts_has_no_line() -> None:
    lines = window_lines(series((0, 0), (0, 0), (1, 2), (0, 0)))
    assert all(line.current and not line.before for line in lines)
