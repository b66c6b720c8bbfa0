"""Lookups of organizations, agents and goals, and statistics, over REST."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from rowhook.db.connection_pool import Pool
from tests.support.calls import Api
from tests.support.sample_platform import Platform, other_platform

pytestmark = pytest.mark.anyio


async def list_all(api: Api, path: str, key: str | None = None, **params: Any) -> list[Any]:
    """Reads every item of a list in pages of two."""
    items: list[Any] = []
    cursor: str | None = None
    for _ in range(100):
        cursor_param = {"cursor": cursor} if cursor else {}
        response = await api.call(
            "GET", path, key=key, params={"limit": 2, **params, **cursor_param}
        )
        assert response.status_code == 200, response.text
        items += response.json()["items"]
        cursor = response.json()["next_cursor"]
        if cursor is None:
            return items
    raise AssertionError("the pages do not end")


async def test_only_operators_list_organizations(api: Api, platform: Platform) -> None:
    ids = {str(platform.organization)} | {
        str((await other_platform(platform)).organization) for _ in range(4)
    }
    listed = [organization["id"] for organization in await list_all(api, "/organizations")]
    assert listed == sorted(ids)
    key = await api.key_of(platform.organization)
    response = await api.call("GET", "/organizations", key=key)
    assert (response.status_code, "operator key" in response.json()["detail"]) == (403, True)


async def test_agents_and_goals_are_listed_with_their_webhooks(
    api: Api, platform: Platform
) -> None:
    created = [await api.webhook(platform.organization, name=name) for name in ("one", "two")]
    for webhook in created:
        await api.call("PUT", f"/webhooks/{webhook['id']}/agents/{platform.agent}")
        await api.call("PUT", f"/webhooks/{webhook['id']}/goals/{platform.goal}")
    webhooks = [{"id": webhook["id"], "name": webhook["name"]} for webhook in created]
    organization = str(platform.organization)
    assert await list_all(api, "/agents") == [
        {
            "id": str(platform.agent),
            "external_id": None,
            "organization_id": organization,
            "name": "Ann",
            "webhooks": webhooks,
        }
    ]
    assert await list_all(api, "/goals") == [
        {
            "id": platform.goal,
            "organization_id": organization,
            "template_id": "template_1",
            "name": "Goal",
            "webhooks": webhooks,
        }
    ]


async def test_pages_list_every_agent_and_goal_once(api: Api, platform: Platform) -> None:
    goals = {platform.goal, *("a", "Ä", "b b", "💥", "\\u0000", "x" * 2500)}
    for goal in goals - {platform.goal}:
        await platform.run(
            "insert into rowhook.goal (id, organization_id) values (%s, %s)",
            goal,
            platform.organization,
        )
    for _ in range(4):
        await platform.run(
            "insert into rowhook.agent (organization_id, name) values (%s, 'A')",
            platform.organization,
        )
    listed = [item["id"] for item in await list_all(api, "/goals")]
    assert (len(listed), set(listed)) == (len(goals), goals)
    listed = [item["id"] for item in await list_all(api, "/agents")]
    assert (len(listed), listed) == (5, sorted(set(listed)))


async def test_lists_contain_only_the_caller_s_organization(api: Api, platform: Platform) -> None:
    other = await other_platform(platform)
    key = await api.key_of(platform.organization)
    for path, own in (("/agents", str(platform.agent)), ("/goals", platform.goal)):
        assert [item["id"] for item in await list_all(api, path, key)] == [own]
        assert len(await list_all(api, path)) == 2
        params = {"organization_id": str(platform.organization)}
        assert [item["id"] for item in await list_all(api, path, **params)] == [own]
        params = {"organization_id": str(other.organization)}
        assert (await api.call("GET", path, key=key, params=params)).status_code == 404
        params = {"organization_id": str(uuid4())}
        assert (await api.call("GET", path, params=params)).status_code == 404


@pytest.mark.parametrize("cursor", ["x", "bm8", "WyJcdTAwMDAiXQ", "WzFd", "WzFlOTlb", "é", "==="])
@pytest.mark.parametrize(
    "path", ["/organizations", "/agents", "/goals", "/api-keys", "/audit", "/webhooks"]
)
async def test_an_invalid_list_cursor_is_refused(empty_api: Api, path: str, cursor: str) -> None:
    response = await empty_api.call("GET", path, params={"cursor": cursor})
    if (path, cursor) == ("/audit", "WzFd"):
        assert response.json()["items"] == []
        return
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == ["/cursor"]


async def test_a_cursor_beyond_every_row_number_is_refused(empty_api: Api) -> None:
    for cursor in ("Wzk5OTk5OTk5OTk5OTk5OTk5OTk5XQ", "Wy0xXQ"):
        response = await empty_api.call("GET", "/audit", params={"cursor": cursor})
        assert response.status_code == 422


async def test_stats_count_deliveries_by_status(api: Api, platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_agent(retry_schedule_s=[0])
    for outcome in ("delivered", "delivered", "timeout", "render_failed"):
        await platform.job("succeeded")
        (claim,) = await platform.claim(pool)
        await platform.record(pool, claim, outcome)
    await platform.job("succeeded")
    stats = (await api.call("GET", "/stats")).json()
    assert [
        stats[name]
        for name in (
            "deliveries",
            "attempts",
            "delivered",
            "dead",
            "held",
            "pending",
            "sending",
            "cancelled",
            "skipped",
        )
    ] == [
        5,
        4,
        2,
        1,
        1,
        1,
        0,
        0,
        0,
    ]
    assert stats["success_rate"] == pytest.approx(0.5)
    assert {name: count for name, count in stats["attempts_by_class"].items() if count} == {
        "2xx": 2,
        "timeout": 1,
        "held": 1,
    }
    assert 0 < stats["p50_ms"] <= stats["p95_ms"]
    other = await other_platform(platform)
    key = await api.key_of(other.organization)
    stats = (await api.call("GET", "/stats", key=key)).json()
    assert (stats["deliveries"], stats["success_rate"], stats["p50_ms"]) == (0, None, None)


async def test_a_window_is_a_number_with_a_unit_of_at_most_thirty_days(api: Api) -> None:
    for window in ("1s", "90m", "1h", "24h", "720h", "7d", "30d"):
        response = await api.call("GET", "/stats", params={"window": window})
        assert response.status_code == 200, window
    for window in ("", "0h", "31d", "721h", "24", "h", "1w", "-1h", "1 h", "99999s", "٣h", "1H"):
        response = await api.call("GET", "/stats", params={"window": window})
        assert response.status_code == 422, window
        (error,) = response.json()["errors"]
        assert (error["pointer"], "24h" in error["message"]) == ("/window", True)


async def test_a_window_counts_deliveries_created_in_it(api: Api, platform: Platform) -> None:
    await platform.webhook_of_agent()
    await platform.job("succeeded")
    await platform.run("set session_replication_role = replica")
    await platform.run("update rowhook.outbox set created_at = now() - interval '2 hours'")
    for window, expected in (("1h", 0), ("3h", 1)):
        response = await api.call("GET", "/stats", params={"window": window})
        assert response.json()["deliveries"] == expected
