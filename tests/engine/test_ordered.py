"""An `ordered` webhook sends one delivery at a time in commit order."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from rowhook.db import connection_pool, engine, installation_queries
from rowhook.db.connection_pool import Pool
from tests.support.receiver import answer
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio


async def commit_on(connection: psycopg.AsyncConnection, goal: str) -> str:
    cursor = await connection.execute(
        "insert into rowhook.commit (goal_id, data) values (%s, '{}') returning id", (goal,)
    )
    row = await cursor.fetchone()
    assert row is not None
    return str(row[0])


async def claim_one(platform: Platform, pool: Pool) -> list[Any]:
    return await platform.claim(pool, uuid4())


async def test_deliveries_are_sent_one_at_a_time_in_commit_order(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal(ordered=True)
    expected = [await platform.commit() for _ in range(3)]
    sent = []
    for _ in expected:
        (claim,) = await claim_one(platform, pool)
        assert await claim_one(platform, pool) == []
        await platform.record(pool, claim, "delivered")
        sent.append(claim.event.key)
    assert sent == expected


async def test_later_deliveries_wait_for_a_retry(platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_goal(ordered=True, retry_schedule_s=[0, 3600])
    first = await platform.commit()
    await platform.commit()
    (claim,) = await claim_one(platform, pool)
    await platform.record(pool, claim, "http_status", status_code=503)
    assert await claim_one(platform, pool) == []
    assert not (await platform.outlook(pool)).has_more
    await engine.retry(pool, [claim.outbox_id])
    (again,) = await claim_one(platform, pool)
    assert (again.event.key, again.number) == (first, 2)


async def test_a_held_delivery_blocks_later_ones_until_it_is_cancelled(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal(ordered=True)
    await platform.commit()
    second = await platform.commit()
    (claim,) = await claim_one(platform, pool)
    await platform.record(pool, claim, "render_failed", error="data.x is not defined")
    assert await claim_one(platform, pool) == []
    findings = {
        diagnosi["subject"]: diagnosi for diagnosi in await installation_queries.diagnosis(pool)
    }
    assert str(claim.outbox_id) in findings["order"]["finding"]
    await engine.cancel(pool, [claim.outbox_id])
    assert [claim.event.key for claim in await claim_one(platform, pool)] == [second]


async def test_a_reprocessed_delivery_is_sent_first(platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_goal(ordered=True)
    first, second = await platform.commit(), await platform.commit()
    (claim,) = await claim_one(platform, pool)
    await platform.record(pool, claim, "delivered")
    await engine.retry(pool, [claim.outbox_id])
    (again,) = await claim_one(platform, pool)
    await platform.record(pool, again, "delivered")
    (last,) = await claim_one(platform, pool)
    assert [claim.event.key, again.event.key, last.event.key] == [first, first, second]


async def test_an_earlier_transaction_that_commits_late_comes_first(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    await platform.webhook_of_goal(ordered=True)
    async with await connection_pool.connect(dsn) as other, other.transaction():
        early = await commit_on(other, platform.goal)
        late = await platform.commit()
        assert await claim_one(platform, pool) == []
    (first,) = await claim_one(platform, pool)
    await platform.record(pool, first, "delivered")
    (second,) = await claim_one(platform, pool)
    assert [first.event.key, second.event.key] == [early, late]


async def test_a_transaction_that_rolls_back_delays_nothing_and_sends_nothing(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    await platform.webhook_of_goal(ordered=True)
    async with await connection_pool.connect(dsn) as other:
        async with other.transaction(force_rollback=True):
            await commit_on(other, platform.goal)
            stored = await platform.commit()
            assert await claim_one(platform, pool) == []
        assert [claim.event.key for claim in await claim_one(platform, pool)] == [stored]


async def become_ordered(platform: Platform, webhook: UUID) -> None:
    await platform.run("update rowhook.webhook set ordered = true where id = %s", webhook)


async def test_waiting_deliveries_are_ordered_when_a_webhook_becomes_ordered(
    platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_goal()
    expected = [await platform.commit() for _ in range(3)]
    await become_ordered(platform, webhook)
    assert await claim_one(platform, pool) == []
    await engine.sweep(pool)
    sent = []
    for _ in expected:
        (claim,) = await claim_one(platform, pool)
        await platform.record(pool, claim, "delivered")
        sent.append(claim.event.key)
    assert sent == expected


async def test_ordering_waits_for_captures_that_began_before_it(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    webhook = await platform.webhook_of_goal()
    async with await connection_pool.connect(dsn) as other, other.transaction():
        early = await commit_on(other, platform.goal)
        await become_ordered(platform, webhook)
        await engine.sweep(pool)
        await platform.commit()
        assert await claim_one(platform, pool) == []
    await platform.run("update rowhook.chore set due_at = now()")
    await engine.sweep(pool)
    assert [claim.event.key for claim in await claim_one(platform, pool)] == [early]


async def test_ordering_waits_for_deliveries_in_flight(platform: Platform, pool: Pool) -> None:
    webhook = await platform.webhook_of_goal(retry_schedule_s=[0, 0])
    first = await platform.commit()
    (claim,) = await claim_one(platform, pool)
    await become_ordered(platform, webhook)
    await platform.commit()
    await engine.sweep(pool)
    assert await claim_one(platform, pool) == []
    await platform.record(pool, claim, "http_status", status_code=503)
    await platform.run("update rowhook.chore set due_at = now()")
    await engine.sweep(pool)
    assert [claim.event.key for claim in await claim_one(platform, pool)] == [first]


async def test_a_webhook_that_is_no_longer_ordered_sends_concurrently(
    platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_goal(ordered=True)
    for _ in range(3):
        await platform.commit()
    await platform.run("update rowhook.webhook set ordered = false where id = %s", webhook)
    assert len(await claim_one(platform, pool)) == 3


async def test_two_workers_deliver_in_order_while_some_fail_and_connections_race(
    rig: Rig,
) -> None:
    await rig.webhook(ordered=True, retry_schedule_s=[0, 0, 0, 0], raw_payload=True)
    rig.receiver.script(
        "/hook", answer(), answer(500), answer(), answer(), answer(503), answer(500), answer()
    )
    async with rig.worker(), rig.worker():
        for number in range(30):
            await rig.platform.commit(json.dumps({"n": number}))
        await rig.reaches("delivered", count=30)
    observed = [json.loads(request.body)["n"] for request in rig.receiver.requests]
    assert observed == sorted(observed)
    assert sorted(set(observed)) == list(range(30))
    assert len(observed) == 33
