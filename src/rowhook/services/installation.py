"""The installation: workers, versions, capture state, settings and retention."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from importlib.metadata import version
from uuid import UUID

import msgspec
from msgspec import Struct

from rowhook.db import installation_queries, retention_queries
from rowhook.db.installation_queries import LockUnavailable, Suspension
from rowhook.db.standby import Standby
from rowhook.render.configuration import Fault
from rowhook.services import paging
from rowhook.services.context import Conflict, Rejected, ServiceContext

_BATCH = 5000
_LOCK_TIMEOUT_S = 60.0
_BY_DAY = frozenset({"attempts", "bodies", "failed_bodies"})


class WorkerProcess(Struct, frozen=True, kw_only=True):
    """A worker process. `host` and `pid` are null for non-operators. `alive`: seen within 30 s."""

    id: UUID
    host: str | None
    pid: int | None
    in_flight: int
    started_at: datetime
    seen_at: datetime
    alive: bool


class Workers(Struct, frozen=True):
    """The worker processes, oldest first."""

    items: list[WorkerProcess]


class Migration(Struct, frozen=True, kw_only=True):
    """An applied migration."""

    name: str
    applied_at: datetime


class Backlog(Struct, frozen=True, kw_only=True):
    """The number of pending items, and the time of the oldest one."""

    count: int
    oldest_at: datetime | None


class CaptureError(Struct, frozen=True, kw_only=True):
    """A failed capture that is not healed yet; `captures` is the number of rows."""

    id: int
    source: str
    captures: int
    sqlstate: str
    message: str
    created_at: datetime


class Partition(Struct, frozen=True, kw_only=True):
    """A partition of the attempts, usually one day; `bytes` includes indexes."""

    name: str
    bytes: int


class RetentionAge(Struct, frozen=True, kw_only=True):
    """The retention age of a kind of rows in seconds; null keeps them forever.

    `oldest_at` is the time of the oldest row, null if there is none or it is unknown. `removed` is
    the number of rows that the last run removed.
    """

    kind: str
    concerns: str
    keep_s: float | None
    oldest_at: datetime | None
    last_run_at: datetime | None
    last_finished_at: datetime | None
    removed: int


class RetentionPlan(Struct, frozen=True, kw_only=True):
    """The extent of a retention run: rows to remove, or whole `days` of attempts and bodies.

    Rows are counted up to 100,000; `is_capped` is true if there are more.
    """

    kind: str
    rows: int | None
    days: int | None
    is_capped: bool
    oldest_at: datetime | None


class PausedDeliveries(Struct, frozen=True, kw_only=True):
    """Deliveries that are kept regardless of age, because their webhook is paused.

    They are counted up to 100,000; `is_capped` is true if there are more.
    """

    webhooks: int
    deliveries: int
    is_capped: bool
    oldest_at: datetime | None


class Storage(Struct, frozen=True, kw_only=True):
    """A growing table: estimated rows, and bytes including indexes.

    `rows` is null until the server has counted some. `bytes_per_day` is the daily growth, null
    before the end of the first day.
    """

    name: str
    rows: int | None
    bytes: int
    bytes_per_day: int | None


class Identity(Struct, frozen=True, kw_only=True):
    """The time at which this database became the installation, and its suspension as a copy.

    `epoch` is the number of clusters that the events have passed through.
    """

    adopted_at: datetime
    epoch: int
    suspended_at: datetime | None
    suspended_reason: str | None


class Adopted(Struct, frozen=True, kw_only=True):
    """The result of an adoption; `cancelled` is the number of cancelled deliveries."""

    cancelled: int


class StandbyReads(Struct, frozen=True, kw_only=True):
    """The standby of this process for lists and statistics.

    Everything committed `lag_s` seconds ago is on it. `reason` explains why it is not read.
    """

    is_read: bool
    lag_s: float | None
    reason: str | None


class Installation(Struct, frozen=True, kw_only=True):
    """The state of the database and its workers."""

    postgres_version: str
    migrations: list[Migration]
    identity: Identity | None
    workers: list[WorkerProcess]
    capture_gaps: Backlog
    capture_errors: list[CaptureError]
    chores: Backlog
    partitions: list[Partition]
    retention: list[RetentionAge]
    paused: PausedDeliveries
    storage: list[Storage]


class System(Installation, frozen=True, kw_only=True):
    """The installation, with the version and the masked settings of this process."""

    version: str
    settings: dict[str, str]
    standby: StandbyReads | None


_LOCK_WAIT_S = 10.0


async def workers(ctx: ServiceContext) -> list[WorkerProcess]:
    """Lists worker processes, oldest first. Host and pid are visible to operators only."""
    return paging.read(await installation_queries.worker_list(ctx.pool), WorkerProcess)


async def suspension(ctx: ServiceContext) -> Suspension | None:
    """Returns why deliveries from this database are suspended; None if they are not."""
    return await installation_queries.suspension(ctx.pool)


async def count_waiting(ctx: ServiceContext) -> int:
    """Counts pending, held and sending deliveries."""
    row = await installation_queries.gauges(ctx.pool)
    return row.pending + row.held + row.sending


async def adopt(
    ctx: ServiceContext, *, cancel_waiting: bool, timeout_s: float = _LOCK_WAIT_S
) -> Adopted:
    """Makes this database the active installation; optionally cancels waiting deliveries first.

    Requires an operator. Raises Conflict for `cancel_waiting` if deliveries are not suspended, and
    after a move to another cluster if a transaction uses rowhook.event for `timeout_s` seconds.
    """
    if cancel_waiting and await suspension(ctx) is None:
        raise Conflict("This database is already the active installation. Nothing was cancelled.")
    try:
        # In a separate transaction, so that captures do not wait for the cancellation.
        await installation_queries.begin_epoch(ctx.pool, timeout_s)
        cancelled = await installation_queries.retry_while_locked(
            lambda: installation_queries.adopt(ctx.pool, cancel_waiting=cancel_waiting), timeout_s
        )
    except LockUnavailable as error:
        raise Conflict(
            "A transaction that uses rowhook.event is still open. Try again when it has ended."
        ) from error
    return Adopted(cancelled=cancelled)


async def system(
    ctx: ServiceContext, settings: Mapping[str, str], standby: Standby | None = None
) -> System:
    """Returns the state of the installation with the masked settings and standby of this process.

    Requires an operator.
    """
    document = msgspec.json.decode(await installation_queries.system(ctx.pool), type=Installation)
    return System(
        version=version("rowhook"),
        settings=dict(settings),
        standby=None if standby is None else StandbyReads(**standby.status._asdict()),
        **msgspec.structs.asdict(document),
    )


async def set_ages(ctx: ServiceContext, ages: Mapping[str, timedelta | None]) -> None:
    """Sets retention ages; None keeps rows forever. All or nothing. Raises Rejected."""
    try:
        await retention_queries.set_retention(ctx.pool, ages)
    except retention_queries.AgeRejected as error:
        raise Rejected(Fault(pointer="", message=str(error))) from error


async def retention_ages(ctx: ServiceContext) -> list[RetentionAge]:
    """Returns the retention age and the last run of each kind."""
    return [
        RetentionAge(
            kind=row.kind,
            concerns=row.concerns,
            keep_s=None if row.keep is None else row.keep.total_seconds(),
            oldest_at=row.oldest_at,
            last_run_at=row.last_run_at,
            last_finished_at=row.last_finished_at,
            removed=row.removed,
        )
        for row in await retention_queries.retention_report(ctx.pool)
    ]


async def retention_plan(ctx: ServiceContext) -> list[RetentionPlan]:
    """Returns the rows that a run would remove."""
    return [
        RetentionPlan(
            kind=row.kind,
            is_capped=row.is_capped,
            oldest_at=row.oldest_at,
            rows=None if row.kind in _BY_DAY else row.removable,
            days=row.removable if row.kind in _BY_DAY else None,
        )
        for row in await retention_queries.retention_plan(ctx.pool)
    ]


async def paused_deliveries(ctx: ServiceContext) -> PausedDeliveries:
    """Returns the deliveries that are kept because their webhook is paused."""
    return PausedDeliveries(**(await retention_queries.paused_deliveries(ctx.pool))._asdict())


async def run_retention(ctx: ServiceContext, kind: str) -> AsyncIterator[int]:
    """Removes old rows of a kind in batches; yields the count of each batch."""
    is_first, is_finished = True, False
    while not is_finished:
        removed, is_finished = await _retain_batch(ctx, kind, begins=is_first)
        is_first = False
        yield removed


async def _retain_batch(ctx: ServiceContext, kind: str, *, begins: bool) -> tuple[int, bool]:
    try:
        return await installation_queries.retry_while_locked(
            lambda: retention_queries.retain_batch(ctx.pool, kind, begins=begins, is_full=True),
            _LOCK_TIMEOUT_S,
        )
    except LockUnavailable as error:
        raise Conflict("Another retention run is in progress. Try again in a minute.") from error


async def drop_partitions(ctx: ServiceContext) -> AsyncIterator[str]:
    """Drops old partitions of attempts and bodies; yields the name of each.

    Creates the next partitions before, and removes expired auxiliary rows after.
    """
    await retention_queries.make_partitions(ctx.pool)
    while name := await retention_queries.drop_next_partition(ctx.pool):
        yield name
    while await retention_queries.remove_leftovers(ctx.pool) >= _BATCH:
        pass
