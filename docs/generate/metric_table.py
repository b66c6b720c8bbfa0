"""The tables of metrics, from the code that serves them."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from rowhook.api.metrics import (
    RequestMetrics,
    maintenance_families,
    queue_families,
    standby_families,
)
from rowhook.db.stats_queries import QueueMetrics, RetentionMetrics, UpkeepMetrics
from rowhook.metric_families import process_families
from rowhook.worker.status_app import worker_families
from rowhook.worker.tally import Tally

_HEAD = "| metric | type | meaning |\n|---|---|---|\n"


def worker_metrics() -> str:
    """The metrics of a worker."""
    return _table(
        worker_families(
            Tally(), listens=True, claims=0, sending=0, results_waiting=0, retention_failures=0
        )
    )


def installation_metrics() -> str:
    """The metrics of the whole installation."""
    upkeep = UpkeepMetrics(retention=(RetentionMetrics(kind="events"),))
    database_up = "| `rowhook_database_up` | gauge | 1 if the database answers. |\n"
    return (
        _table(queue_families(QueueMetrics())) + database_up + _rows(maintenance_families(upkeep))
    )


def request_metrics() -> str:
    """The metrics of the requests to an API, and of the standby that it reads."""
    registry = CollectorRegistry()
    RequestMetrics(registry).record("GET", "/v1/webhooks", 200, 0.1)
    return _table(registry.collect()) + _rows(standby_families(None))


def process_metrics() -> str:
    """The metrics of every process."""
    return _table(process_families("worker", {}))


def _table(families: Iterable[Metric]) -> str:
    return _HEAD + _rows(families)


def _rows(families: Iterable[Metric]) -> str:
    return "".join(map(_row, families))


def _row(family: Metric) -> str:
    name = family.name + ("_total" if family.type == "counter" else "")
    labels = dict.fromkeys(
        label for sample in family.samples for label in sample.labels if label != "le"
    )
    labelled = f"{name}{{{','.join(labels)}}}" if labels else name
    return f"| `{labelled}` | {family.type} | {family.documentation} |\n"
