"""Metrics of an API process: the requests that it answered, and figures from the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from math import inf
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from rowhook.db import stats_queries
from rowhook.db.connection_pool import Pool
from rowhook.db.standby import Standby
from rowhook.db.statements import StatementError, Unreachable
from rowhook.db.stats_queries import DueDeliveries, QueueMetrics, RetentionMetrics, UpkeepMetrics
from rowhook.metric_families import counter, counters_by, gauge, gauges_by, process_families
from rowhook.model import WAITING_STATUSES
from rowhook.output_kinds import OUTPUT_KINDS

T = TypeVar("T")
_CACHE_S = 5.0
# Streams stay open as long as their page, so their duration means nothing.
_STREAM = "/callbacks"
# Counting a backlog of a million takes a second, so slow reads are cached for longer.
_MAX_TIME_SHARE = 0.05
_DEADLINE_S = 6.0
_STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx", "none")
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_NONE_DUE = DueDeliveries()
_RANKS = ("1", "2", "3", "4", "5", "other")
_WEBHOOK_STATES = ("active", "paused", "disabled")


class RequestMetrics:
    """The requests that this process answered."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "rowhook_api_requests_total",
            "Requests answered.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._responses = Counter(
            "rowhook_api_responses_total",
            "Responses by class of status; none: the client disconnected.",
            ("status_class",),
            registry=registry,
        )
        for status_class in _STATUS_CLASSES:
            self._responses.labels(status_class)
        self._seconds = Histogram(
            "rowhook_api_request_seconds",
            "Time from the request's head to the end of the response.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=registry,
        )

    def record(self, method: str, route: str, status: int | None, seconds: float) -> None:
        """Records one request. `status` is None if the client disconnected."""
        self._requests.labels(method, route, str(status or "none")).inc()
        self._responses.labels(f"{status // 100}xx" if status else "none").inc()
        if not route.endswith(_STREAM):
            self._seconds.labels(method, route).observe(seconds)


class Metrics:
    """The metrics of one process, and those that it last read from the database."""

    def __init__(self, pool: Pool, standby: Standby | None = None) -> None:
        registry = CollectorRegistry()
        self.record = RequestMetrics(registry).record
        self._registry = registry
        self._database = _Database(pool, standby)
        registry.register(self._database)

    async def text(self) -> bytes:
        """Formats all metrics in Prometheus' text format 0.0.4."""
        await self._database.refresh()
        return generate_latest(self._registry)


class _Reading(Generic[T]):
    """Figures of the database, cached for some seconds; None if they could not be read."""

    def __init__(self, read: Callable[[Pool], Awaitable[T]], pool: Pool) -> None:
        self.is_up = False
        self.figures: T | None = None
        self._read = read
        self._pool = pool
        self._cached_until = float("-inf")

    async def refresh(self) -> None:
        started = time.monotonic()
        if started < self._cached_until:
            return
        self.is_up, self.figures = False, None
        try:
            async with asyncio.timeout(_DEADLINE_S):
                self.figures = await self._read(self._pool)
            self.is_up = True
        except (*Unreachable, TimeoutError):
            pass
        except StatementError:
            # The database answers but is not migrated to this version, which /readyz reports.
            self.is_up = True
        ended = time.monotonic()
        throttle_s = (ended - started) / _MAX_TIME_SHARE if self.figures is not None else 0
        self._cached_until = ended + max(_CACHE_S, throttle_s)


class _Database(Collector):
    """The metrics that are read from the database."""

    def __init__(self, pool: Pool, standby: Standby | None) -> None:
        self._pool = pool
        self._standby = standby
        self._lock = asyncio.Lock()
        self._upkeep = _Reading(stats_queries.upkeep_metrics, pool)
        self._queue = _Reading(stats_queries.queue_metrics, pool)

    async def refresh(self) -> None:
        async with self._lock:
            await asyncio.gather(self._upkeep.refresh(), self._queue.refresh())

    def collect(self) -> Iterator[Metric]:
        is_up = self._upkeep.is_up or self._queue.is_up
        yield gauge("rowhook_database_up", "1 if the database answers.", is_up)
        if self._queue.figures is not None:
            yield from queue_families(self._queue.figures)
        if self._upkeep.figures is not None:
            yield from maintenance_families(self._upkeep.figures)
        yield from standby_families(self._standby)
        yield from process_families("api", self._pool.get_stats())


def standby_families(standby: Standby | None) -> Iterator[Metric]:
    """Yields the state of the standby that this process reads; zeros without one."""
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
    """Yields the deliveries that are not finished, and those that are due."""
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
        "Seconds since the oldest delivery that a worker could send became due, by kind of output."
        " Those that wait for an open circuit, a full lane, a rate or an order do not count.",
        "kind",
        dict.fromkeys(OUTPUT_KINDS, _NONE_DUE) | queue.kinds,
    )
    yield from _due_families(
        "rowhook_organization_backlog",
        "rowhook_organization_oldest_due_seconds",
        "The backlog of the five organizations with the largest ones, by rank, and of all others.",
        "Seconds since their oldest delivery that a worker could send became due.",
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
    """Yields workers, webhooks, circuits, capture, and the causes of delayed vacuum."""
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
