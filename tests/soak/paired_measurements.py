"""Measurements in two databases alternately: blocks of a claim, and delivery rates."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from rowhook.db import connection_pool, engine
from rowhook.db.connection_pool import Pool
from rowhook.model import Claim
from tests.soak.soak_databases import LIVE, Installation
from tests.support.worker_rig import until

BATCH = 64
FETCHED = """
select coalesce(sum(pg_stat_get_xact_blocks_fetched(c.oid)), 0)::bigint
from pg_class c where c.relnamespace = 'rowhook'::regnamespace
"""
_COMMIT = """
insert into rowhook.commit (id, goal_id, data)
select id, goals[1 + place %% cardinality(goals)], json_build_object('n', id, 'name', 'Contact')
from unnest(%s::text[]) with ordinality as o (id, place), (select %s::text[]) as g (goals)
"""
_IS_UNFINISHED = """
select exists (
  select from rowhook.outbox where webhook_id = any (%s) and status in ('pending', 'sending'))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Medians of a measure in the full and the empty database, and of the ratio per round."""

    full: float
    empty: float
    ratio: float


async def alternately(
    rounds: int, full: Callable[[], Awaitable[float]], empty: Callable[[], Awaitable[float]]
) -> Compared:
    """Measures both once per round, in alternating order."""
    pairs = []
    for n in range(rounds):
        if n % 2:
            of_empty = await empty()
            pairs.append((await full(), of_empty))
        else:
            of_full = await full()
            pairs.append((of_full, await empty()))
    return Compared(
        full=statistics.median(full for full, _ in pairs),
        empty=statistics.median(empty for _, empty in pairs),
        ratio=statistics.median(full / empty for full, empty in pairs),
    )


async def commit(installation: Installation, count: int, name: str) -> list[str]:
    """Inserts commits to the live goals in one transaction; returns their ids."""
    ids = [f"{name}-{uuid4().hex}" for _ in range(count)]
    await installation.rows(_COMMIT, ids, installation.goals[:LIVE])
    return ids


async def wait_until_finished(installation: Installation) -> None:
    """Waits until all deliveries of the live webhooks are finished."""

    async def done() -> bool:
        return not await installation.value(_IS_UNFINISHED, installation.webhooks[:LIVE])

    await until(done, within=300, description="the end of the last delivery")


async def blocks_of_a_claim(installation: Installation) -> float:
    """Returns the blocks fetched by a claim per claimed row. The claim is rolled back."""
    async with await connection_pool.connect(installation.dsn) as connection:

        async def fetched() -> int:
            (row,) = await (await connection.execute(FETCHED)).fetchall()
            return int(row[0])

        async with connection.transaction(force_rollback=True):
            before = await fetched()
            claimed = await connection.execute(
                "select from rowhook.claim_batch(%s, %s, 4) where kind = 'delivery'",
                (uuid4(), BATCH),
            )
            assert claimed.rowcount == BATCH
            return (await fetched() - before) / BATCH


async def engine_rate(installation: Installation, pool: Pool, count: int) -> float:
    """Returns deliveries per second that are claimed and recorded without a worker."""
    await commit(installation, count, "engine")
    begun, recorded = time.perf_counter(), 0
    while claims := await _claim(pool):
        results = [
            {
                "outbox_id": claim.outbox_id,
                "token": claim.token,
                "revision": claim.revision,
                "secrets_version": claim.secrets_version,
                "outcome": "delivered",
                "status_code": 200,
                "started_at": str(claim.event.occurred_at),
                "duration_ms": 1.5,
            }
            for claim in claims
        ]
        recorded += len(await engine.record(pool, json.dumps(results).encode()))
    return recorded / (time.perf_counter() - begun)


async def _claim(pool: Pool) -> list[Claim]:
    claimed = await engine.claim(
        pool, uuid4(), batch=BATCH, per_lane=4, after=None, lease=timedelta(seconds=60), sweep=False
    )
    return claimed.claims


async def drain_rate(installation: Installation, count: int) -> float:
    """Returns deliveries per second that the running worker sends and records."""
    await commit(installation, count, "drained")
    begun = time.perf_counter()
    await wait_until_finished(installation)
    return count / (time.perf_counter() - begun)
