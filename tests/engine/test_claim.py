from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from rowhook.db import engine
from rowhook.db.connection_pool import Pool
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, every_server]


async def test_a_claim_takes_a_share_of_each_lane(platform: Platform, pool: Pool) -> None:
    quiet = await platform.webhook_of_goal()
    await platform.commit()
    busy = await platform.webhook_of_agent()
    for _ in range(40):
        await platform.job("succeeded")
    webhook_ids = [claim.webhook_id for claim in await platform.claim(pool, batch=16)]
    assert webhook_ids.count(quiet) == 1
    assert webhook_ids.count(busy) == 8


async def test_two_workers_never_claim_the_same_delivery(platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_goal()
    for _ in range(30):
        await platform.commit()
    claimed_ids = [
        claim.outbox_id for _ in range(12) for claim in await platform.claim(pool, uuid4(), batch=5)
    ]
    assert len(claimed_ids) == len(set(claimed_ids)) == 30


@pytest.mark.parametrize("state", ["paused", "disabled"])
async def test_deliveries_of_an_inactive_webhook_are_not_claimed(
    platform: Platform, pool: Pool, state: str
) -> None:
    webhook = await platform.webhook_of_goal()
    other = await platform.webhook_of_agent()
    await platform.commit()
    await platform.job("failed")
    await platform.run("update rowhook.webhook set state = %s where id = %s", state, webhook)
    assert [claim.webhook_id for claim in await platform.claim(pool)] == [other]


async def test_nothing_is_sent_for_a_deleted_webhook(platform: Platform, pool: Pool) -> None:
    webhook = await platform.webhook_of_goal()
    await platform.commit()
    await platform.run("delete from rowhook.link")
    await platform.run("delete from rowhook.webhook where id = %s", webhook)
    assert await platform.claim(pool) == []
    await engine.sweep(pool)
    assert [row["status"] for row in await platform.deliveries()] == ["cancelled"]
    name = await platform.value("select webhook_name from rowhook.delivery")
    assert name == "webhook"


async def test_a_claim_contains_the_event_and_the_attempt_number(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    commit = await platform.commit('{"n": 1.10}')
    (claim,) = await platform.claim(pool)
    assert (claim.number, claim.revision, claim.event.key) == (1, 1, commit)
    assert (claim.event.data, claim.event.context, claim.large) == ('{"n": 1.10}', None, False)


async def test_a_large_event_is_loaded_separately(platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_goal()
    data = '["' + "".join(str(uuid4()) for _ in range(3000)) + '"]'
    await platform.commit(data)
    (claim,) = await platform.claim(pool)
    assert (claim.large, claim.event.data) == (True, None)
    assert await engine.event_body(pool, claim.event.id) == (data, None)


async def expire(platform: Platform) -> None:
    """Moves the leases and the workers back by one lease duration."""
    await platform.run(
        "update rowhook.outbox set leased_until = now() - interval '1 s' where status = 'sending'"
    )


async def test_another_worker_claims_an_expired_lease_with_a_new_token(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    (first,) = await platform.claim(pool)
    await expire(platform)
    (second,) = await platform.claim(pool, lease_s=0.01, sweep=True)
    assert second.outbox_id == first.outbox_id
    assert second.token != first.token
    assert (await platform.deliveries())[0]["lost_claims"] == 1


async def test_a_claim_also_takes_what_it_makes_ready_before_the_first_ready_lane(
    platform: Platform, pool: Pool
) -> None:
    first, last = sorted([await platform.webhook_of_goal(), await platform.webhook_of_goal()])
    await platform.commit()
    await platform.run(
        "update rowhook.outbox set ready = false, token = nextval('rowhook.token'),"
        " next_attempt_at = now() - interval '1 s' where webhook_id = %s",
        first,
    )
    assert {claim.webhook_id for claim in await platform.claim(pool)} == {first, last}


async def test_a_claim_also_takes_an_expired_lease_before_the_first_ready_lane(
    platform: Platform, pool: Pool
) -> None:
    first, last = sorted([await platform.webhook_of_goal(), await platform.webhook_of_goal()])
    await platform.commit()
    await platform.claim(pool)
    await expire(platform)
    await platform.run(
        "update rowhook.outbox set status = 'pending', ready = true, next_attempt_at = now(),"
        " worker_id = null, leased_until = null, token = nextval('rowhook.token')"
        " where webhook_id = %s",
        last,
    )
    claims = await platform.claim(pool, lease_s=0.01, sweep=True)
    assert {claim.webhook_id for claim in claims} == {first, last}


async def test_a_worker_never_reclaims_its_own_expired_lease(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    worker = uuid4()
    await platform.claim(pool, worker)
    await expire(platform)
    assert await platform.claim(pool, worker, lease_s=0.01, sweep=True) == []


async def test_a_delivery_lost_by_five_workers_is_dead_with_the_reason(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    for _ in range(5):
        assert len(await platform.claim(pool, lease_s=0.01, sweep=True)) == 1
        await expire(platform)
    assert await platform.claim(pool, lease_s=0.01, sweep=True) == []
    (row,) = await platform.deliveries()
    assert (row["status"], row["lost_claims"]) == ("dead", 5)
    assert "5 claims ended without a result" in row["last_error"]


async def test_renewing_returns_the_leases_that_are_still_held(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    worker = uuid4()
    (claim,) = await platform.claim(pool, worker)
    held = {claim.token: claim.outbox_id, claim.token + 1: claim.outbox_id}
    assert await engine.renew(pool, worker, held, timedelta(seconds=60)) == {claim.token}


async def test_a_released_delivery_uses_no_attempt_and_is_due_immediately(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    (claim,) = await platform.claim(pool)
    await engine.release(pool, {claim.token: claim.outbox_id})
    (again,) = await platform.claim(pool)
    assert (again.outbox_id, again.number) == (claim.outbox_id, 1)
    assert not await platform.record(pool, claim, "delivered")


async def test_the_first_delay_of_the_schedule_is_applied(platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_goal(retry_schedule_s=[3600])
    await platform.commit()
    assert await platform.claim(pool) == []
    outlook = await platform.outlook(pool)
    assert not outlook.has_more
    assert outlook.due_in_s is not None
    assert 0.8 * 3600 - 60 < outlook.due_in_s < 1.2 * 3600


async def test_the_cursor_reaches_more_lanes_than_one_call_visits(
    platform: Platform, pool: Pool
) -> None:
    await platform.run(
        "insert into rowhook.webhook (organization_id, name, url, state)"
        " select %s, 'w' || n, 'http://127.0.0.1:9/', 'paused' from generate_series(1, 300) n",
        platform.organization,
    )
    await platform.run(
        "insert into rowhook.link (organization_id, webhook_id, goal_id)"
        " select organization_id, id, %s from rowhook.webhook",
        platform.goal,
    )
    await platform.commit()
    last = await platform.value("select max(id::text)::uuid from rowhook.webhook")
    await platform.run("update rowhook.webhook set state = 'active' where id = %s", last)
    visited, cursor = [], None
    for _ in range(3):
        claimed = await engine.claim(
            pool,
            uuid4(),
            batch=8,
            per_lane=4,
            after=cursor,
            lease=timedelta(seconds=20),
            sweep=False,
        )
        visited += claimed.claims
        cursor = claimed.cursor
        if claimed.rotated:
            break
    assert [claim.webhook_id for claim in visited] == [last]
