"""Durations and relative times as displayed on the command line and in the dashboard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rowhook.durations import format_duration, format_relative

NOW = datetime(2026, 5, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text", "whole"),
    [
        (0, "0 ms", "0 s"),
        (0.0015, "1.5 ms", "2 ms"),
        (0.25, "250 ms", "250 ms"),
        (0.9996, "1000 ms", "1000 ms"),
        (1, "1 s", "1 s"),
        (3.44, "3.4 s", "3 s"),
        (9.96, "10 s", "10 s"),
        (90, "90 s", "90 s"),
        (119.6, "2 min", "2 min"),
        (150, "2.5 min", "2 min"),
        (7_160, "119 min", "119 min"),
        (7_180, "2 h", "2 h"),
        (7_200, "2 h", "2 h"),
        (86_400, "24 h", "24 h"),
        (2 * 86_400 - 100, "2 d", "2 d"),
        (30 * 86_400, "30 d", "30 d"),
        (2_000 * 86_400, "2000 d", "2000 d"),
        (-3.44, "-3.4 s", "-3 s"),
    ],
)
def test_a_duration_has_one_unit_and_two_digits_or_no_decimals(
    seconds: float, text: str, whole: str
) -> None:
    assert format_duration(seconds) == text
    assert format_duration(seconds, whole=True) == whole


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-90, "90 s ago"), (-0.5, "now"), (0.5, "now"), (1.5, "in 2 s"), (7_200, "in 2 h")],
)
def test_a_time_is_before_or_after_now(seconds: float, text: str) -> None:
    assert format_relative(NOW + timedelta(seconds=seconds), NOW) == text
