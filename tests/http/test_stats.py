"""Statistics over REST: series, counts and health."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

from rowhook.db.connection_pool import Pool
from rowhook.services import stats
from rowhook.services.context import Rejected
from tests.http.test_api_lists import other_platform
from tests.support.calls import Api
from tests.support.delivery_data import backdate, finish_jobs, get_json, insert_deliveries
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio


async def test_a_series_counts_deliveries_by_status_for_each_step(
    api: Api, platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_agent(retry_schedule_s=[0])
    await finish_jobs(platform, pool, "delivered", "delivered", "timeout", "render_failed")
    await backdate(platform, 5.5, "delivered")
    series = await get_json(api, "/stats/series", window="6h", points=6)
    counted = [
        [point[name] for name in ("created", "delivered", "dead", "held")]
        for point in series["points"]
    ]
    assert counted == [[2, 2, 0, 0], *[[0, 0, 0, 0]] * 4, [2, 0, 1, 1]]
    assert series["step_s"] == 3600
    times = [datetime.fromisoformat(point["at"]) for point in series["points"]]
    assert times[0] == datetime.fromisoformat(series["since"])
    assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(hours=1)}


async def test_deliveries_per_second_count_recent_completions_of_any_age(
    api: Api, platform: Platform
) -> None:
    await insert_deliveries(platform, await platform.webhook(), "delivered", 30)
    await backdate(platform, 5.5, "delivered")
    other = (await other_platform(platform)).organization
    assert (await get_json(api, "/stats", window="1h"))["delivered_per_s"] == 3.0
    key = await api.key_of(other)
    assert (await get_json(api, "/stats", key, window="1h"))["delivered_per_s"] == 0


async def test_a_series_is_limited_to_a_webhook_and_the_caller_s_organization(
    api: Api, platform: Platform, pool: Pool
) -> None:
    webhooks = [await platform.webhook_of_agent() for _ in range(2)]
    await finish_jobs(platform, pool, "delivered")
    other = (await other_platform(platform)).organization
    cases: list[tuple[int, str | None, dict[str, Any]]] = [
        (2, None, {}),
        (1, None, {"webhook_id": webhooks[0]}),
        (2, await api.key_of(platform.organization), {}),
        (0, None, {"organization_id": other}),
        (0, await api.key_of(other), {"webhook_id": webhooks[0]}),
    ]
    for expected, key, params in cases:
        series = await get_json(api, "/stats/series", key, window="1h", points=1, **params)
        assert [point["created"] for point in series["points"]] == [expected], params


async def test_a_series_has_one_to_288_points(api: Api) -> None:
    for points in (1, 48, 288):
        series = await get_json(api, "/stats/series", points=points)
        assert len(series["points"]) == points
    for refused in ("0", "289", "-1", "x"):
        response = await api.call("GET", "/stats/series", params={"points": refused})
        assert response.status_code in {400, 422}
    ctx = api.server_ctx.ctx.for_actor(api.server_ctx.pool, None, "a test")
    for wrong in (0, 289):
        with pytest.raises(Rejected, match="/points"):
            await stats.series(ctx, span=timedelta(hours=1), points=wrong)


async def test_a_count_matches_the_list_with_the_same_filters(
    api: Api, platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_agent(retry_schedule_s=[0])
    await finish_jobs(platform, pool, "delivered", "timeout", "render_failed")
    await finish_jobs(platform, pool, "http_status", status_code=503)
    job = (await platform.rows("select job_id from rowhook.event order by id"))[0]["job_id"]
    cases: tuple[dict[str, Any], ...] = (
        {},
        {"status": ["dead", "held", "dead"]},
        {"webhook_id": webhook},
        {"job_id": job},
        {"webhook_id": uuid4()},
        {"status_code": 503},
        {"event_type": "job.failed"},
        {"event_type": "job.succeeded"},
        {"since": "2030-01-01T00:00:00Z"},
        {"commit_id": "\0"},
        {"until": "2030-01-01T00:00:00Z"},
        {"job_id": job, "status": "dead"},
    )
    for filters in cases:
        listed = [
            delivery["status"]
            for delivery in (await get_json(api, "/deliveries", **filters))["items"]
        ]
        counts = await get_json(api, "/deliveries/count", **filters)
        assert (counts["total"], counts["capped"]) == (len(listed), False), filters
        assert {status: listed.count(status) for status in counts["by_status"]} == counts[
            "by_status"
        ]
        assert set(listed) <= set(counts["by_status"])


async def test_a_count_is_capped_at_ten_thousand_per_status(api: Api, platform: Platform) -> None:
    await insert_deliveries(platform, await platform.webhook(), "dead", 10_050)
    webhook = await platform.webhook()
    await insert_deliveries(platform, webhook, "cancelled", 7)
    result = await get_json(api, "/deliveries/count", status=["dead", "cancelled"])
    counts = {"dead": 10_000, "cancelled": 7}
    assert result == {"total": 10_007, "by_status": counts, "capped": True}
    assert not (await get_json(api, "/deliveries/count", webhook_id=webhook))["capped"]


async def test_counts_and_failures_are_limited_to_the_caller_s_organization(
    api: Api, platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_agent(retry_schedule_s=[0])
    await finish_jobs(platform, pool, "timeout", error="no answer")
    key = await api.key_of((await other_platform(platform)).organization)
    for params in ({}, {"webhook_id": webhook}):
        assert (await get_json(api, "/deliveries/count", key, **params))["total"] == 0
        assert (await get_json(api, "/failures", key, **params))["items"] == []
    assert (await get_json(api, "/webhooks/worst", key))["items"] == []
    assert (await get_json(api, "/webhooks/health", key, webhook_id=webhook))["items"] == []
    own = await api.key_of(platform.organization)
    assert (await get_json(api, "/deliveries/count", own))["total"] == 1
    assert len((await get_json(api, "/failures", own))["items"]) == 1


async def test_health_is_returned_for_the_requested_webhooks_in_order(
    api: Api, platform: Platform
) -> None:
    first, second, third = [await platform.webhook_of_agent() for _ in range(3)]
    requested = [third, uuid4(), first]
    health = await get_json(api, "/webhooks/health", webhook_id=requested)
    assert [item["webhook_id"] for item in health["items"]] == [str(third), str(first)]
    assert str(second) not in str(health)
    for wrong in ([], [first] * 201):
        response = await api.call("GET", "/webhooks/health", params={"webhook_id": wrong})
        assert response.status_code in {400, 422}
    many = await get_json(api, "/webhooks/health", webhook_id=[uuid4() for _ in range(200)])
    assert many == {"items": []}


async def test_health_returns_the_backlog_and_hourly_results_of_the_day(
    api: Api, platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_agent(retry_schedule_s=[0])
    await finish_jobs(platform, pool, "delivered", "delivered", "delivered", "render_failed")
    await backdate(platform, 23.5, "delivered")
    await finish_jobs(platform, pool, "timeout", error="no answer")
    await platform.job("succeeded")
    (health,) = (await get_json(api, "/webhooks/health", webhook_id=webhook))["items"]
    quiet = {"delivered": 0, "dead": 0}
    assert health["series"] == [
        {"delivered": 3, "dead": 0},
        *[quiet] * 22,
        {"delivered": 0, "dead": 1},
    ]
    assert [
        health[name]
        for name in (
            "backlog",
            "held",
            "finished_24h",
            "delivered_24h",
            "success_rate_24h",
            "last_error",
            "circuit",
        )
    ] == [
        1,
        1,
        4,
        3,
        0.75,
        "no answer",
        "closed",
    ]
    assert 0 <= health["oldest_age_s"] < 60
    assert 0 < health["p50_ms"] <= health["p95_ms"]


async def test_health_has_every_column_of_the_view(api: Api, platform: Platform) -> None:
    webhook = await platform.webhook()
    (health,) = (await get_json(api, "/webhooks/health", webhook_id=webhook))["items"]
    columns = await platform.rows(
        "select attname from pg_attribute where attnum > 0 and"
        " attrelid = 'rowhook.webhook_health'::regclass"
    )
    columns_of_view = {row["attname"].replace("oldest_age", "oldest_age_s") for row in columns}
    assert set(health) == columns_of_view | {"series"}
