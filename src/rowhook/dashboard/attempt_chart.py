"""Attempts by class, as the data of a chart and the columns of its table."""

from __future__ import annotations

import json
from typing import NamedTuple

from rowhook.services.stats import Series


class AttemptClass(NamedTuple):
    """A class of attempts: its field, its label, and the tone of charts.js."""

    name: str
    label: str
    tone: str
    is_always_shown: bool = True


_CLASSES = (
    AttemptClass("accepted", "2xx", "good"),
    AttemptClass("status_3xx", "3xx", "accent", is_always_shown=False),
    AttemptClass("status_4xx", "4xx", "warning"),
    AttemptClass("status_5xx", "5xx", "bad"),
    AttemptClass("timeout", "timeout", "slow"),
    AttemptClass("refused", "refused", "refused"),
    AttemptClass("held", "held", "neutral", is_always_shown=False),
)


class AttemptChart(NamedTuple):
    """A series, its chart as JSON for charts.js, its summary, and the classes that it shows."""

    series: Series
    chart: str
    summary: str
    classes: list[AttemptClass]


def attempt_chart(series: Series) -> AttemptChart:
    """Returns the chart of a series; classes that are rare are shown only if they occur."""
    counts = {
        kind.name: [getattr(point.attempts_by_class, kind.name) for point in series.points]
        for kind in _CLASSES
    }
    classes = [kind for kind in _CLASSES if kind.is_always_shown or any(counts[kind.name])]
    total = sum(point.attempts for point in series.points)
    parts = [
        f"{sum(counts[kind.name]):,} {kind.label}" for kind in classes if any(counts[kind.name])
    ]
    summary = f"{total:,} {'attempt' if total == 1 else 'attempts'}"
    chart = {
        "kind": "bars",
        "x": [round(point.at.timestamp()) for point in series.points],
        "series": [
            {"label": kind.label, "tone": kind.tone, "values": counts[kind.name]}
            for kind in classes
        ],
    }
    return AttemptChart(
        series, json.dumps(chart), ": ".join(filter(None, (summary, ", ".join(parts)))), classes
    )
