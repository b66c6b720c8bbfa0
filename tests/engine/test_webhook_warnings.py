"""Operational events of a failing webhook: warned, disabled, recovered."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from rowhook.db import engine
from rowhook.db.connection_pool import Pool
from tests.support.receiver import answer
from tests.support.sample_platform import Platform, other_platform
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio
OPERATIONAL = ["webhook.failing", "webhook.disabled", "webhook.recovered"]


async def failing(platform: Platform, webhook: UUID, *, days: float, tries: int = 20) -> None:
    """Backdates a webhook that has failed for some days."""
    await platform.run(
        "insert into rowhook.lane_state (webhook_id, failures, failing_since)"
        " values (%s, %s, now() - %s::interval) on conflict (webhook_id) do update"
        " set failures = excluded.failures, failing_since = excluded.failing_since",
        webhook,
        tries,
        timedelta(days=days),
    )


async def operational_events(platform: Platform) -> list[str]:
    rows = await platform.rows(
        "select type from rowhook.event where type like 'webhook.%%' order by id"
    )
    return [row["type"] for row in rows]


@pytest.mark.parametrize(
    ("days", "steps"),
    [
        (2.4, []),
        (2.6, [50]),
        (3.6, [50, 70]),
        (4.6, [50, 70, 90]),
        (5.1, [50, 70, 90, 100]),
    ],
)
async def test_each_state_change_of_a_webhook_is_announced_once_in_order(
    platform: Platform, pool: Pool, days: float, steps: list[int]
) -> None:
    webhook = await platform.webhook_of_goal()
    await failing(platform, webhook, days=days)
    reached = []
    for _ in range(6):
        await engine.warn_or_disable(pool)
        reached.append(await platform.value("select warned from rowhook.lane_state"))
    assert sorted(set(reached) - {0}) == steps
    assert await operational_events(platform) == [
        "webhook.disabled" if step == 100 else "webhook.failing" for step in steps
    ]


async def test_few_attempts_never_disable_a_webhook(platform: Platform, pool: Pool) -> None:
    webhook = await platform.webhook_of_goal()
    await failing(platform, webhook, days=50, tries=9)
    assert await engine.warn_or_disable(pool) == 0


async def test_a_disabled_webhook_has_a_reason_and_skips_its_deliveries_replayably(
    platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_goal()
    await platform.commit()
    await failing(platform, webhook, days=6, tries=44)
    for _ in range(4):
        await engine.warn_or_disable(pool)
    await engine.sweep(pool)
    await platform.commit()
    rows = await platform.rows("select state, disabled_reason from rowhook.webhook")
    assert rows[0]["state"] == "disabled"
    assert "every attempt has failed for 5 days" in rows[0]["disabled_reason"]
    assert {row["status"] for row in await platform.deliveries()} == {"skipped"}
    await platform.value("select rowhook.resume(%s)", webhook)
    assert await platform.value("select rowhook.replay(%s, now() - interval '1 day')", webhook) == 2
    assert len(await platform.claim(pool)) == 2


async def test_resuming_a_webhook_restarts_its_five_days(platform: Platform, pool: Pool) -> None:
    webhook = await platform.webhook_of_goal()
    await failing(platform, webhook, days=6)
    for _ in range(4):
        await engine.warn_or_disable(pool)
    await platform.value("select rowhook.resume(%s)", webhook)
    await platform.commit()
    (claim,) = await platform.claim(pool)
    await platform.record(pool, claim, "timeout")
    assert await engine.warn_or_disable(pool) == 0
    assert await platform.value("select state from rowhook.webhook") == "active"


async def test_a_success_after_a_warning_is_announced_and_resets_the_failures(
    platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_goal()
    await failing(platform, webhook, days=3)
    await engine.warn_or_disable(pool)
    await platform.commit()
    (claim,) = await platform.claim(pool)
    await platform.record(pool, claim, "delivered")
    assert await engine.warn_or_disable(pool) == 1
    assert await operational_events(platform) == ["webhook.failing", "webhook.recovered"]
    await engine.warn_or_disable(pool)
    assert await platform.rows("select from rowhook.lane_state") == []


async def test_a_410_is_announced_immediately(platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    (claim,) = await platform.claim(pool)
    await platform.record(pool, claim, "http_status", status_code=410)
    assert await operational_events(platform) == ["webhook.disabled"]
    (event,) = await platform.rows(
        "select snapshot from rowhook.event where type like 'webhook.%%'"
    )
    assert event["snapshot"]["reason"] == "The receiver responded with status 410."


async def test_operational_events_go_only_to_subscribed_webhooks_and_never_to_their_subject(
    platform: Platform, pool: Pool
) -> None:
    about = await platform.webhook_of_goal(event_types=["goal.committed", *OPERATIONAL])
    subscriber = await platform.webhook(event_types=["webhook.failing"])
    await platform.webhook()
    await platform.webhook(event_types=["webhook.recovered"])
    elsewhere = await other_platform(platform)
    await elsewhere.webhook(event_types=OPERATIONAL)
    await failing(platform, about, days=3)
    await engine.warn_or_disable(pool)
    assert [row["webhook_id"] for row in await platform.deliveries()] == [subscriber]


async def test_an_operational_event_arrives_signed_with_its_own_payload(rig: Rig) -> None:
    async def respond_gone(request: Any, writer: Any) -> None:
        await answer(410, b"", ())(request, writer)

    rig.receiver.script("/gone", respond_gone)
    about = await rig.webhook("/gone")
    await rig.webhook("/alerts", event_types=["webhook.disabled"])
    async with rig.worker():
        await rig.platform.commit()
        await rig.reaches("delivered")
    (request,) = [request for request in rig.receiver.requests if request.path == "/alerts"]
    body = json.loads(request.body)
    assert list(body) == ["type", "timestamp", "organization", "webhook", "reason"]
    assert body["webhook"] == {"id": str(about.id), "name": "/gone", "state": "disabled"}
    assert body["organization"]["id"] == str(rig.platform.organization)
    key = request.header("idempotency-key") or ""
    assert key.startswith(f"webhook.disabled:{about.id}:")
