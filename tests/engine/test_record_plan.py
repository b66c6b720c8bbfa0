"""The cost of record, renew and release depends on their rows only, also with wrong statistics."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.engine.test_claim_plan import (
    BATCH,
    MOST_TOUCHED,
    WAITING,
    Statistics,
    analyze,
    deliveries,
    mislead_planner,
    rows_read,
    whatever_the_statistics,
)
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, pytest.mark.new_database, every_server]
Held = list[tuple[int, int]]
WORKER = uuid4()


async def record(platform: Platform, held: Held, *, all_delivered: bool = False) -> int:
    results = [
        {
            "outbox_id": number,
            "token": token,
            "revision": 1,
            "secrets_version": 1,
            "outcome": "delivered",
            "status_code": 204,
            "started_at": "2026-01-01T00:00:00Z",
            "duration_ms": 1.5,
        }
        for number, token in held
    ]
    return await platform.run(
        "select from rowhook.record(%s::json, all_delivered => %s)",
        json.dumps(results),
        all_delivered,
    )


async def record_delivered(platform: Platform, held: Held) -> int:
    return await record(platform, held, all_delivered=True)


async def renew(platform: Platform, held: Held) -> int:
    numbers, tokens = [claim for claim, _ in held], [claim for _, claim in held]
    return await platform.run(
        "select from rowhook.renew(%s, %s::bigint[], %s::bigint[], '1 min')",
        WORKER,
        numbers,
        tokens,
    )


async def release(platform: Platform, held: Held) -> int:
    numbers, tokens = [claim for claim, _ in held], [claim for _, claim in held]
    await platform.run("select rowhook.release(%s::bigint[], %s::bigint[])", numbers, tokens)
    return len(held)


async def claim_all(platform: Platform) -> Held:
    rows = await platform.rows(
        "select outbox_id, token from rowhook.claim_batch(%s, %s, 4, null, %s, false)",
        WORKER,
        BATCH,
        timedelta(minutes=1),
    )
    return [(row["outbox_id"], row["token"]) for row in rows if row["token"] is not None]


@whatever_the_statistics
@pytest.mark.parametrize("step", [record, record_delivered, renew, release])
async def test_a_batch_is_recorded_without_reading_waiting_rows(
    platform: Platform, statistics: Statistics, step: Callable[[Platform, Held], Awaitable[int]]
) -> None:
    await mislead_planner(platform, statistics)
    for _ in range(10 if statistics == "of_a_plan_made_empty" else 0):
        await step(platform, [])
    await deliveries(platform, WAITING, ready=True, due_s=0)
    await analyze(platform, statistics)
    for _ in range(3):
        held = await claim_all(platform)
        async with platform.db.transaction():
            before = await rows_read(platform)
            assert await step(platform, held) == BATCH
            after = await rows_read(platform)
        work = {name: after[name] - before[name] for name in after if after[name] > before[name]}
        assert sum(work.values()) <= MOST_TOUCHED, work
    query = await platform.value("select count(*) from rowhook.outbox where status = 'sending'")
    assert query == (3 * BATCH if step is renew else 0)
