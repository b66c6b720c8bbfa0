"""Monitoring: `/metrics`, `/v1/system`, `/v1/workers` and the probes of this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Generic, TypeVar

from litestar import Response, Router
from litestar.datastructures import State
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from rowhook.api.installation_families import maintenance_families, queue_families, standby_families
from rowhook.api.openapi import EXAMPLES
from rowhook.api.parameters import ContextDependency
from rowhook.api.problems import problem
from rowhook.api.routing import get_route, public_route
from rowhook.db import stats_queries
from rowhook.db.connection_pool import Pool
from rowhook.db.standby import Standby
from rowhook.db.statements import StatementError, Unreachable
from rowhook.metric_families import gauge, process_families
from rowhook.migrate.runner import Readiness
from rowhook.services import installation
from rowhook.services.context import ServerContext
from rowhook.services.installation import System, Workers

T = TypeVar("T")
_CACHE_S = 5.0
# Streams stay open as long as their page, so their duration means nothing.
_STREAM = "/callbacks"
# Counting a backlog of a million takes a second, so slow reads are cached for longer.
_MAX_TIME_SHARE = 0.05
_DEADLINE_S = 6.0
_STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx", "none")
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_EXAMPLE = """\
# HELP rowhook_database_up 1 if the database answers.
# TYPE rowhook_database_up gauge
rowhook_database_up 1.0
# HELP rowhook_deliveries Deliveries that are not finished.
# TYPE rowhook_deliveries gauge
rowhook_deliveries{status="pending"} 12.0
"""


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
        """Record one request. `status` is None if the client disconnected."""
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
        """Format all metrics in Prometheus' text format 0.0.4."""
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


@get_route("/system", scope="admin", response_example=EXAMPLES["system"], operators_only=True)
async def read_system(ctx: ContextDependency, state: State) -> System:
    """Get versions, migrations, workers, capture gaps, and settings with masked secrets.

    Requires an operator key.
    """
    server_ctx: ServerContext = state.server_ctx
    return await installation.system(ctx, server_ctx.settings, server_ctx.ctx.standby)


@get_route("/workers", response_example=EXAMPLES["workers"])
async def list_workers(ctx: ContextDependency) -> Workers:
    """List worker processes with their heartbeats. Only operator keys see host and process id."""
    return Workers(await installation.workers(ctx))


def router() -> Router:
    """The router of this resource."""
    return Router(path="/", tags=["System"], route_handlers=[read_system, list_workers])


@public_route(
    "/livez",
    response_example={"status": "alive"},
    sync_to_thread=False,
    tags=["Service"],
    summary="Liveness probe",
)
def livez() -> dict[str, str]:
    """Return 200 while the process runs."""
    return {"status": "alive"}


@public_route(
    "/readyz",
    response_example={"status": "ready"},
    errors=(503,),
    tags=["Service"],
    summary="Readiness probe",
)
async def readyz(state: State) -> Response[dict[str, str]]:
    """Return 200 if the database is reachable and migrated, else 503 with the reason."""
    readiness: Readiness = state.readiness
    reason = await readiness.reason()
    return Response({"status": "ready"}) if reason is None else _unready(reason)


def _unready(reason: str) -> Response[Any]:
    return problem(503, reason, headers={"Retry-After": "1"})
