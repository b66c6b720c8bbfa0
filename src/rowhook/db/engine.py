"""Claims, renews, records and releases deliveries; retries, cancels and replays them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from types import MappingProxyType
from typing import Any, Literal, LiteralString, NamedTuple
from uuid import UUID

from rowhook.db.connection_pool import Pool
from rowhook.db.statements import ConnectionSource, DrainableSource, rows_within_deadline, value
from rowhook.model import Claim, DeliveryStatus, Event

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


class LowWatermark(NamedTuple):
    """Where the rows of a lane begin: ready ones after a time and an id, sent ones at a token.

    Dead index entries are before it. PostgreSQL keeps them while any transaction is open that began
    before the rows were processed, such as a dump.
    """

    time: datetime
    id: int
    token: int


class ClaimResult(NamedTuple):
    """The claimed deliveries, the lane to continue after, and whether all lanes were visited.

    `low_watermarks` has those of the lanes that deliveries were claimed from. `unreadable`
    maps token to outbox id for rows whose event is missing. `reclaimed` is the number of expired
    claims of this worker that it never received. `outlook` is the work that the worker may wait
    for. If it swept, it took `swept_s`, and no retry waits before `due_since`.
    """

    claims: list[Claim]
    unreadable: dict[int, int]
    cursor: UUID | None
    rotated: bool
    low_watermarks: dict[UUID, LowWatermark]
    reclaimed: int
    outlook: Outlook
    due_since: datetime | None = None
    swept_s: float = 0.0


class Outlook(NamedTuple):
    """The work that a sleeping worker may wait for.

    `has_more`: a claim may find further deliveries at once. `awaits_result`: a lane has ready rows
    and no slot until a result is recorded. `has_chores`: `sweep` would find work. `is_unsettled`: a
    transaction that is open may commit a delivery without a notification.
    """

    has_more: bool = False
    awaits_result: bool = False
    has_chores: bool = False
    is_unsettled: bool = False
    due_in_s: float | None = None

    def join(self, other: Outlook) -> Outlook:
        """Returns the outlook over the lanes of two claims."""
        due = [outlook.due_in_s for outlook in (self, other) if outlook.due_in_s is not None]
        return Outlook(
            has_more=self.has_more or other.has_more,
            awaits_result=self.awaits_result or other.awaits_result,
            has_chores=self.has_chores or other.has_chores,
            is_unsettled=self.is_unsettled or other.is_unsettled,
            due_in_s=min(due, default=None),
        )


ClaimRowKind = Literal[
    "delivery",
    "unreadable",
    "watermark",
    "waiting",
    "cursor",
    "reclaimed",
    "more",
    "full",
    "due",
    "chore",
    "unsettled",
]


class ClaimRow(NamedTuple):
    """A row of `rowhook.claim_batch`; the fields are its columns.

    `unreadable` rows have no event. The `due_in_s` of a delivery is negative, or None for a retry
    or if its webhook has a first delay.
    """

    kind: ClaimRowKind
    webhook_id: UUID
    watermark: datetime
    token: int
    outbox_id: int
    number: int
    revision: int
    secrets_version: int
    large: bool
    event_id: int
    event_type: str
    key: str
    organization_id: UUID
    occurred_at: datetime
    snapshot: str
    data: str | None
    context: str | None
    oversize_bytes: int | None
    due_in_s: float | None


_CLAIM: LiteralString = (
    f"select {', '.join(ClaimRow._fields)}"  # noqa: S608  # names of fields
    f" from rowhook.claim_batch({', '.join(['%s'] * 13)})"
)


async def claim(
    pool: DrainableSource,
    worker: UUID,
    *,
    batch: int,
    per_lane: int,
    after: UUID | None,
    lease: timedelta,
    sweep: bool,
    low_watermarks: Mapping[UUID, LowWatermark] = MappingProxyType({}),
    due_since: datetime | None = None,
    held: list[int] | None = None,
    falls_asleep: bool = False,
) -> ClaimResult:
    """Claims up to `batch` due deliveries of the lanes after `after`, a share of each.

    Rows before the watermark of a lane in `low_watermarks` are skipped, and retries that were due
    before `due_since`. A claim that sweeps gives back expired claims of this worker except the
    tokens in `held`, if passed. `falls_asleep`
    registers the worker as asleep first, so that captures notify it of deliveries that this claim
    misses.
    """
    lanes = sorted(low_watermarks)
    result = await rows_within_deadline(
        pool,
        _CLAIM,
        worker,
        batch,
        per_lane,
        after,
        lease,
        sweep,
        lanes,
        [low_watermarks[lane].time for lane in lanes],
        held,
        falls_asleep,
        [low_watermarks[lane].id for lane in lanes],
        [low_watermarks[lane].token for lane in lanes],
        due_since or _LONG_AGO,
    )
    return _claim_result(result, batch) if result else NO_CLAIMS


def _claim_result(result: list[tuple[Any, ...]], batch: int) -> ClaimResult:
    rows: dict[ClaimRowKind, list[ClaimRow]] = {}
    for row in map(ClaimRow._make, result):
        rows.setdefault(row.kind, []).append(row)
    claims = [_claim(row) for row in rows.get("delivery", ())]
    last = next((row.webhook_id for row in rows.get("cursor", ())), None)
    return ClaimResult(
        claims,
        unreadable={row.token: row.outbox_id for row in rows.get("unreadable", ())},
        cursor=last,
        rotated=last is None,
        low_watermarks=_low_watermarks(rows),
        reclaimed=sum(row.number for row in rows.get("reclaimed", ())),
        outlook=Outlook(
            has_more="more" in rows or len(claims) >= batch,
            awaits_result="full" in rows,
            has_chores="chore" in rows,
            is_unsettled="unsettled" in rows,
            due_in_s=min((row.due_in_s or 0.0 for row in rows.get("due", ())), default=None),
        ),
        due_since=next((row.watermark for row in rows.get("waiting", ())), None),
        swept_s=next((row.due_in_s or 0.0 for row in rows.get("waiting", ())), 0.0),
    )


def _low_watermarks(rows: dict[ClaimRowKind, list[ClaimRow]]) -> dict[UUID, LowWatermark]:
    # The tokens of the claim itself, for a lane that had none in flight.
    first_tokens: dict[UUID, int] = {}
    for row in chain(rows.get("delivery", ()), rows.get("unreadable", ())):
        first_tokens[row.webhook_id] = min(row.token, first_tokens.get(row.webhook_id, row.token))
    return {
        row.webhook_id: LowWatermark(
            row.watermark, row.outbox_id, row.token or first_tokens.get(row.webhook_id, 0)
        )
        for row in rows.get("watermark", ())
    }


NO_CLAIMS = ClaimResult(
    [], {}, None, rotated=True, low_watermarks={}, reclaimed=0, outlook=Outlook()
)


class Rotation:
    """A round of claims over all lanes, by the cursors that the claims return."""

    def __init__(self, start: UUID | None) -> None:
        self.is_complete = False
        self._start = start
        self._last = start
        self._is_past_end = start is None

    def move(self, cursor: UUID | None) -> None:
        """Notes the last lane that a claim visited; None if it visited all."""
        if cursor is None:
            self.is_complete = True
            return
        if self._last is not None and cursor <= self._last:
            # It started again; without a start, that completes the round.
            self.is_complete = self._is_past_end
            self._is_past_end = True
        if self._start is not None and self._is_past_end and cursor >= self._start:
            self.is_complete = True
        self._last = cursor


def _claim(row: ClaimRow) -> Claim:
    event = Event(
        id=row.event_id,
        type=row.event_type,
        key=row.key,
        organization_id=row.organization_id,
        occurred_at=row.occurred_at,
        snapshot=row.snapshot,
        data=row.data,
        context=row.context,
        oversize_bytes=row.oversize_bytes,
    )
    return Claim(
        token=row.token,
        outbox_id=row.outbox_id,
        number=row.number,
        webhook_id=row.webhook_id,
        revision=row.revision,
        secrets_version=row.secrets_version,
        large=row.large,
        queued_s=None if row.due_in_s is None else -row.due_in_s,
        event=event,
    )


async def event_body(pool: Pool, event_id: int) -> tuple[str | None, str | None]:
    """Returns (data, context) of a large event, which claims leave out."""
    result = await rows_within_deadline(
        pool, "select data, context from rowhook.event_body(%s)", event_id
    )
    return result[0] if result else (None, None)


async def record(
    pool: DrainableSource, results: bytes, frames: bytes = b"[]", *, all_delivered: bool = False
) -> list[tuple[int, DeliveryStatus]]:
    """Settles a JSON array of results; returns the tokens that were still valid.

    Each comes with the new status of its delivery. `frames` is a JSON array of the request frames
    that the results refer to. `all_delivered`: the outcome of each result is `delivered`, which is
    recorded with less work.
    """
    result = await rows_within_deadline(
        pool,
        "select token, status from rowhook.record(%s::json, %s::json, %s)",
        results.decode(),
        frames.decode(),
        all_delivered,
    )
    return [(row[0], row[1]) for row in result]


async def renew(pool: Pool, worker: UUID, claims: dict[int, int], lease: timedelta) -> set[int]:
    """Renews leases; `claims` maps token to outbox id. Returns the tokens that are still valid."""
    result = await rows_within_deadline(
        pool,
        "select * from rowhook.renew(%s, %s, %s, %s)",
        worker,
        list(claims.values()),
        list(claims),
        lease,
    )
    return {row[0] for row in result}


async def release(pool: Pool, claims: dict[int, int]) -> None:
    """Gives back deliveries that were not started; `claims` maps token to outbox id."""
    await rows_within_deadline(
        pool, "select rowhook.release(%s, %s)", list(claims.values()), list(claims)
    )


async def abandon(pool: Pool, claims: dict[int, int]) -> None:
    """Gives back deliveries that cannot be read or recorded, each as a lost claim."""
    await rows_within_deadline(
        pool, "select rowhook.abandon(%s, %s)", list(claims.values()), list(claims)
    )


async def sweep(pool: Pool) -> int:
    """Processes one batch of a changed webhook; returns 0 when nothing is left."""
    return int((await rows_within_deadline(pool, "select rowhook.sweep()"))[0][0])


async def heartbeat(pool: Pool, worker: UUID, host: str, pid: int, in_flight: int) -> datetime:
    """Records that this worker is alive; returns the time of the database."""
    result = await rows_within_deadline(
        pool, "select rowhook.heartbeat(%s, %s, %s, %s)", worker, host, pid, in_flight
    )
    moment: datetime = result[0][0]
    return moment


async def deregister(pool: Pool, worker: UUID) -> None:
    """Removes this worker from the list."""
    await rows_within_deadline(pool, "select rowhook.deregister(%s)", worker)


async def is_healing(pool: Pool) -> bool:
    """Returns whether `heal` has more to search now."""
    return bool(await value(pool, "select rowhook.is_healing()"))


async def heal(pool: Pool) -> int:
    """Creates the events that captures missed; returns how many."""
    return int(await value(pool, "select rowhook.heal()"))


async def fold_attempts(pool: ConnectionSource) -> int:
    """Folds counts of attempts into minutes and quarters of an hour; returns how many rows."""
    moved: int = await value(pool, "select rowhook.fold_attempts()")
    return moved


async def note_clock_steps(pool: ConnectionSource) -> int:
    """Notes how far the server's clock was set back; returns how many deliveries it compared."""
    compared: int = await value(pool, "select rowhook.note_clock_steps()")
    return compared


