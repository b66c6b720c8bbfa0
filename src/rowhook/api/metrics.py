"""`/metrics` for Prometheus, without names, ids or keys in labels."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from litestar import Response
from litestar.datastructures import State
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from rowhook.api.routing import public_route
from rowhook.db import installation_queries
from rowhook.db.connection_pool import Pool
from rowhook.db.installation_queries import Gauges, KindBacklog
from rowhook.db.statements import StatementError, Unreachable
from rowhook.model import WAITING_STATUSES
from rowhook.output_kinds import OUTPUT_KINDS

_CACHE_S = 5.0
# Streams stay open as long as their page, so their duration means nothing.
_STREAM = "/callbacks"
# Counting a backlog of a million takes a second, so slow reads are cached for longer.
_MAX_TIME_SHARE = 0.05
_DEADLINE_S = 6.0
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_EXAMPLE = """\
# HELP rowhook_database_up 1 if the database answers.
# TYPE rowhook_database_up gauge
rowhook_database_up 1.0
# HELP rowhook_deliveries Deliveries that are not finished.
# TYPE rowhook_deliveries gauge
rowhook_deliveries{status="pending"} 12.0
"""


class Metrics:
    """The metrics of one process, and those that it last read from the database."""

    def __init__(self, pool: Pool) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "rowhook_api_requests_total",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "rowhook_api_request_seconds",
            "Time from the request's head to the end of the response.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._database = _Database(pool)
        self._registry.register(self._database)

    def record(self, method: str, route: str, status: int | None, seconds: float) -> None:
        """Record one request. `status` is None if the client disconnected."""
        self._requests.labels(method, route, str(status or "none")).inc()
        if not route.endswith(_STREAM):
            self._seconds.labels(method, route).observe(seconds)

    async def text(self) -> bytes:
        """Format all metrics in Prometheus' text format 0.0.4."""
        await self._database.refresh()
        return generate_latest(self._registry)


class _Database(Collector):
    """The gauges of the database, cached for some seconds."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._lock = asyncio.Lock()
        self._cached_until = float("-inf")
        self._up = False
        self._gauges: Gauges | None = None

    async def refresh(self) -> None:
        async with self._lock:
            started = time.monotonic()
            if started < self._cached_until:
                return
            await self._read()
            ended = time.monotonic()
            throttle_s = (ended - started) / _MAX_TIME_SHARE if self._gauges else 0
            self._cached_until = ended + max(_CACHE_S, throttle_s)

    async def _read(self) -> None:
        self._up, self._gauges = False, None
        try:
            async with asyncio.timeout(_DEADLINE_S):
                self._gauges = await installation_queries.gauges(self._pool)
            self._up = True
        except (*Unreachable, TimeoutError):
            pass
        except StatementError:
            # The database answers but is not migrated to this version, which /readyz reports.
            self._up = True

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("rowhook_database_up", "1 if the database answers.", self._up)
        if self._gauges is not None:
            yield from _delivery_gauges(self._gauges)
            yield from _backlog_gauges(self._gauges.backlog)
        yield from _pool_metrics(self._pool.get_stats())


def _delivery_gauges(now: Gauges) -> Iterator[Metric]:
    waiting = GaugeMetricFamily(
        "rowhook_deliveries", "Deliveries that are not finished.", labels=("status",)
    )
    for status in WAITING_STATUSES:
        waiting.add_metric((status,), getattr(now, status))
    yield waiting
    yield GaugeMetricFamily(
        "rowhook_workers", "Worker processes seen in the last 30 seconds.", now.workers
    )
    yield GaugeMetricFamily(
        "rowhook_capture_errors_open",
        "Failed captures that are not healed yet.",
        now.capture_errors,
    )
    yield GaugeMetricFamily(
        "rowhook_circuits_open",
        "Webhooks whose circuit is open: their receivers fail and get only probes.",
        now.circuits_open,
    )


def _backlog_gauges(backlog: list[KindBacklog]) -> Iterator[Metric]:
    due = GaugeMetricFamily(
        "rowhook_backlog",
        "Deliveries of active webhooks that are due and not yet claimed, by kind of output.",
        labels=("kind",),
    )
    oldest = GaugeMetricFamily(
        "rowhook_oldest_due_seconds",
        "Seconds since the oldest delivery of the backlog became due, by kind of output.",
        labels=("kind",),
    )
    without_any = {kind: KindBacklog(kind) for kind in OUTPUT_KINDS}
    for of_kind in (without_any | {each.kind: each for each in backlog}).values():
        due.add_metric((of_kind.kind,), of_kind.due)
        oldest.add_metric((of_kind.kind,), of_kind.oldest_due_s)
    yield due
    yield oldest


def _pool_metrics(stats: dict[str, int]) -> Iterator[Metric]:
    for name, description in {
        "pool_size": "Connections in the pool of this process.",
        "pool_available": "Idle connections in the pool.",
        "requests_waiting": "Requests waiting for a connection.",
    }.items():
        yield GaugeMetricFamily(f"rowhook_database_{name}", description, stats.get(name, 0))
    for name, description in {
        "requests_num": "Connections requested from the pool.",
        "requests_errors": "Requests that got no connection in time.",
        "connections_errors": "Failed connection attempts.",
        "connections_lost": "Connections lost.",
    }.items():
        yield CounterMetricFamily(f"rowhook_database_{name}", description, stats.get(name, 0))


@public_route(
    "/metrics",
    response_example=_EXAMPLE,
    media_type="text/plain",
    tags=["Service"],
    summary="Gauges and counters for Prometheus",
)
async def metrics(state: State) -> Response[bytes]:
    """Get metrics without authentication: let only Prometheus reach it. 200 without a database."""
    metrics: Metrics = state.metrics
    return Response(await metrics.text(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
