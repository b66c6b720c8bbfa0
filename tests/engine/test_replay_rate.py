"""A replay at a rate: rows with different times, made ready when due, sent by a worker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from rowhook.db import connection_pool, engine
from rowhook.db.connection_pool import Pool
from rowhook.services import deliveries
from tests.support.claim_log import claim_log, log_claims
from tests.support.deadline import DEADLINE_S
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def cancelled_deliveries(platform: Platform, pool: Pool, count: int) -> None:
    """Creates deliveries that were cancelled before they were sent."""
    for _ in range(count):
        await platform.commit()
    await engine.cancel(pool, [row["id"] for row in await platform.deliveries()])


async def move_back(platform: Platform, by: timedelta) -> None:
    """Moves the time of every waiting row back by `by`."""
    await platform.run(
        "update rowhook.outbox set token = nextval('rowhook.token'),"
        " next_attempt_at = next_attempt_at - %s::interval where next_attempt_at is not null",
        by,
    )


def gaps(rows: list[dict[str, Any]]) -> list[timedelta]:
    return [later["next_attempt_at"] - row["next_attempt_at"] for row, later in pairwise(rows)]


async def test_a_rate_of_twenty_a_second_spaces_rows_by_50_ms(
    rig: Rig, platform: Platform, pool: Pool
) -> None:
    webhook = await rig.webhook()
    await cancelled_deliveries(platform, pool, 10)
    counted = await deliveries.replay(rig.ctx, webhook.id, LONG_AGO, rate=20)
    rows = await platform.deliveries()
    assert counted.deliveries == 10
    assert gaps(rows) == [timedelta(milliseconds=50)] * 9
    assert [row["ready"] for row in rows] == [True] + [False] * 9
    assert {row["status"] for row in rows} == {"pending"}


async def test_a_replay_without_a_rate_makes_all_rows_ready(
    rig: Rig, platform: Platform, pool: Pool
) -> None:
    webhook = await rig.webhook()
    await cancelled_deliveries(platform, pool, 3)
    await deliveries.replay(rig.ctx, webhook.id, LONG_AGO)
    assert all(row["ready"] for row in await platform.deliveries())
    assert len(await platform.claim(pool)) == 3


async def test_a_claim_takes_only_rows_that_are_due(
    rig: Rig, platform: Platform, pool: Pool
) -> None:
    webhook = await rig.webhook()
    await cancelled_deliveries(platform, pool, 5)
    await deliveries.replay(rig.ctx, webhook.id, LONG_AGO, rate=0.01)
    first, *rest = [row["id"] for row in await platform.deliveries()]
    assert [claim.outbox_id for claim in await platform.claim(pool)] == [first]
    await move_back(platform, timedelta(seconds=250))
    assert [claim.outbox_id for claim in await platform.claim(pool)] == rest[:2]
    assert [row["ready"] for row in await platform.deliveries()] == [False] * 5
    await move_back(platform, timedelta(seconds=250))
    assert [claim.outbox_id for claim in await platform.claim(pool)] == rest[2:]


async def test_a_worker_sends_all_replayed_rows_and_none_early(
    rig: Rig, platform: Platform, pool: Pool
) -> None:
    webhook = await rig.webhook()
    await cancelled_deliveries(platform, pool, 10)
    await log_claims(platform)
    async with rig.worker():
        await deliveries.replay(rig.ctx, webhook.id, LONG_AGO, rate=20)
        await rig.reaches("delivered", count=10)
    claimed = await claim_log(platform)
    due = [row["due_at"] for row in claimed]
    assert [later - earlier for earlier, later in pairwise(due)] == [timedelta(seconds=0.05)] * 9
    assert all(row["claimed_at"] >= row["due_at"] for row in claimed)
    assert len(rig.receiver.requests) == 10


async def test_a_replay_at_a_rate_wakes_a_sleeping_worker(
    rig: Rig, platform: Platform, pool: Pool, dsn: str
) -> None:
    webhook = await rig.webhook()
    await cancelled_deliveries(platform, pool, 2)
    async with await connection_pool.connect(dsn) as ear:
        await ear.execute("listen rowhook")
        await platform.outlook(pool)
        await deliveries.replay(rig.ctx, webhook.id, LONG_AGO, rate=1)
        assert [note.channel async for note in ear.notifies(timeout=DEADLINE_S, stop_after=1)] == [
            "rowhook"
        ]


async def test_a_replayed_delivery_restarts_its_schedule_and_keeps_its_attempts(
    rig: Rig, platform: Platform, pool: Pool
) -> None:
    webhook = await rig.webhook(retry_schedule_s=[0, 60])
    await platform.commit()
    for _ in range(2):
        await move_back(platform, timedelta(seconds=100))
        (claim,) = await platform.claim(pool)
        await platform.record(pool, claim, "http_status", status_code=500)
    assert (await platform.deliveries())[0]["status"] == "dead"
    await deliveries.replay(rig.ctx, webhook.id, LONG_AGO, rate=1)
    (row,) = await platform.deliveries()
    assert (row["attempts"], row["schedule_step"], row["finished_at"]) == (2, 0, None)


@pytest.mark.parametrize("rate", ["0", "-1", "1e-9", "'NaN'", "'Infinity'"])
async def test_an_invalid_rate_is_rejected_in_sql(platform: Platform, rate: str) -> None:
    webhook = await platform.webhook()
    query = f"select rowhook.replay('{webhook}', '2020-01-01', rate => {rate})"
    with pytest.raises(psycopg.DataError, match=r"from 0\.001 to 1000000"):
        await platform.db.execute(query.encode())
