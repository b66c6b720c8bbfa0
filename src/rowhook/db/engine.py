"""Claim, renew, record and release deliveries; retry, cancel and replay them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple
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
        "select token, outbox_id, number, webhook_id, revision, secrets_version, large,"
        " event_id, event_type, key, organization_id, occurred_at, snapshot, data, context,"
        " oversize_bytes from rowhook.claim(%s, %s, %s, %s, %s, %s, %s, %s)",
        worker,
        batch,
        per_lane,
        after,
        lease,
        sweep,
        *_sorted_lanes(marks),
    )
    claimed = [row for row in result if row[0] is not None]
    claims = [_claim(row) for row in claimed if row[7] is not None]
    last = result[-1][3] if result and result[-1][0] is None and result[-1][11] is None else None
    full = len(claims) >= batch
    return ClaimResult(
        claims,
        unreadable={row[0]: row[1] for row in claimed if row[7] is None},
        cursor=claims[-1].webhook_id if full else last,
        rotated=last is None or full,
        marks={row[3]: row[11] for row in result if row[0] is None and row[11] is not None},
    )


def _sorted_lanes(marks: Mapping[UUID, datetime]) -> tuple[list[UUID], list[datetime]]:
    lanes = sorted(marks)
    return lanes, [marks[lane] for lane in lanes]


def _claim(row: tuple[Any, ...]) -> Claim:
    event = Event(
        id=row[7],
        type=row[8],
        key=row[9],
        organization_id=row[10],
        occurred_at=row[11],
        snapshot=row[12],
        data=row[13],
        context=row[14],
        oversize_bytes=row[15],
    )
    return Claim(
        token=row[0],
        outbox_id=row[1],
        number=row[2],
        webhook_id=row[3],
        revision=row[4],
        secrets_version=row[5],
        large=row[6],
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
