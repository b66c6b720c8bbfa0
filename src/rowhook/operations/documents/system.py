"""The installation: its versions, workers, capture and settings."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class WorkerProcess(Struct, frozen=True, kw_only=True):
    """A worker; `host` and `pid` are shown to operators alone. `alive`: seen in the last 30 s."""

    id: UUID
    host: str | None
    pid: int | None
    in_flight: int
    started_at: datetime
    seen_at: datetime
    alive: bool


class Workers(Struct, frozen=True):
    """The worker processes, the oldest first."""

    items: list[WorkerProcess]


class Migration(Struct, frozen=True, kw_only=True):
    """One step that the database was brought up to date with."""

    name: str
    applied_at: datetime


class Owed(Struct, frozen=True, kw_only=True):
    """How many are still to be done, and since when the oldest waits."""

    count: int
    oldest_at: datetime | None


class CaptureError(Struct, frozen=True, kw_only=True):
    """A capture that failed and was not made up for yet; `captures` is of how many rows."""

    id: int
    source: str
    captures: int
    sqlstate: str
    message: str
    created_at: datetime


class Partition(Struct, frozen=True, kw_only=True):
    """A part of the attempts, mostly a day, with its indexes."""

    name: str
    bytes: int


class RetentionAge(Struct, frozen=True, kw_only=True):
    """How long a kind of rows is kept, in seconds; None is for ever.

    `oldest_at` is the time of the oldest that is kept, None if there is none or it is not known.
    `removed` counts what the last run removed.
    """

    kind: str
    concerns: str
    keep_s: float | None
    oldest_at: datetime | None
    last_run_at: datetime | None
    last_finished_at: datetime | None
    removed: int


class RetentionPlan(Struct, frozen=True, kw_only=True):
    """What a run would remove now: rows, or `days` of attempts and bodies, which go as a whole.

    Rows are counted up to 100,000; `is_capped` says that there are more.
    """

    kind: str
    rows: int | None
    days: int | None
    is_capped: bool
    oldest_at: datetime | None


class Storage(Struct, frozen=True, kw_only=True):
    """A table that grows: its rows as the planner estimates them, and its bytes with indexes.

    `rows` is None for partitions that are written once and never analyzed.

    `bytes_per_day` is what a day adds, None where no day is over yet.
    """

    name: str
    rows: int | None
    bytes: int
    bytes_per_day: int | None


class Identity(Struct, frozen=True, kw_only=True):
    """Since when this database is the installation, and whether it is a copy that sends nothing.

    `epoch` counts the clusters that the events came through.
    """

    adopted_at: datetime
    epoch: int
    suspended_at: datetime | None
    suspended_reason: str | None


class Adopted(Struct, frozen=True, kw_only=True):
    """What came of making a copy the installation."""

    cancelled: int


class Installation(Struct, frozen=True, kw_only=True):
    """What the database says of itself and of its workers."""

    postgres_version: str
    migrations: list[Migration]
    identity: Identity | None
    workers: list[WorkerProcess]
    capture_gaps: Owed
    capture_errors: list[CaptureError]
    chores: Owed
    partitions: list[Partition]
    retention: list[RetentionAge]
    storage: list[Storage]


class System(Installation, frozen=True, kw_only=True):
    """The installation with this process: its version, and its settings with secrets masked."""

    version: str
    settings: dict[str, str]
