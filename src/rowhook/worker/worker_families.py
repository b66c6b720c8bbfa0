"""The metrics of a worker, from its tally."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import HistogramMetricFamily, Metric

from rowhook.metric_families import counter, counters_by, gauge
from rowhook.model import Verdict
from rowhook.worker.tally import BOUNDS_S, Durations, Tally

if TYPE_CHECKING:
    from collections.abc import Mapping

# Statuses that a result can give its delivery.
_STATUSES = ("delivered", "pending", "held", "dead", "skipped", "cancelled")
# Outcomes with a status code; the others have the class `none`.
_STATUS_CLASSES = {
    Verdict.DELIVERED: ("2xx",),
    Verdict.HTTP_STATUS: ("3xx", "4xx", "5xx"),
}
_LAST_CLASS = 5
_COUNTERS = {
    "claims": "Statements that claimed, also those that found nothing.",
    "failed_claims": "Statements that failed to claim.",
    "claimed": "Deliveries claimed.",
    "released": "Claimed deliveries that were given back without an attempt.",
    "staged": "Outputs stored for the page of a session.",
    "late_results": "Results that did not count, because the delivery had been taken away.",
    "lost_leases": "Claims that another worker took over before they had a result.",
    "reclaimed": "Expired claims given back whose answer never arrived.",
    "unrecordable": "Results that could not be stored in any form.",
    "missed_heartbeats": "Heartbeats that failed.",
    "healed": "Completions that a capture had missed and healing made up for.",
}


def worker_families(
    tally: Tally,
    *,
    listens: bool,
    claims: int,
    sending: int,
    results_waiting: int,
    retention_failures: int,
) -> Iterator[Metric]:
    """Yield every metric of a worker. All series exist before the first event."""
    yield _attempts(tally)
    yield counters_by(
        "rowhook_worker_deliveries",
        "Recorded results by the status that they gave the delivery; pending: a retry.",
        ("status",),
        (((status,), count) for status, count in _with_zeros(_STATUSES, tally.deliveries).items()),
    )
    yield _stages(tally)
    for name, description in _COUNTERS.items():
        yield counter(f"rowhook_worker_{name}", description, getattr(tally, name))
    yield counter(
        "rowhook_worker_retention_failures",
        "Runs of the retention that failed.",
        retention_failures,
    )
    yield gauge(
        "rowhook_worker_listening",
        "1 if the LISTEN connection is up; without it, deliveries are found by polling.",
        listens,
    )
    yield gauge("rowhook_worker_in_flight", "Claimed deliveries that are not recorded yet.", claims)
    yield gauge("rowhook_worker_sending", "Deliveries that are rendered or sent.", sending)
    yield gauge(
        "rowhook_worker_results_waiting", "Results that are not recorded yet.", results_waiting
    )


def _with_zeros(names: tuple[str, ...], counts: Mapping[str, int]) -> dict[str, int]:
    return dict.fromkeys(names, 0) | dict(counts)


def _attempts(tally: Tally) -> Metric:
    counts = {
        (verdict.value, status_class): 0
        for verdict in Verdict
        for status_class in _STATUS_CLASSES.get(verdict, ("none",))
    }
    for (outcome, status_code), count in tally.attempts.items():
        key = str(outcome), _status_class(status_code)
        counts[key] = counts.get(key, 0) + count
    return counters_by(
        "rowhook_worker_attempts",
        "Recorded attempts by outcome and class of the status code.",
        ("outcome", "status_class"),
        counts.items(),
    )


def _status_class(status_code: int | None) -> str:
    if status_code is None:
        return "none"
    hundreds = status_code // 100
    return f"{hundreds}xx" if 1 <= hundreds <= _LAST_CLASS else "other"


def _stages(tally: Tally) -> Metric:
    tally.sort()
    family = HistogramMetricFamily(
        "rowhook_worker_stage_seconds",
        "Time of a delivery in each stage: capture, queue, render, network, record.",
        labels=("stage",),
    )
    for stage, durations in tally.stages.items():
        family.add_metric((stage,), _buckets(durations), durations.total_s)
    return family


def _buckets(durations: Durations) -> list[tuple[str, float]]:
    bounds = (*map(str, BOUNDS_S), "+Inf")
    return list(zip(bounds, accumulate(durations.counts), strict=True))
