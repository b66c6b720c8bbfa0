"""Claim, renew, record and release deliveries; retry, cancel and replay them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal, LiteralString, NamedTuple
from uuid import UUID

from rowhook.db.connection_pool import Pool
from rowhook.db.statements import ConnectionSource, rows_within_deadline, value
from rowhook.model import Claim, Event


class ClaimResult(NamedTuple):
    """The claimed deliveries, the lane to continue after, and whether all lanes were visited.

    `marks` has, for each lane that deliveries were claimed from, the time before which it has no
    ready rows. `unreadable` maps token to outbox id for rows whose event is missing.
    """

    claims: list[Claim]
    unreadable: dict[int, int]
    cursor: UUID | None
    rotated: bool
    marks: dict[UUID, datetime]


class ClaimRow(NamedTuple):
    """A row of `rowhook.claim_batch`; the fields are its columns.

    `watermark` and `cursor` rows fill only `webhook_id` and `watermark`. `unreadable` rows have no
    event.
    """

    kind: Literal["delivery", "unreadable", "watermark", "cursor"]
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


_CLAIM: LiteralString = (
    f"select {', '.join(ClaimRow._fields)}"  # noqa: S608  # names of fields
    " from rowhook.claim_batch(%s, %s, %s, %s, %s, %s, %s, %s)"
)


class Sleep(NamedTuple):
    """Registration of a sleeping worker, and when work is due."""

    register: int
    has_work: bool
    due_in_s: float | None


async def claim(
    pool: Pool,
    worker: UUID,
    *,
    batch: int,
    per_lane: int,
    after: UUID | None,
    lease: timedelta,
    sweep: bool,
    marks: Mapping[UUID, datetime] = MappingProxyType({}),
) -> ClaimResult:
    """Claims up to `batch` due deliveries of the lanes after `after`, a share of each.

    Rows before the watermark of a lane in `marks` are skipped.
    """
    result = await rows_within_deadline(
        pool,
        _CLAIM,
        worker,
        batch,
        per_lane,
        after,
        lease,
        sweep,
        *_sorted_lanes(marks),
    )
    claims: list[Claim] = []
    unreadable: dict[int, int] = {}
    marks_found: dict[UUID, datetime] = {}
    last = None
    for row in map(ClaimRow._make, result):
        match row.kind:
            case "delivery":
                claims.append(_claim(row))
            case "unreadable":
                unreadable[row.token] = row.outbox_id
            case "watermark":
                marks_found[row.webhook_id] = row.watermark
            case "cursor":
                last = row.webhook_id
    full = len(claims) >= batch
    return ClaimResult(
        claims,
        unreadable=unreadable,
        cursor=claims[-1].webhook_id if full else last,
        rotated=last is None or full,
        marks=marks_found,
    )


def _sorted_lanes(marks: Mapping[UUID, datetime]) -> tuple[list[UUID], list[datetime]]:
    lanes = sorted(marks)
    return lanes, [marks[lane] for lane in lanes]


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
        event=event,
    )


async def event_body(pool: Pool, event_id: int) -> tuple[str | None, str | None]:
    """Returns (data, context) of a large event, which claims leave out."""
    result = await rows_within_deadline(
        pool, "select data, context from rowhook.event_body(%s)", event_id
    )
    return result[0] if result else (None, None)


async def record(pool: Pool, results: bytes, frames: bytes = b"[]") -> list[int]:
    """Settles a JSON array of results; returns the tokens that were still valid.

    `frames` is a JSON array of the request frames that the results refer to.
    """
    result = await rows_within_deadline(
        pool,
        "select token from rowhook.record(%s::json, %s::json)",
        results.decode(),
        frames.decode(),
    )
    return [row[0] for row in result]


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


async def reclaim_lost(pool: Pool, worker: UUID, tokens: list[int]) -> int:
    """Gives back expired claims of this worker except these tokens; returns how many."""
    return int(
        (await rows_within_deadline(pool, "select rowhook.reclaim_lost(%s, %s)", worker, tokens))[
            0
        ][0]
    )


async def fall_asleep(pool: Pool, marks: Mapping[UUID, datetime] = MappingProxyType({})) -> Sleep:
    """Registers this worker as asleep, then checks once more for work."""
    result = await rows_within_deadline(
        pool,
        "select register, has_work, due_in_s from rowhook.fall_asleep(%s, %s)",
        *_sorted_lanes(marks),
    )
    return Sleep(*result[0])


async def wake_up(pool: Pool, register: int) -> None:
    """Ends the registration as asleep."""
    await rows_within_deadline(pool, "select rowhook.wake_up(%s)", register)


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


async def warn_or_disable(pool: Pool) -> int:
    """Warns of, disables or reports recovery of failing webhooks; returns the number of events."""
    return int(await value(pool, "select rowhook.warn_or_disable()"))


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
