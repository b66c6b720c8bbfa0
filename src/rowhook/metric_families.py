"""Prometheus metrics that the processes of Rowhook have in common."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import version

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector

_POOL_GAUGES = {
    "pool_size": "Connections in the pool of this process.",
    "pool_available": "Idle connections in the pool.",
    "requests_waiting": "Requests waiting for a connection.",
}
_POOL_COUNTERS = {
    "requests_num": "Connections requested from the pool.",
    "requests_errors": "Requests that got no connection in time.",
    "connections_errors": "Failed connection attempts.",
    "connections_lost": "Connections lost.",
}


@cache
def _own_version() -> str:
    return version("rowhook")


def gauge(name: str, description: str, value: float) -> Metric:
    """Return a gauge without labels."""
    return GaugeMetricFamily(name, description, value)


def counter(name: str, description: str, value: float) -> Metric:
    """Return a counter without labels."""
    return CounterMetricFamily(name, description, value)


def gauges_by(name: str, description: str, label: str, values: Mapping[str, float]) -> Metric:
    """Return a gauge for each value of a label."""
    family = GaugeMetricFamily(name, description, labels=(label,))
    for text, value in values.items():
        family.add_metric((text,), value)
    return family


def counters_by(
    name: str,
    description: str,
    labels: tuple[str, ...],
    values: Iterable[tuple[tuple[str, ...], float]],
) -> Metric:
    """Return a counter for each combination of labels."""
    family = CounterMetricFamily(name, description, labels=labels)
    for texts, value in values:
        family.add_metric(texts, value)
    return family


def process_families(service: str, pool_stats: Mapping[str, int]) -> Iterator[Metric]:
    """Yield what every process has: its build, its connection pool, its CPU time and memory."""
    build = GaugeMetricFamily(
        "rowhook_build_info",
        "1, with the version of Rowhook and Python.",
        labels=("service", "version", "python"),
    )
    build.add_metric((service, _own_version(), platform.python_version()), 1)
    yield build
    for name, description in _POOL_GAUGES.items():
        yield gauge(f"rowhook_database_{name}", description, pool_stats.get(name, 0))
    for name, description in _POOL_COUNTERS.items():
        yield counter(f"rowhook_database_{name}", description, pool_stats.get(name, 0))
    yield from ProcessCollector(registry=None).collect()
