from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from rowhook.db import engine, statements
from rowhook.db.connection_pool import Pool
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, every_server]


async def claim_one(platform: Platform, pool: Pool, **fields: object) -> object:
    """Commits once and returns the claimed delivery."""
    await platform.webhook_of_goal(**fields)
    await platform.commit()
    return (await platform.claim(pool))[0]


async def row(platform: Platform) -> dict[str, object]:
    return (
        await platform.rows(
            "select *, extract(epoch from next_attempt_at - now())::float as due_in"
            " from rowhook.outbox"
        )
    )[0]


async def test_a_2xx_is_delivered_and_recorded_as_an_attempt(
    platform: Platform, pool: Pool
) -> None:
    claim = await claim_one(platform, pool)
    assert await platform.record(pool, claim, "delivered", status_code=204)
    result = await row(platform)
    assert (result["status"], result["attempts"], result["last_status_code"]) == (
        "delivered",
        1,
        204,
    )
    assert result["finished_at"] is not None
    attempts = await platform.rows("select number, outcome, status_code from rowhook.attempt")
    assert attempts == [{"number": 1, "outcome": "delivered", "status_code": 204}]


async def test_a_result_counts_once(platform: Platform, pool: Pool) -> None:
    claim = await claim_one(platform, pool)
    assert await platform.record(pool, claim, "delivered")
    assert not await platform.record(pool, claim, "http_status", status_code=500)
    assert (await row(platform))["status"] == "delivered"
    assert await platform.value("select count(*) from rowhook.attempt") == 1


async def test_only_one_of_two_workers_records_a_claim(platform: Platform, pool: Pool) -> None:
    claim = await claim_one(platform, pool)
    counted = await asyncio.gather(*(platform.record(pool, claim, "delivered") for _ in range(8)))
    assert counted.count(True) == 1


async def test_a_result_with_a_stale_token_changes_nothing(platform: Platform, pool: Pool) -> None:
    zombie = await claim_one(platform, pool)
    await platform.run("update rowhook.outbox set leased_until = now() - interval '1 s'")
    (own,) = await platform.claim(pool, uuid4(), lease_s=0.01, sweep=True)
    assert not await platform.record(pool, zombie, "delivered")
    assert (await row(platform))["status"] == "sending"
    assert await platform.record(pool, own, "delivered")


async def test_an_expired_lease_that_was_not_reclaimed_still_records(
    platform: Platform, pool: Pool
) -> None:
    claim = await claim_one(platform, pool)
    await platform.run("update rowhook.outbox set leased_until = now() - interval '1 h'")
    assert await platform.record(pool, claim, "delivered")


@pytest.mark.parametrize(
    "outcome",
    [
        "http_status",
        "timeout",
        "dns_failed",
        "connect_failed",
        "tls_failed",
        "target_forbidden",
        "response_invalid",
    ],
)
async def test_every_failed_attempt_is_retried_on_the_schedule(
    platform: Platform, pool: Pool, outcome: str
) -> None:
    claim = await claim_one(platform, pool, retry_schedule_s=[0, 100, 1000])
    await platform.record(pool, claim, outcome, status_code=500, error="it failed")
    result = await row(platform)
    assert (result["status"], result["last_error"]) == ("pending", "it failed")
    assert 79 < float(str(result["due_in"])) <= 120


