"""What people choose from, and the figures, over REST."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from rowhook.db.connection_pool import Pool
from tests.support.calls import Api
from tests.support.world import Platform

pytestmark = pytest.mark.anyio


async def all_of(api: Api, path: str, key: str | None = None, **params: Any) -> list[Any]:
    """Every item of a list, read in pages of two."""
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(100):
        more = {"cursor": cursor} if cursor else {}
        answer = await api.call("GET", path, key=key, params={"limit": 2, **params, **more})
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


async def other_platform(platform: Platform) -> Platform:
    other = Platform(platform.db)
    await other.set_up()
    return other


async def test_operators_list_every_organization_and_nobody_else_does(
    api: Api, platform: Platform
) -> None:
    ids = {str(platform.organization)} | {
        str((await other_platform(platform)).organization) for _ in range(4)
    }
    listed = [one["id"] for one in await all_of(api, "/organizations")]
    assert listed == sorted(ids)
    key = await api.key_of(platform.organization)
    answer = await api.call("GET", "/organizations", key=key)
    assert (answer.status_code, "operator key" in answer.json()["detail"]) == (403, True)


async def test_agents_and_goals_come_with_their_webhooks(api: Api, platform: Platform) -> None:
    made = [await api.webhook(platform.organization, name=name) for name in ("one", "two")]
    for webhook in made:
        await api.call("PUT", f"/webhooks/{webhook['id']}/agents/{platform.agent}")
        await api.call("PUT", f"/webhooks/{webhook['id']}/goals/{platform.goal}")
    webhooks = [{"id": one["id"], "name": one["name"]} for one in made]
    whose = str(platform.organization)
    assert await all_of(api, "/agents") == [
        {
            "id": str(platform.agent),
            "external_id": None,
            "organization_id": whose,
            "name": "Ann",
            "webhooks": webhooks,
        }
    ]
    assert await all_of(api, "/goals") == [
        {
            "id": platform.goal,
            "organization_id": whose,
            "template_id": "template_1",
            "name": "Goal",
            "webhooks": webhooks,
        }
    ]


async def test_pages_hold_every_agent_and_goal_once(api: Api, platform: Platform) -> None:
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
    found = [one["id"] for one in await all_of(api, "/goals")]
    assert (len(found), set(found)) == (len(goals), goals)
    found = [one["id"] for one in await all_of(api, "/agents")]
    assert (len(found), found) == (5, sorted(set(found)))


async def test_lists_are_of_one_s_own_organization(api: Api, platform: Platform) -> None:
    other = await other_platform(platform)
    key = await api.key_of(platform.organization)
    for path, mine in (("/agents", str(platform.agent)), ("/goals", platform.goal)):
        assert [one["id"] for one in await all_of(api, path, key)] == [mine]
        assert len(await all_of(api, path)) == 2
        params = {"organization_id": str(platform.organization)}
        assert [one["id"] for one in await all_of(api, path, **params)] == [mine]
        params = {"organization_id": str(other.organization)}
        assert (await api.call("GET", path, key=key, params=params)).status_code == 404
        params = {"organization_id": str(uuid4())}
        assert (await api.call("GET", path, params=params)).status_code == 404


@pytest.mark.parametrize("cursor", ["x", "bm8", "WyJcdTAwMDAiXQ", "WzFd", "WzFlOTlb", "é", "==="])
@pytest.mark.parametrize(
    "path", ["/organizations", "/agents", "/goals", "/api-keys", "/audit", "/webhooks"]
)
async def test_a_cursor_of_no_list_is_refused(empty_api: Api, path: str, cursor: str) -> None:
    answer = await empty_api.call("GET", path, params={"cursor": cursor})
    if (path, cursor) == ("/audit", "WzFd"):
        assert answer.json()["items"] == []
        return
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/cursor"]


async def test_a_cursor_beyond_every_row_number_is_refused(empty_api: Api) -> None:
    for cursor in ("Wzk5OTk5OTk5OTk5OTk5OTk5OTk5XQ", "Wy0xXQ"):
        answer = await empty_api.call("GET", "/audit", params={"cursor": cursor})
        assert answer.status_code == 422


async def test_figures_say_what_came_of_the_deliveries(
    api: Api, platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_agent(retry_schedule_s=[0])
    for outcome in ("delivered", "delivered", "timeout", "render_failed"):
        await platform.job("succeeded")
        (claim,) = await platform.claim(pool)
        await platform.record(pool, claim, outcome)
    await platform.job("succeeded")
    figures = (await api.call("GET", "/stats")).json()
    assert [
        figures[name]
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
    assert figures["success_rate"] == pytest.approx(0.6667)
    assert 0 < figures["p50_ms"] <= figures["p95_ms"]
    other = await other_platform(platform)
    key = await api.key_of(other.organization)
    figures = (await api.call("GET", "/stats", key=key)).json()
    assert (figures["deliveries"], figures["success_rate"], figures["p50_ms"]) == (0, None, None)


async def test_a_window_is_a_number_and_a_unit_up_to_thirty_days(api: Api) -> None:
    for window in ("1s", "90m", "1h", "24h", "720h", "7d", "30d"):
        answer = await api.call("GET", "/stats", params={"window": window})
        assert answer.status_code == 200, window
    for window in ("", "0h", "31d", "721h", "24", "h", "1w", "-1h", "1 h", "99999s", "٣h", "1H"):
        answer = await api.call("GET", "/stats", params={"window": window})
        assert answer.status_code == 422, window
        (fault,) = answer.json()["errors"]
        assert (fault["pointer"], "24h" in fault["message"]) == ("/window", True)


async def test_a_window_counts_what_was_created_in_it(api: Api, platform: Platform) -> None:
    await platform.webhook_of_agent()
    await platform.job("succeeded")
    await platform.run("set session_replication_role = replica")
    await platform.run("update rowhook.outbox set created_at = now() - interval '2 hours'")
    for window, expected in (("1h", 0), ("3h", 1)):
        answer = await api.call("GET", "/stats", params={"window": window})
        assert answer.json()["deliveries"] == expected
