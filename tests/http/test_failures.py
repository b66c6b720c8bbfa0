"""Failures by webhook and error, and the ranking of webhooks, over REST."""

from __future__ import annotations

from datetime import datetime

import pytest

from rowhook.db import webhook_queries
from rowhook.db.connection_pool import Pool
from tests.support.calls import Api
from tests.support.delivery_data import backdate, finish_jobs, get_json, insert_deliveries
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio


async def test_failures_are_grouped_by_webhook_error_and_status_code(
    api: Api, platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_agent(retry_schedule_s=[0])
    await finish_jobs(
        platform, pool, "http_status", "http_status", status_code=503, error="it said 503"
    )
    await finish_jobs(platform, pool, "render_failed", error="data.n is not defined")
    await finish_jobs(platform, pool, "delivered")
    ids = [row["id"] for row in await platform.deliveries()]
    held, dead = (await get_json(api, "/failures"))["items"]
    assert (held["error"], held["held"], held["dead"], held["newest_delivery"]) == (
        "data.n is not defined",
        1,
        0,
        ids[2],
    )
    first, last = (datetime.fromisoformat(dead.pop(name)) for name in ("first_at", "last_at"))
    assert first < last
    assert dead == {
        "webhook_id": str(webhook),
        "webhook_name": "webhook",
        "webhook_exists": True,
        "error": "it said 503",
        "status_code": 503,
        "deliveries": 2,
        "held": 0,
        "dead": 2,
        "retrying": 0,
        "newest_delivery": ids[1],
    }


async def test_a_retrying_delivery_is_a_failure_and_an_unattempted_one_is_not(
    api: Api, platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_agent(retry_schedule_s=[0, 300])
    await finish_jobs(platform, pool, "timeout", error="no answer")
    await platform.job("succeeded")
    failures = await get_json(api, "/failures")
    assert [
        (item["error"], item["deliveries"], item["retrying"]) for item in failures["items"]
    ] == [("no answer", 1, 1)]
    (worst,) = (await get_json(api, "/webhooks/worst"))["items"]
    assert (worst["held"], worst["dead"], worst["retrying"]) == (0, 0, 1)


async def test_failures_are_limited_to_deliveries_created_since_a_time(
    api: Api, platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_agent(retry_schedule_s=[0])
    await finish_jobs(platform, pool, "timeout", error="no answer")
    await backdate(platform, 30, "dead")
    for since, expected in ((None, 0), ("2020-01-01T00:00:00Z", 1)):
        params = {"since": since} if since else {}
        failures = await get_json(api, "/failures", **params)
        assert (len(failures["items"]), failures["capped"]) == (expected, False)
    response = await api.call("GET", "/failures", params={"since": "yesterday"})
    assert [error["pointer"] for error in response.json()["errors"]] == ["/since"]


async def test_the_failures_of_a_deleted_webhook_keep_its_name(
    api: Api, platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_agent(name="CRM", retry_schedule_s=[0])
    await finish_jobs(platform, pool, "timeout", error="no answer")
    await platform.run("delete from rowhook.link")
    assert await webhook_queries.delete_webhook(pool, webhook)
    (failure,) = (await get_json(api, "/failures"))["items"]
    assert (failure["webhook_name"], failure["webhook_exists"]) == ("CRM", False)
    assert (await get_json(api, "/webhooks/worst"))["items"] == []


async def test_failures_are_capped_at_ten_thousand_per_webhook(
    api: Api, platform: Platform
) -> None:
    await insert_deliveries(platform, await platform.webhook(), "dead", 10_050)
    failures = await get_json(api, "/failures")
    assert ([item["dead"] for item in failures["items"]], failures["capped"]) == ([10_000], True)


async def test_webhooks_of_equal_health_are_ranked_by_their_number_of_problems(
    api: Api, platform: Platform
) -> None:
    for count, name in enumerate(("well", "bad", "worse")):
        await insert_deliveries(platform, await platform.webhook(name=name), "dead", count)
    webhooks = (await get_json(api, "/webhooks/worst"))["items"]
    assert [(webhook["name"], webhook["dead"], webhook["last_error"]) for webhook in webhooks] == [
        ("worse", 2, "it failed"),
        ("bad", 1, "it failed"),
    ]
    assert len((await get_json(api, "/webhooks/worst", limit=1))["items"]) == 1


async def test_held_deliveries_always_count_as_problems_and_dead_ones_within_the_window(
    api: Api, platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_agent(retry_schedule_s=[0])
    await finish_jobs(platform, pool, "timeout", "render_failed")
    for status in ("dead", "held"):
        await backdate(platform, 5, status)
    for window, dead in (("1h", 0), ("6h", 1)):
        (webhook,) = (await get_json(api, "/webhooks/worst", window=window))["items"]
        assert (webhook["held"], webhook["dead"]) == (1, dead)


async def test_an_unattempted_backlog_does_not_hide_failures(
    api: Api, platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_agent(retry_schedule_s=[0, 300])
    await finish_jobs(platform, pool, "timeout", error="no answer")
    await insert_deliveries(platform, webhook, "pending", 10_050)
    failures = await get_json(api, "/failures")
    assert ([item["retrying"] for item in failures["items"]], failures["capped"]) == ([1], False)
    (worst,) = (await get_json(api, "/webhooks/worst"))["items"]
    assert worst["retrying"] == 1


async def test_omitted_failure_groups_are_reported_as_capped(
    api: Api, platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_agent(retry_schedule_s=[0])
    for number in range(3):
        await finish_jobs(platform, pool, "timeout", error=f"no answer {number}")
    for limit, capped in ((2, True), (3, False)):
        failures = await get_json(api, "/failures", limit=limit)
        assert (len(failures["items"]), failures["capped"]) == (limit, capped)
