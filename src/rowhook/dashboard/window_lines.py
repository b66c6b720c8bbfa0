"""Lines on the cards of the overview: a time window against the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec.structs import replace

from rowhook.services.stats import Series, SeriesPoint


class WindowLine(NamedTuple):
    """A number for each step of the window, and of the window before; none without attempts."""

    current: list[float]
    before: list[float]


class WindowLines(NamedTuple):
    """The lines of the cards."""

    attempts: WindowLine
    success: WindowLine
    delivered: WindowLine
    dead: WindowLine


def last_half(series: Series) -> Series:
    """Cuts a series of two windows to the current one, which has the step that has not ended."""
    points = series.points[len(series.points) // 2 :]
    return replace(series, since=points[0].at, points=points)


def window_lines(series: Series) -> WindowLines:
    """Makes the lines of a series of two windows."""
    middle = len(series.points) // 2
    before, current = series.points[:middle], series.points[middle:]

    def line(numbers: Callable[[Iterable[SeriesPoint]], list[float]]) -> WindowLine:
        return WindowLine(
            *(numbers(half) if any(p.attempts for p in half) else [] for half in (current, before))
        )

    return WindowLines(
        attempts=line(lambda points: [point.attempts for point in points]),
        success=line(_shares),
        delivered=line(lambda points: [point.attempts_by_class.accepted for point in points]),
        dead=line(lambda points: [point.dead for point in points]),
    )


def _shares(points: Iterable[SeriesPoint]) -> list[float]:
    """Shares of accepted attempts. A step without attempts continues the line."""
    shares: list[float] = []
    for point in points:
        last = shares[-1] if shares else 1.0
        accepted = point.attempts_by_class.accepted
        shares.append(accepted / point.attempts if point.attempts else last)
    return shares
