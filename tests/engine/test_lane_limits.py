"""max_in_flight and rate_per_s of a webhook hold across all workers."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import pytest

from rowhook.db.connection_pool import Pool
from tests.support.claim_log import claim_log, log_claims
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio


async def commits(platform: Platform, count: int) -> None:
    await platform.run(
        "insert into rowhook.commit (goal_id, data) select %s, '{}' from generate_series(1, %s)",
        platform.goal,
        count,
    )


async def make_retries(platform: Platform, count: int) -> None:
    """Makes deliveries due that have been attempted three times."""
    await platform.run(
        "update rowhook.outbox set token = nextval('rowhook.token'), schedule_step = 3,"
        " attempts = 3 where id in (select id from rowhook.outbox order by id limit %s)",
        count,
    )


async def in_flight(platform: Platform) -> int:
    count: int = await platform.value("select count(*) from rowhook.outbox where status='sending'")
    return count


async def test_all_workers_together_claim_at_most_max_in_flight(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal(max_in_flight=3)
    await commits(platform, 10)
    first = await platform.claim(pool, uuid4(), batch=2)
    second = await platform.claim(pool, uuid4())
    assert (len(first), len(second)) == (2, 1)
    assert await platform.claim(pool, uuid4()) == []
    await platform.record(pool, first[0], "delivered")
    assert len(await platform.claim(pool, uuid4())) == 1


async def test_concurrent_claims_respect_max_in_flight(platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_goal(max_in_flight=5)
    await commits(platform, 200)
    most = 0

    async def work() -> None:
        nonlocal most
        for _ in range(30):
            claimed = await platform.claim(pool, uuid4(), batch=3)
            most = max(most, await in_flight(platform))
            for claim in claimed:
                await platform.record(pool, claim, "delivered")

    await asyncio.gather(*(work() for _ in range(4)))
    assert 1 <= most <= 5


async def test_deliveries_of_a_dead_worker_use_no_slot_after_the_lease(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal(max_in_flight=1)
    await commits(platform, 2)
    assert len(await platform.claim(pool)) == 1
    assert await platform.claim(pool) == []
    await platform.run("update rowhook.outbox set leased_until = now() where status = 'sending'")
    assert len(await platform.claim(pool)) == 1


async def test_a_webhook_at_its_limit_does_not_keep_a_worker_awake(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal(max_in_flight=1)
    await commits(platform, 2)
    assert (await platform.outlook(pool)).has_more
    outlook = await platform.outlook(pool)
    assert (outlook.has_more, outlook.awaits_result) == (False, True)


async def test_retries_leave_half_of_the_slots_to_first_attempts(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal(max_in_flight=10)
    await commits(platform, 40)
    await make_retries(platform, 20)
    claimed = [claim for _ in range(5) for claim in await platform.claim(pool)]
    numbers = Counter(claim.number for claim in claimed)
    assert numbers.total() == 10
    assert 2 <= numbers[4] <= 5


async def test_retries_without_first_attempts_use_half_of_the_slots(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal(max_in_flight=10)
    await commits(platform, 20)
    await make_retries(platform, 20)
    claimed = [claim for _ in range(5) for claim in await platform.claim(pool)]
    assert len(claimed) == 5
    outlook = await platform.outlook(pool)
    assert (outlook.has_more, outlook.awaits_result) == (False, True)


async def test_neither_first_attempts_nor_retries_starve_with_one_slot(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal(max_in_flight=1)
    await commits(platform, 200)
    await make_retries(platform, 100)
    numbers: Counter[int] = Counter()
    for _ in range(80):
        for claim in await platform.claim(pool):
            numbers[claim.number] += 1
            await platform.record(pool, claim, "delivered")
    assert numbers[1] > 0
    assert numbers[4] > 0


async def rate_state(platform: Platform) -> dict[str, Any]:
    (row,) = await platform.rows("select * from rowhook.lane_state")
    return row


async def pass_time(platform: Platform, seconds: float) -> None:
    await platform.run(
        "update rowhook.lane_state set refilled_at = refilled_at - make_interval(secs => %s)",
        seconds,
    )


async def test_a_rate_limit_has_a_burst_of_a_tenth_of_a_second(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal(rate_per_s=50)
    await commits(platform, 100)
    # The clock advances between the calls; the tokens of that time are not counted.
    assert len(await platform.claim(pool, uuid4())) == 5
    remaining = (await rate_state(platform))["tokens"]
    assert 0 <= remaining < 1
    await pass_time(platform, 0.06)
    assert 3 <= len(await platform.claim(pool, uuid4())) <= 5
    await pass_time(platform, 3600)
    assert len(await platform.claim(pool, uuid4())) == 5


async def test_a_sleeping_worker_learns_when_the_rate_limit_allows_the_next(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal(rate_per_s=0.01)
    await commits(platform, 2)
    assert len(await platform.claim(pool)) == 1
    outlook = await platform.outlook(pool)
    assert not outlook.has_more
    # The next token is available 100 s after the refill, less the remaining fraction.
    query = (
        "select (1 - tokens) * 100 - extract(epoch from clock_timestamp() - refilled_at)::float8"
    )
    assert outlook.due_in_s is not None
    assert outlook.due_in_s >= await platform.value(f"{query} from rowhook.lane_state")
    assert outlook.due_in_s <= 100


def most_in_a_second(times: list[float]) -> int:
    return max(sum(first <= time < first + 1 for time in times) for first in times)


async def test_a_rate_limit_holds_across_two_workers(rig: Rig) -> None:
    await rig.webhook(rate_per_s=40)
    await commits(rig.platform, 100)
    await log_claims(rig.platform)
    async with rig.worker(), rig.worker():
        await rig.reaches("delivered", count=100)
    # By the clock of the rate limit, since a busy machine may send claimed deliveries in bursts.
    times = [row["claimed_at"].timestamp() for row in await claim_log(rig.platform)]
    assert len(times) == 100
    # A tenth of a second may arrive as a burst: 40 and 4, and one at either end.
    assert most_in_a_second(times) <= 46


async def test_max_in_flight_holds_at_the_receiver_across_two_workers(rig: Rig) -> None:
    open_now: set[int] = set()
    most = 0

    async def busy(request: Any, writer: Any) -> None:
        nonlocal most
        open_now.add(id(request))
        most = max(most, len(open_now))
        await asyncio.sleep(0.01)
        open_now.discard(id(request))
        writer.write(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")

    rig.receiver.script("/hook", busy)
    await rig.webhook(max_in_flight=4)
    await commits(rig.platform, 200)
    async with rig.worker(), rig.worker():
        await rig.reaches("delivered", count=200)
    assert most == 4


async def test_a_hanging_webhook_uses_no_slots_of_another(rig: Rig) -> None:
    hanging: asyncio.Event = asyncio.Event()

    async def never_respond(_: Any, writer: Any) -> None:
        await hanging.wait()
        writer.write(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")

    rig.receiver.script("/hang", never_respond)
    await rig.webhook("/hang", max_in_flight=400, timeout_s=30)
    await commits(rig.platform, 400)
    async with rig.worker():

        async def all_hang() -> bool:
            return len(rig.receiver.requests) >= 400

        await until(all_hang, description="400 requests that hang")
        good: UUID = (await rig.webhook("/good")).id
        await commits(rig.platform, 1)
        await rig.reaches("delivered")
        hanging.set()
    (row,) = [
        delivery for delivery in await rig.platform.deliveries() if delivery["webhook_id"] == good
    ]
    assert row["status"] == "delivered"
