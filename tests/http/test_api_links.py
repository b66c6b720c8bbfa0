"""Links over REST: creation, removal, paging, and their effect on deleting a webhook."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from rowhook.db import connection_pool, engine
from rowhook.db.connection_pool import Pool
from tests.support.calls import Api
from tests.support.sample_platform import Platform, other_platform
from tests.support.worker_rig import until

pytestmark = pytest.mark.anyio
ODD_GOALS = [
    "a/b",
    "/",
    "//a//",
    "%2F",
    "100%",
    "a b",
    "ü💥",
    "a?b#c",
    "..;x",
    "\\",
    '"',
    "{goal}",
    "a+b",
    "\u0001",
    "%",
    " ",
]


async def add_goal(platform: Platform, goal: str) -> str:
    await platform.run(
        "insert into rowhook.goal values (%s, %s, null, null)", goal, platform.organization
    )
    return goal


async def waits_for_a_lock(platform: Platform) -> bool:
    return bool(
        await platform.value(
            "select count(*) from pg_stat_activity"
            " where wait_event_type = 'Lock' and datname = current_database()"
        )
    )


async def linked_ids(api: Api, webhook: str) -> list[str]:
    response = await api.call("GET", f"/webhooks/{webhook}/links")
    assert response.status_code == 200
    return [link["id"] for link in response.json()["items"]]


async def test_an_agent_and_a_goal_are_linked_and_unlinked_any_number_of_times(
    api: Api, platform: Platform
) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    paths = [
        f"/webhooks/{webhook}/agents/{platform.agent}",
        f"/webhooks/{webhook}/goals/{platform.goal}",
    ]
    for method, expected in (("PUT", [str(platform.agent), platform.goal]), ("DELETE", [])):
        for path in paths * 2:
            assert (await api.call(method, path)).status_code == 204
        assert await linked_ids(api, webhook) == expected


async def test_a_link_delivers_jobs_until_it_is_removed(api: Api, platform: Platform) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    path = f"/webhooks/{webhook}/agents/{platform.agent}"
    await platform.job("succeeded")
    await api.call("PUT", path)
    await platform.job("succeeded")
    await api.call("DELETE", path)
    await platform.job("succeeded")
    assert len(await platform.deliveries()) == 1


async def test_a_link_is_listed_with_kind_and_name(api: Api, platform: Platform) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    await api.call("PUT", f"/webhooks/{webhook}/agents/{platform.agent}")
    (link,) = (await api.call("GET", f"/webhooks/{webhook}/links")).json()["items"]
    assert {**link, "created_at": None} == {
        "kind": "agent",
        "id": str(platform.agent),
        "name": "Ann",
        "created_at": None,
    }


async def test_a_goal_id_may_contain_any_characters(api: Api, platform: Platform) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    for goal in ODD_GOALS:
        path = f"/webhooks/{webhook}/goals/{quote(await add_goal(platform, goal), safe='')}"
        assert (await api.call("PUT", path)).status_code == 204
        assert await linked_ids(api, webhook) == [goal]
        assert (await api.call("DELETE", path)).status_code == 204
        assert await linked_ids(api, webhook) == []


async def test_an_unencoded_slash_is_not_part_of_a_goal_id(api: Api, platform: Platform) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    await add_goal(platform, "a/b")
    assert (await api.call("PUT", f"/webhooks/{webhook}/goals/a/b")).status_code == 404
    assert (await api.call("PUT", f"/webhooks/{webhook}/goals/a%252Fb")).status_code == 404
    assert (await api.call("PUT", f"/webhooks/{webhook}/goals/a%00b")).status_code == 404


async def test_links_are_paged_oldest_first(api: Api, platform: Platform) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    goals = [await add_goal(platform, f"goal {number}") for number in range(5)]
    for goal in goals:
        await api.call("PUT", f"/webhooks/{webhook}/goals/{quote(goal)}")
    listed: list[str] = []
    cursor: str | None = None
    while cursor is not None or not listed:
        params: dict[str, Any] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await api.call("GET", f"/webhooks/{webhook}/links", params=params)).json()
        listed += [link["id"] for link in page["items"]]
        cursor = page["next_cursor"]
    assert listed == goals


async def test_a_delete_of_a_linked_webhook_names_every_link(api: Api, platform: Platform) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    paths = [
        f"/webhooks/{webhook}/agents/{platform.agent}",
        f"/webhooks/{webhook}/goals/{platform.goal}",
    ]
    for path in paths:
        await api.call("PUT", path)
    response = await api.call("DELETE", f"/webhooks/{webhook}")
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    errors = [(error["kind"], error["id"], error["name"]) for error in response.json()["errors"]]
    assert errors == [("agent", str(platform.agent), "Ann"), ("goal", platform.goal, "Goal")]
    for error in response.json()["errors"]:
        assert error["id"] in error["message"]
        assert error["name"] in error["message"]
    for path in paths:
        await api.call("DELETE", path)
    assert (await api.call("DELETE", f"/webhooks/{webhook}")).status_code == 204


async def test_deleting_a_webhook_keeps_its_history_and_cancels_waiting_deliveries(
    api: Api, platform: Platform, pool: Pool
) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    path = f"/webhooks/{webhook}/agents/{platform.agent}"
    await api.call("PUT", path)
    await platform.job("succeeded")
    (claim,) = await platform.claim(pool)
    await platform.record(pool, claim, "delivered", status_code=200)
    await platform.job("succeeded")
    await api.call("DELETE", path)
    assert (await api.call("DELETE", f"/webhooks/{webhook}")).status_code == 204
    while await engine.sweep(pool):
        pass
    page = (await api.call("GET", "/deliveries", params={"webhook_id": webhook})).json()["items"]
    listed = [
        (delivery["status"], delivery["webhook_name"], delivery["webhook_exists"])
        for delivery in page
    ]
    assert listed == [("cancelled", "CRM", False), ("delivered", "CRM", False)]
    delivery = (await api.call("GET", f"/deliveries/{page[1]['id']}")).json()
    assert [attempt["status_code"] for attempt in delivery["tries"]] == [200]


async def test_a_webhook_cannot_be_linked_across_organizations(
    api: Api, platform: Platform
) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    other = await other_platform(platform)
    foreign_paths = [f"agents/{other.agent}", f"goals/{other.goal}"]
    own = await api.key_of(platform.organization)
    for key in (api.key, own):
        for path in foreign_paths:
            response = await api.call("PUT", f"/webhooks/{webhook}/{path}", key=key)
            assert response.status_code == 404
    assert await linked_ids(api, webhook) == []


async def test_linking_something_that_does_not_exist_is_a_404(api: Api, platform: Platform) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    for path in (
        f"/webhooks/{webhook}/agents/{uuid4()}",
        f"/webhooks/{webhook}/goals/none",
        f"/webhooks/{uuid4()}/agents/{platform.agent}",
    ):
        for method in ("PUT", "DELETE"):
            assert (await api.call(method, path)).status_code == 404


async def test_linking_a_webhook_that_is_being_deleted_is_a_404(
    api: Api, platform: Platform, dsn: str
) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    async with await connection_pool.connect(dsn) as other, other.transaction():
        await other.execute("delete from rowhook.webhook where id = %s", (webhook,))
        path = f"/webhooks/{webhook}/agents/{platform.agent}"
        request = asyncio.create_task(api.call("PUT", path))
        await until(partial(waits_for_a_lock, platform))
    response = await request
    assert (response.status_code, "does not exist." in response.json()["detail"]) == (404, True)