async def warn_or_disable(pool: Pool) -> int:
    """Warns of, disables or reports recovery of failing webhooks; returns the number of events."""
    return int(await value(pool, "select rowhook.warn_or_disable()"))


async def announce_waiting(pool: Pool) -> int:
    """Sends alerts about held and waiting deliveries; returns the number of events."""
    return int(await value(pool, "select rowhook.announce_waiting()"))


async def retry(pool: ConnectionSource, deliveries: list[int]) -> int:
    """Sends these deliveries again now, unless they are being sent; returns how many."""
    return int(await value(pool, "select rowhook.retry(%s)", deliveries))


async def cancel(pool: ConnectionSource, deliveries: list[int]) -> int:
    """Cancels these deliveries if they wait or are being sent; returns how many."""
    return int(await value(pool, "select rowhook.cancel(%s)", deliveries))


async def replay(
    pool: ConnectionSource,
    webhook: UUID,
    since: datetime,
    until: datetime | None,
    statuses: list[str],
    *,
    dry_run: bool,
    rate: float | None,
) -> int:
    """Sends deliveries created in [since, until) again; returns how many.

    `rate` is in deliveries per second.
    """
    return int(
        await value(
            pool,
            "select rowhook.replay(%s, %s, coalesce(%s, now()), %s, %s, %s::numeric)",
            webhook,
            since,
            until,
            statuses,
            dry_run,
            rate,
        )
    )
