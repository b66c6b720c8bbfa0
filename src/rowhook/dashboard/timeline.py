"""Attempts over time: the timeline of one delivery, and the chart of many."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from rowhook.services.deliveries import Attempt, DeliveryWithAttempts
from rowhook.services.stats import Series

_ENDS = {
    "delivered": ("Delivered", "good"),
    "dead": ("Dead: retries exhausted", "bad"),
    "cancelled": ("Cancelled", "none"),
    "skipped": ("Skipped", "none"),
}
_OUTCOME_TEXTS = {
    "delivered": "The receiver accepted the request.",
    "skipped": "Nothing was sent: the condition was false.",
    "config_rejected": "Nothing was sent: the webhook's configuration cannot be used.",
    "render_failed": "Nothing was sent: a template could not be rendered.",
    "schema_failed": "Nothing was sent: the body does not match the schema.",
    "target_forbidden": "Nothing was sent: the target address is not allowed.",
    "dns_failed": "The receiver's host name could not be resolved.",
    "connect_failed": "The connection to the receiver failed.",
    "tls_failed": "The receiver's TLS certificate could not be verified.",
    "timeout": "The receiver did not answer in time.",
    "response_invalid": "The receiver's response is not valid HTTP.",
    "http_status": "The receiver answered with a status other than 2xx.",
}


class Step(NamedTuple):
    """A step, `after_ms` after the previous one; `tone` is good, bad or none."""

    name: str
    at: datetime
    after_ms: float | None
    detail: str
    tone: str
    attempt: int | None


class _Milestone(NamedTuple):
    name: str
    at: datetime
    detail: str = ""
    tone: str = "none"
    attempt: int | None = None


def timeline(delivery: DeliveryWithAttempts) -> list[Step]:
    """Lists the steps of a delivery so far."""
    steps: list[Step] = []
    for milestone in _milestones(delivery):
        after = (milestone.at - steps[-1].at).total_seconds() * 1000 if steps else None
        steps.append(
            Step(
                milestone.name,
                milestone.at,
                after,
                milestone.detail,
                milestone.tone,
                milestone.attempt,
            )
        )
    return steps


def outcome_text(attempt: Attempt) -> str:
    """Describes the outcome of an attempt in a sentence."""
    return _OUTCOME_TEXTS.get(attempt.outcome, attempt.outcome)


def _milestones(delivery: DeliveryWithAttempts) -> Iterator[_Milestone]:
    if delivery.occurred_at is not None:
        name = "Committed" if delivery.commit_id is not None else "Occurred"
        yield _Milestone(
            "Job finished" if delivery.job_id is not None else name, delivery.occurred_at
        )
    yield _Milestone(
        "Captured", delivery.captured_at or delivery.created_at, "in the same transaction"
    )
    for attempt in delivery.tries:
        yield from _attempt_milestones(attempt)
    if delivery.status in _ENDS and delivery.finished_at is not None:
        name, tone = _ENDS[delivery.status]
        yield _Milestone(name, delivery.finished_at, tone=tone)


def _attempt_milestones(attempt: Attempt) -> Iterator[_Milestone]:
    number = attempt.number
    yield _Milestone(
        "Claimed", attempt.started_at, f"by a worker, for attempt {number}", "none", number
    )
    rendered_ms = 0.0
    for name, ms in (("Rendered", attempt.rendered_ms), ("Validated", attempt.validated_ms)):
        if ms is not None:
            rendered_ms = ms
            yield _Milestone(name, _after(attempt, ms), attempt=number)
    yield _Milestone(
        f"Attempt {number} ended",
        _after(attempt, rendered_ms + attempt.duration_ms),
        attempt.error or outcome_text(attempt),
        "good" if attempt.outcome in ("delivered", "skipped") else "bad",
        number,
    )


def _after(attempt: Attempt, ms: float) -> datetime:
    return attempt.started_at + timedelta(milliseconds=ms)


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