async def test_the_default_schedule_has_ten_attempts_and_ends_in_dead(
    platform: Platform, pool: Pool
) -> None:
    default = [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    await claim_one(platform, pool, retry_schedule_s=default)
    await platform.run("update rowhook.outbox set status = 'cancelled'")
    await platform.run("update rowhook.outbox set status = 'pending'")
    for number, delay in enumerate([*default[1:], None], start=1):
        (claim,) = await platform.claim(pool)
        assert claim.number == number
        await platform.record(pool, claim, "http_status", status_code=500)
        result = await row(platform)
        if delay is None:
            assert (result["status"], result["attempts"]) == ("dead", 10)
        else:
            assert 0.8 * delay - 5 < float(str(result["due_in"])) <= 1.2 * delay
            await platform.run("update rowhook.outbox set status = 'pending'")


@pytest.mark.parametrize(
    ("requested", "low", "high"), [(600, 599, 600), (10, 79, 120), (10**12, 86399, 86400)]
)
async def test_retry_after_only_ever_delays_and_at_most_a_day(
    platform: Platform, pool: Pool, requested: float, low: float, high: float
) -> None:
    claim = await claim_one(platform, pool, retry_schedule_s=[0, 100, 1000])
    await platform.record(pool, claim, "http_status", status_code=503, retry_after_s=requested)
    assert low <= float(str((await row(platform))["due_in"])) <= high


async def test_a_410_ends_the_delivery_disables_the_webhook_and_skips_waiting_deliveries(
    platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_goal()
    for _ in range(3):
        await platform.commit()
    (claim, *_) = await platform.claim(pool, batch=1)
    await platform.record(pool, claim, "http_status", status_code=410)
    await engine.sweep(pool)
    assert [delivery["status"] for delivery in await platform.deliveries()] == [
        "dead",
        "skipped",
        "skipped",
    ]
    state = await platform.rows("select state, disabled_reason from rowhook.webhook")
    assert state == [
        {"state": "disabled", "disabled_reason": "The receiver responded with status 410."}
    ]
    assert await statements.value(pool, "select rowhook.resume(%s)", webhook)


@pytest.mark.parametrize("outcome", ["config_rejected", "render_failed", "schema_failed"])
async def test_a_delivery_that_cannot_be_rendered_is_held_past_the_schedule(
    platform: Platform, pool: Pool, outcome: str
) -> None:
    claim = await claim_one(platform, pool, retry_schedule_s=[0, 0])
    await platform.record(pool, claim, outcome, error="data.x is not defined")
    assert (await row(platform))["status"] == "held"
    (again,) = await platform.claim(pool)
    await platform.record(pool, again, outcome, error="data.x is not defined")
    result = await row(platform)
    assert (result["status"], result["next_attempt_at"], result["attempts"]) == ("held", None, 2)


async def test_a_change_of_the_webhook_releases_held_deliveries_with_a_fresh_schedule(
    platform: Platform, pool: Pool
) -> None:
    claim = await claim_one(platform, pool)
    await platform.record(pool, claim, "render_failed", error="no")
    await platform.run("update rowhook.webhook set body_template = '{}'")
    await engine.sweep(pool)
    result = await row(platform)
    assert (result["status"], result["schedule_step"], result["attempts"]) == ("pending", 0, 1)
    (again,) = await platform.claim(pool)
    assert again.revision == 2


async def test_a_change_of_a_used_secret_releases_held_deliveries(
    platform: Platform, pool: Pool
) -> None:
    claim = await claim_one(platform, pool)
    await platform.value(
        "select rowhook.put_secret(%s, 'crm', 1, 'x', null)", platform.organization
    )
    await platform.run(
        "insert into rowhook.webhook_secret select id, organization_id, 'crm' from rowhook.webhook"
    )
    await platform.record(pool, claim, "render_failed", error="no")
    await platform.value(
        "select rowhook.put_secret(%s, 'crm', 2, 'y', null)", platform.organization
    )
    await engine.sweep(pool)
    (again,) = await platform.claim(pool)
    assert again.secrets_version == 2


async def test_a_fix_during_rendering_makes_the_delivery_due_immediately(
    platform: Platform, pool: Pool
) -> None:
    claim = await claim_one(platform, pool)
    await platform.run("update rowhook.webhook set url = 'http://127.0.0.1:8/'")
    await platform.record(pool, claim, "schema_failed", error="no")
    assert (await row(platform))["status"] == "pending"
    assert len(await platform.claim(pool)) == 1


async def test_a_false_condition_skips_a_delivery_without_an_attempt(
    platform: Platform, pool: Pool
) -> None:
    claim = await claim_one(platform, pool)
    await platform.record(pool, claim, "skipped")
    result = await row(platform)
    assert (result["status"], result["attempts"]) == ("skipped", 0)
    assert await platform.value("select count(*) from rowhook.attempt") == 0


async def test_the_late_result_of_a_cancelled_delivery_is_recorded_as_an_attempt(
    platform: Platform, pool: Pool
) -> None:
    claim = await claim_one(platform, pool)
    await platform.run("update rowhook.outbox set status = 'cancelled'")
    assert await platform.record(pool, claim, "delivered", status_code=200)
    result = await row(platform)
    assert (result["status"], result["attempts"]) == ("cancelled", 1)


async def test_outputs_of_a_goal_are_delivered_independently(
    platform: Platform, pool: Pool
) -> None:
    for _ in range(3):
        await platform.webhook_of_goal()
    await platform.commit()
    claims = await platform.claim(pool)
    for claim, outcome in zip(claims, ("delivered", "http_status", "schema_failed"), strict=True):
        await platform.record(pool, claim, outcome, status_code=None)
    result = {delivery["id"]: delivery["status"] for delivery in await platform.deliveries()}
    assert [result[claim.outbox_id] for claim in claims] == ["delivered", "pending", "held"]
