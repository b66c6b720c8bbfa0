"""The functions of a delivery: claim, renew, record, release, sleep, sweep, heal, retain."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from rowhook.delivery import Claim, Event
from rowhook.postgres.connection import rows_within_deadline, value
from rowhook.postgres.pool import Pool


class ClaimResult(NamedTuple):
    """What a claim took, the lane to go on after, and whether it saw a whole rotation.

    `marks` holds, for each lane that it took from, the time before which nothing of it is ready.
    `unreadable` is token → outbox id of rows whose event is gone.
    """

    claims: list[Claim]
    unreadable: dict[int, int]
    cursor: UUID | None
    rotated: bool
    marks: dict[UUID, datetime]


class Sleep(NamedTuple):
    """What a worker learns when it lies down: its place in the register and when work is due."""

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
    """Takes up to `batch` due deliveries of the webhooks after `after`, a share of each.

    Of the lanes in `marks` only what comes after the mark is looked at.
    """
    found = await rows_within_deadline(
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
        *_in_order(marks),
    )
    taken = [row for row in found if row[0] is not None]
    claims = [_claim(row) for row in taken if row[7] is not None]
    last = found[-1][3] if found and found[-1][0] is None and found[-1][11] is None else None
    full = len(claims) >= batch
    return ClaimResult(
        claims,
        unreadable={row[0]: row[1] for row in taken if row[7] is None},
        cursor=claims[-1].webhook_id if full else last,
        rotated=last is None or full,
        marks={row[3]: row[11] for row in found if row[0] is None and row[11] is not None},
    )


def _in_order(marks: Mapping[UUID, datetime]) -> tuple[list[UUID], list[datetime]]:
    known = sorted(marks)
    return known, [marks[one] for one in known]


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
    """(data, context) of a large event, which a claim leaves out."""
    found = await rows_within_deadline(
        pool, "select data, context from rowhook.event_body(%s)", event_id
    )
    return found[0] if found else (None, None)


async def record(pool: Pool, results: bytes, frames: bytes = b"[]") -> list[int]:
    """Settles a JSON array of results; answers the tokens that counted.

    `frames` are a JSON array of the frames that the results name.
    """
    found = await rows_within_deadline(
        pool,
        "select token from rowhook.record(%s::json, %s::json)",
        results.decode(),
        frames.decode(),
    )
    return [row[0] for row in found]


async def renew(pool: Pool, worker: UUID, held: dict[int, int], lease: timedelta) -> set[int]:
    """Renews leases; `held` is token → outbox id; answers the tokens that are still ours."""
    found = await rows_within_deadline(
        pool,
        "select * from rowhook.renew(%s, %s, %s, %s)",
        worker,
        list(held.values()),
        list(held),
        lease,
    )
    return {row[0] for row in found}


async def release(pool: Pool, held: dict[int, int]) -> None:
    """Gives back what was claimed and not begun; `held` is token → outbox id."""
    await rows_within_deadline(
        pool, "select rowhook.release(%s, %s)", list(held.values()), list(held)
    )


async def abandon(pool: Pool, held: dict[int, int]) -> None:
    """Gives back what cannot be read or recorded, each as a lost claim; token → outbox id."""
    await rows_within_deadline(
        pool, "select rowhook.abandon(%s, %s)", list(held.values()), list(held)
    )


async def reclaim_lost(pool: Pool, worker: UUID, held: list[int]) -> int:
    """Gives back what expired under this worker's name and is none of these tokens; how many."""
    return int(
        (await rows_within_deadline(pool, "select rowhook.reclaim_lost(%s, %s)", worker, held))[0][
            0
        ]
    )


async def fall_asleep(pool: Pool, marks: Mapping[UUID, datetime] = MappingProxyType({})) -> Sleep:
    """Enters the register of sleepers, then looks once more for work."""
    found = await rows_within_deadline(
        pool,
        "select register, has_work, due_in_s from rowhook.fall_asleep(%s, %s)",
        *_in_order(marks),
    )
    return Sleep(*found[0])


async def wake_up(pool: Pool, register: int) -> None:
    """Leaves the register of sleepers."""
    await rows_within_deadline(pool, "select rowhook.wake_up(%s)", register)


async def sweep(pool: Pool) -> int:
    """One batch of one changed webhook; 0 when nothing is left to do."""
    return int((await rows_within_deadline(pool, "select rowhook.sweep()"))[0][0])


async def heartbeat(pool: Pool, worker: UUID, host: str, pid: int, in_flight: int) -> datetime:
    """Says that this worker lives; answers the database's clock."""
    found = await rows_within_deadline(
        pool, "select rowhook.heartbeat(%s, %s, %s, %s)", worker, host, pid, in_flight
    )
    moment: datetime = found[0][0]
    return moment


async def deregister(pool: Pool, worker: UUID) -> None:
    """Strikes this worker off the list."""
    await rows_within_deadline(pool, "select rowhook.deregister(%s)", worker)


async def is_healing(pool: Pool) -> bool:
    """Whether there is more for `heal` to look at now."""
    return bool(await value(pool, "select rowhook.is_healing()"))


async def heal(pool: Pool) -> int:
    """Makes the events that the capture missed; how many."""
    return int(await value(pool, "select rowhook.heal()"))


async def warn_or_disable(pool: Pool) -> int:
    """Warns of webhooks that only fail, disables them, tells of recoveries; how many events."""
    return int(await value(pool, "select rowhook.warn_or_disable()"))
