"""The figures of the whole installation for `/metrics`."""

from __future__ import annotations

import msgspec

from rowhook.db.statements import ConnectionSource, value


class DueDeliveries(msgspec.Struct, frozen=True, kw_only=True):
    """Due deliveries that are not claimed yet, and for how long the oldest has been due."""

    due: int = 0
    oldest_due_s: float = 0.0


class QueueMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """Unfinished deliveries; those that are due by kind of output, and by rank of organization.

    Kinds and ranks without any are missing. A rank is a number from 1, or `other`.
    """

    pending: int = 0
    sending: int = 0
    held: int = 0
    kinds: dict[str, DueDeliveries] = {}
    organizations: dict[str, DueDeliveries] = {}


class RetentionMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """The retention of a kind of rows. `keep_s` None: forever. `removed`: rows, in the last run."""

    kind: str
    keep_s: float | None = None
    age_s: float | None = None
    finished_s: float | None = None
    removed: int = 0


class UpkeepMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """Workers, webhooks by state, circuits, capture, retention, and what delays vacuum."""

    workers: int = 0
    is_suspended: bool = False
    webhooks: dict[str, int] = {}
    circuits_open: int = 0
    circuits_half_open: int = 0
    longest_open_s: float = 0.0
    capture_errors: int = 0
    capture_errors_open: int = 0
    capture_gaps: int = 0
    partitions_ahead: int = 0
    oldest_xmin_age: int = 0
    oldest_transaction_s: float = 0.0
    postgres_version: str = ""
    retention: tuple[RetentionMetrics, ...] = ()


async def queue_metrics(pool: ConnectionSource) -> QueueMetrics:
    """Returns what waits. Takes about a second for each million of due deliveries."""
    text = await value(pool, "select rowhook.queue_metrics()::text")
    return msgspec.json.decode(text, type=QueueMetrics)


async def upkeep_metrics(pool: ConnectionSource) -> UpkeepMetrics:
    """Returns the other figures. Searches the newest 10,000 rows of each source for gaps."""
    text = await value(pool, "select rowhook.upkeep_metrics()::text")
    return msgspec.json.decode(text, type=UpkeepMetrics)
