"""Durations, and times relative to now, as short texts."""

from __future__ import annotations

from datetime import UTC, datetime

# Seconds of each unit, and of the next smaller one.
_UNITS = ((86400, "d", 3600), (3600, "h", 60), (60, "min", 1))


def format_duration(seconds: float, *, whole: bool = False) -> str:
    """Format a duration in one unit with two digits or more: `12 ms`, `3.4 s`, `5 min`, `2 h`.

    The unit is the largest that the duration has at least twice, so that `90 s` is not rounded to
    `2 min`, after rounding to the next smaller unit, so that nothing takes `120 min`. With `whole`,
    the number has no decimals.
    """
    sign, seconds = "-" if seconds < 0 else "", abs(seconds)
    for size, unit, smaller in _UNITS:
        if round(seconds / smaller) * smaller >= 2 * size:
            return f"{sign}{_number(seconds / size, whole=whole)} {unit}"
    if seconds >= 1:
        return f"{sign}{_number(seconds, whole=whole)} s"
    if whole and not seconds:
        return "0 s"
    return f"{sign}{_number(seconds * 1000, whole=whole)} ms"


def format_relative(moment: datetime, now: datetime | None = None) -> str:
    """Format a time relative to now: `2 min ago`, `in 5 min`, `now`."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if abs(seconds) < 1:
        return "now"
    amount = format_duration(abs(seconds), whole=True)
    return f"{amount} ago" if seconds > 0 else f"in {amount}"


def _number(value: float, *, whole: bool) -> str:
    return f"{value:.0f}" if whole or value >= 9.95 else f"{value:.2g}"  # noqa: PLR2004  # 10 when rounded
