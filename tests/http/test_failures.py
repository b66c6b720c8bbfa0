"""What failed, by webhook and error, and the webhooks with most of it, over REST."""

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


async def test_what_waits_after_a_failed_try_is_a_failure_and_what_was_never_tried_is_none(
    api: Api, platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_agent(retry_schedule_s=[0, 300])
    await finish_jobs(platform, pool, "timeout", error="no answer")
    await platform.job("succeeded")
    found = await get_json(api, "/failures")
    assert [(one["error"], one["deliveries"], one["retrying"]) for one in found["items"]] == [
        ("no answer", 1, 1)
    ]
    (worst,) = (await get_json(api, "/webhooks/worst"))["items"]
    assert (worst["held"], worst["dead"], worst["retrying"]) == (0, 0, 1)


async def test_failures_are_of_what_was_created_since_then(
    api: Api, platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_agent(retry_schedule_s=[0])
    await finish_jobs(platform, pool, "timeout", error="no answer")
    await backdate(platform, 30, "dead")
    for since, expected in ((None, 0), ("2020-01-01T00:00:00Z", 1)):
        params = {"since": since} if since else {}
        found = await get_json(api, "/failures", **params)
        assert (len(found["items"]), found["capped"]) == (expected, False)
    answer = await api.call("GET", "/failures", params={"since": "yesterday"})
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/since"]


async def test_the_failures_of_a_deleted_webhook_keep_its_name(
    api: Api, platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_agent(name="CRM", retry_schedule_s=[0])
    await finish_jobs(platform, pool, "timeout", error="no answer")
    await platform.run("delete from rowhook.link")
    assert await webhook_queries.delete_webhook(pool, webhook)
    (found,) = (await get_json(api, "/failures"))["items"]
    assert (found["webhook_name"], found["webhook_exists"]) == ("CRM", False)
    assert (await get_json(api, "/webhooks/worst"))["items"] == []


async def test_failures_beyond_ten_thousand_of_a_webhook_are_not_read(
    api: Api, platform: Platform
) -> None:
    await insert_deliveries(platform, await platform.webhook(), "dead", 10_050)
    found = await get_json(api, "/failures")
    assert ([one["dead"] for one in found["items"]], found["capped"]) == ([10_000], True)


async def test_the_worst_webhook_is_the_one_with_most_trouble(api: Api, platform: Platform) -> None:
    for count, name in enumerate(("well", "bad", "worse")):
        await insert_deliveries(platform, await platform.webhook(name=name), "dead", count)
    found = (await get_json(api, "/webhooks/worst"))["items"]
    assert [(one["name"], one["dead"], one["last_error"]) for one in found] == [
        ("worse", 2, "it failed"),
        ("bad", 1, "it failed"),
    ]
    assert len((await get_json(api, "/webhooks/worst", limit=1))["items"]) == 1


async def test_what_is_held_is_a_trouble_however_old_and_what_is_dead_in_the_window(
    api: Api, platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_agent(retry_schedule_s=[0])
    await finish_jobs(platform, pool, "timeout", "render_failed")
    for status in ("dead", "held"):
        await backdate(platform, 5, status)
    for window, dead in (("1h", 0), ("6h", 1)):
        (found,) = (await get_json(api, "/webhooks/worst", window=window))["items"]
        assert (found["held"], found["dead"]) == (1, dead)


async def test_a_backlog_that_was_never_tried_hides_no_failure(
    api: Api, platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_agent(retry_schedule_s=[0, 300])
    await finish_jobs(platform, pool, "timeout", error="no answer")
    await insert_deliveries(platform, webhook, "pending", 10_050)
    found = await get_json(api, "/failures")
    assert ([one["retrying"] for one in found["items"]], found["capped"]) == ([1], False)
    (worst,) = (await get_json(api, "/webhooks/worst"))["items"]
    assert worst["retrying"] == 1


async def test_groups_that_are_left_out_are_told(api: Api, platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_agent(retry_schedule_s=[0])
    for number in range(3):
        await finish_jobs(platform, pool, "timeout", error=f"no answer {number}")
    for limit, capped in ((2, True), (3, False)):
        found = await get_json(api, "/failures", limit=limit)
        assert (len(found["items"]), found["capped"]) == (limit, capped)
