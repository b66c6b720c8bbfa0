"""Prometheus metrics that the processes of Rowhook have in common."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

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
_UP = "rowhook_database_up"
# Of the process, so that sums count them once.
_OF_PROCESS = ("process_", "rowhook_build")


@cache
def _own_version() -> str:
    return version("rowhook")


def gauge(name: str, description: str, value: float) -> Metric:
    """Returns a gauge without labels."""
    return GaugeMetricFamily(name, description, value)


def counter(name: str, description: str, value: float) -> Metric:
    """Returns a counter without labels."""
    return CounterMetricFamily(name, description, value)


def gauges_by(name: str, description: str, label: str, values: Mapping[str, float]) -> Metric:
    """Returns a gauge for each value of a label."""
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
    """Returns a counter for each combination of labels."""
    family = CounterMetricFamily(name, description, labels=labels)
    for texts, value in values:
        family.add_metric(texts, value)
    return family


def process_families(service: str, pool_stats: Mapping[str, int]) -> Iterator[Metric]:
    """Yields the metrics of every process: its build, connection pool, CPU time and memory."""
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


def merge_metrics(texts: Mapping[str, bytes], *, down: Sequence[str] = ()) -> bytes:
    """Merges the texts of several databases, with the label `database`.

    Those that are not open have `rowhook_database_up 0`.
    """
    merged: dict[str, Metric] = {}
    for database, text in texts.items():
        for family in text_string_to_metric_families(text.decode()):
            target = merged.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            is_of_process = family.name.startswith(_OF_PROCESS)
            if is_of_process and target.samples:
                continue
            label = {} if is_of_process else {"database": database}
            for sample in family.samples:
                target.add_sample(sample.name, {**label, **sample.labels}, sample.value)
    for database in down:
        up = merged.setdefault(_UP, Metric(_UP, "1 if the database answers.", "gauge"))
        up.add_sample(_UP, {"database": database}, 0)
    registry = CollectorRegistry()
    registry.register(_Families(list(merged.values())))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families
