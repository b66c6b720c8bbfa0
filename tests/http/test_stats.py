"""Statistics over REST: series, counts and health."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

from rowhook.db.connection_pool import Pool
from rowhook.services import stats
from rowhook.services.context import Rejected
from tests.support.calls import Api
from tests.support.delivery_data import (
    backdate,
    backdate_attempts,
    finish_jobs,
    get_json,
    insert_deliveries,
)
from tests.support.sample_platform import Platform, other_platform

pytestmark = pytest.mark.anyio


NO_ATTEMPTS = dict.fromkeys(("2xx", "3xx", "4xx", "5xx", "timeout", "refused", "held"), 0)


async def test_a_series_counts_attempts_by_class_for_each_step(
    api: Api, platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_agent(retry_schedule_s=[0])
    await finish_jobs(platform, pool, "delivered", "delivered", "timeout", "render_failed")
    await backdate_attempts(platform, 5.5, "2xx")
    for _ in ("as recorded", "folded"):
        series = await get_json(api, "/stats/series", window="6h", points=6)
        times = [datetime.fromisoformat(point["at"]) for point in series["points"]]
        assert series["step_s"] == 3600
        assert times[0] == datetime.fromisoformat(series["since"])
        assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(hours=1)}
        assert timedelta(hours=6) <= datetime.now(UTC) - times[0] < timedelta(hours=6, minutes=16)
        old, *quiet, new = [point for point in series["points"] if point["attempts"]]
        assert (quiet, old["attempts_by_class"]) == ([], NO_ATTEMPTS | {"2xx": 2})
        assert new["attempts_by_class"] == NO_ATTEMPTS | {"timeout": 1, "held": 1}
        assert (old["attempts"], old["dead"], new["attempts"], new["dead"]) == (2, 0, 2, 1)
        assert timedelta(hours=5) < times[-1] - datetime.fromisoformat(old["at"])
        await platform.run("select rowhook.fold_attempts()")


async def test_stats_and_series_of_a_window_agree(api: Api, platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_agent(retry_schedule_s=[0, 0])
    await finish_jobs(platform, pool, "delivered", "timeout", "dns_failed", "schema_failed")
    await finish_jobs(platform, pool, "http_status", status_code=503)
    await finish_jobs(platform, pool, "http_status", status_code=404)
    await platform.run("select rowhook.fold_attempts()")
    await finish_jobs(platform, pool, "http_status", status_code=302)
    for window in ("1m", "3h", "24h", "30d"):
        total = await get_json(api, "/stats", window=window)
        points = (await get_json(api, "/stats/series", window=window, points=12))["points"]
        classes = total["attempts_by_class"]
        assert list(classes) == list(NO_ATTEMPTS)
        assert classes == {
            name: sum(point["attempts_by_class"][name] for point in points) for name in classes
        }
        assert total["attempts"] == sum(classes.values()) == sum(p["attempts"] for p in points)
        assert total["success_rate"] == pytest.approx(classes["2xx"] / total["attempts"], abs=1e-4)
    assert min(classes.values()) >= 1


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
        assert sum(point["attempts"] for point in series["points"]) == expected, params


async def test_a_series_has_one_to_288_points(api: Api) -> None:
    for points, step_s in ((1, 86400), (48, 1800), (288, 900)):
        series = await get_json(api, "/stats/series", points=points)
        assert series["step_s"] == step_s
        assert len(series["points"]) in {86400 // step_s, 86400 // step_s + 1}
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


async def test_health_returns_the_backlog_and_hourly_attempts_of_the_day(
    api: Api, platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_agent(retry_schedule_s=[0])
    await finish_jobs(platform, pool, "delivered", "delivered", "delivered", "render_failed")
    await backdate_attempts(platform, 23.5, "2xx")
    await finish_jobs(platform, pool, "timeout", error="no answer")
    await platform.job("succeeded")
    (health,) = (await get_json(api, "/webhooks/health", webhook_id=webhook))["items"]
    quiet = {"delivered": 0, "failed": 0, "dead": 0}
    assert health["series"] == [
        quiet | {"delivered": 3},
        *[quiet] * 22,
        quiet | {"failed": 2, "dead": 1},
    ]
    expected = {
        "health": "degraded",
        "backlog": 1,
        "held": 1,
        "finished_24h": 4,
        "delivered_24h": 3,
        "attempts_24h": 5,
        "success_rate_24h": 0.6,
        "last_error": "no answer",
        "circuit": "closed",
    }
    assert {name: health[name] for name in expected} == expected
    assert 0 <= health["oldest_age_s"] < 60
    assert 0 < health["p50_ms"] <= health["p95_ms"]
    (row,) = await platform.rows("select * from rowhook.webhook_health")
    assert {name: row[name] for name in expected if name != "success_rate_24h"} == {
        name: value for name, value in expected.items() if name != "success_rate_24h"
    }
    assert float(row["success_rate_24h"]) == expected["success_rate_24h"]


async def test_health_has_every_column_of_the_view(api: Api, platform: Platform) -> None:
    webhook = await platform.webhook()
    (health,) = (await get_json(api, "/webhooks/health", webhook_id=webhook))["items"]
    columns = await platform.rows(
        "select attname from pg_attribute where attnum > 0 and"
        " attrelid = 'rowhook.webhook_health'::regclass"
    )
    columns_of_view = {row["attname"].replace("oldest_age", "oldest_age_s") for row in columns}
    assert set(health) == columns_of_view | {"series"}
