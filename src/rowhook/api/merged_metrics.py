"""The metrics of several databases as one text, with the label `database`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_UP = "rowhook_database_up"


def merge_metrics(texts: Mapping[str, bytes], *, down: Sequence[str]) -> bytes:
    """Merge the texts by database. Those that are not open have `rowhook_database_up 0`."""
    merged: dict[str, Metric] = {}
    for database, text in texts.items():
        for family in text_string_to_metric_families(text.decode()):
            one = merged.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            for sample in family.samples:
                one.add_sample(sample.name, {"database": database, **sample.labels}, sample.value)
    up = merged.setdefault(_UP, Metric(_UP, "1 if the database answers.", "gauge"))
    for database in down:
        up.add_sample(_UP, {"database": database}, 0)
    registry = CollectorRegistry()
    registry.register(_Families(list(merged.values())))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families
