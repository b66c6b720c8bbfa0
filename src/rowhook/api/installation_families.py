"""The metrics of the whole installation, which the API reads from the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf

from prometheus_client.core import Metric

from rowhook.db.standby import Standby
from rowhook.db.stats_queries import DueDeliveries, QueueMetrics, RetentionMetrics, UpkeepMetrics
from rowhook.metric_families import counter, counters_by, gauge, gauges_by
from rowhook.model import WAITING_STATUSES
from rowhook.output_kinds import OUTPUT_KINDS

_NONE_DUE = DueDeliveries()
_RANKS = ("1", "2", "3", "4", "5", "other")
_WEBHOOK_STATES = ("active", "paused", "disabled")


def standby_families(standby: Standby | None) -> Iterator[Metric]:
    """Yield the state of the standby that this process reads; zeros without one."""
    status = None if standby is None else standby.status
    lag_s = 0.0 if status is None else status.lag_s
    yield gauge("rowhook_standby_configured", "1 if DATABASE_READ_URL is set.", standby is not None)
    yield gauge(
        "rowhook_standby_read",
        "1 if lists are read from the standby, 0 if from the primary.",
        status is not None and status.is_read,
    )
    yield gauge(
        "rowhook_standby_lag_seconds",
        "How far the standby is behind, at most; +Inf before it was first reached.",
        inf if lag_s is None else lag_s,
    )
    queries = {"standby": 0, "primary": 0} if standby is None else standby.queries
    yield counters_by(
        "rowhook_standby_queries",
        "Queries of lists that may be read from the standby, by the server that answered.",
        ("server",),
        (((server,), count) for server, count in queries.items()),
    )


def queue_families(queue: QueueMetrics) -> Iterator[Metric]:
    """Yield the deliveries that are not finished, and those that are due."""
    yield gauges_by(
        "rowhook_deliveries",
        "Deliveries that are not finished, counted up to 100,000 for each webhook.",
        "status",
        {status: getattr(queue, status) for status in WAITING_STATUSES},
    )
    yield from _due_families(
        "rowhook_backlog",
        "rowhook_oldest_due_seconds",
        "Deliveries of active webhooks that are due and not yet claimed, by kind of output.",
        "Seconds since the oldest delivery of the backlog became due, by kind of output.",
        "kind",
        dict.fromkeys(OUTPUT_KINDS, _NONE_DUE) | queue.kinds,
    )
    yield from _due_families(
        "rowhook_organization_backlog",
        "rowhook_organization_oldest_due_seconds",
        "The backlog of the five organizations with the largest ones, by rank, and of all others.",
        "Seconds since the oldest delivery of that backlog became due.",
        "rank",
        dict.fromkeys(_RANKS, _NONE_DUE) | queue.organizations,
    )


def _due_families(
    backlog: str,
    oldest: str,
    backlog_description: str,
    oldest_description: str,
    label: str,
    values: Mapping[str, DueDeliveries],
) -> Iterator[Metric]:
    due = {text: value.due for text, value in values.items()}
    oldest_s = {text: value.oldest_due_s for text, value in values.items()}
    yield gauges_by(backlog, backlog_description, label, due)
    yield gauges_by(oldest, oldest_description, label, oldest_s)


def maintenance_families(now: UpkeepMetrics) -> Iterator[Metric]:
    """Yield workers, webhooks, circuits, capture, and the causes of delayed vacuum."""
    yield gauge("rowhook_workers", "Worker processes seen in the last 30 seconds.", now.workers)
    yield gauge(
        "rowhook_deliveries_suspended",
        "1 if nothing is sent because the database is a copy.",
        now.is_suspended,
    )
    yield gauges_by(
        "rowhook_webhooks",
        "Webhooks by state.",
        "state",
        dict.fromkeys(_WEBHOOK_STATES, 0) | now.webhooks,
    )
    yield from _circuit_families(now)
    yield from _capture_families(now)
    yield from _retention_families(now.retention)
    yield gauge(
        "rowhook_partitions_ahead",
        "Days after today whose partitions of attempts exist, at most 7.",
        now.partitions_ahead,
    )
    yield gauge(
        "rowhook_oldest_xmin_transactions",
        "Transactions since the oldest one that keeps vacuum from removing dead rows. Needs"
        " pg_monitor to see readers of other logins.",
        now.oldest_xmin_age,
    )
    yield gauge(
        "rowhook_oldest_transaction_seconds",
        "Age of the oldest open transaction. Needs pg_monitor to see those of other logins.",
        now.oldest_transaction_s,
    )
    yield gauges_by(
        "rowhook_postgres_info",
        "1, with the version of the server.",
        "version",
        {now.postgres_version: 1},
    )


def _circuit_families(now: UpkeepMetrics) -> Iterator[Metric]:
    yield gauge(
        "rowhook_circuits_open",
        "Webhooks whose circuit is open: their receivers fail and get only probes.",
        now.circuits_open,
    )
    yield gauge(
        "rowhook_circuits_half_open",
        "Webhooks whose circuit is half open: a probe succeeded, and the limit is raised again.",
        now.circuits_half_open,
    )
    yield gauge(
        "rowhook_circuit_failing_seconds",
        "For how long the receiver of an open circuit has failed, the longest of them.",
        now.longest_open_s,
    )


def _capture_families(now: UpkeepMetrics) -> Iterator[Metric]:
    yield counter(
        "rowhook_capture_errors",
        "Captures that failed, since the installation.",
        now.capture_errors,
    )
    yield gauge(
        "rowhook_capture_errors_open",
        "Failed captures that are not healed yet.",
        now.capture_errors_open,
    )
    yield gauge(
        "rowhook_capture_gaps",
        "Completions without an event among the newest 10,000 of each source.",
        now.capture_gaps,
    )


def _retention_families(kinds: tuple[RetentionMetrics, ...]) -> Iterator[Metric]:
    yield gauges_by(
        "rowhook_retention_keep_seconds",
        "How long rows of a kind are kept; infinite if forever.",
        "kind",
        {kind.kind: inf if kind.keep_s is None else kind.keep_s for kind in kinds},
    )
    yield gauges_by(
        "rowhook_retention_oldest_age_seconds",
        "Age of the oldest row of a kind, 0 if there is none or no index tells.",
        "kind",
        {kind.kind: kind.age_s or 0 for kind in kinds},
    )
    yield gauges_by(
        "rowhook_retention_last_success_timestamp_seconds",
        "When a run last removed all expired rows of a kind, in Unix time; 0 if never.",
        "kind",
        {kind.kind: kind.finished_s or 0 for kind in kinds},
    )
    yield gauges_by(
        "rowhook_retention_removed_rows",
        "Rows of a kind that the last run removed.",
        "kind",
        {kind.kind: kind.removed for kind in kinds},
    )
