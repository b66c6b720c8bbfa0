"""The timeline of a delivery, from its event to its final status."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from rowhook.services.deliveries import Attempt, DeliveryWithAttempts

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
    """List the steps of a delivery so far."""
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
    """Describe the outcome of an attempt in a sentence."""
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
