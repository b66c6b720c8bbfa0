"""Links over REST: made and ended any number of times, in the way of a delete, read in pages."""

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
from tests.support.sample_platform import Platform
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


async def other_platform(platform: Platform) -> Platform:
    other = Platform(platform.db)
    await other.set_up()
    return other


async def named(platform: Platform, goal: str) -> str:
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


async def linked(api: Api, webhook: str) -> list[str]:
    answer = await api.call("GET", f"/webhooks/{webhook}/links")
    assert answer.status_code == 200
    return [one["id"] for one in answer.json()["items"]]


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
        assert await linked(api, webhook) == expected


async def test_what_is_linked_gets_what_comes_and_nothing_after_the_unlink(
    api: Api, platform: Platform
) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    path = f"/webhooks/{webhook}/agents/{platform.agent}"
    await platform.job("succeeded")
    await api.call("PUT", path)
    await platform.job("succeeded")
    await api.call("DELETE", path)
    await platform.job("succeeded")
    assert len(await platform.deliveries()) == 1


async def test_a_link_is_shown_with_kind_and_name(api: Api, platform: Platform) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    await api.call("PUT", f"/webhooks/{webhook}/agents/{platform.agent}")
    (shown,) = (await api.call("GET", f"/webhooks/{webhook}/links")).json()["items"]
    assert {**shown, "created_at": None} == {
        "kind": "agent",
        "id": str(platform.agent),
        "name": "Ann",
        "created_at": None,
    }


async def test_a_goal_may_be_called_anything(api: Api, platform: Platform) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    for goal in ODD_GOALS:
        path = f"/webhooks/{webhook}/goals/{quote(await named(platform, goal), safe='')}"
        assert (await api.call("PUT", path)).status_code == 204
        assert await linked(api, webhook) == [goal]
        assert (await api.call("DELETE", path)).status_code == 204
        assert await linked(api, webhook) == []


async def test_a_slash_that_is_not_encoded_is_no_part_of_a_goal(
    api: Api, platform: Platform
) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    await named(platform, "a/b")
    assert (await api.call("PUT", f"/webhooks/{webhook}/goals/a/b")).status_code == 404
    assert (await api.call("PUT", f"/webhooks/{webhook}/goals/a%252Fb")).status_code == 404
    assert (await api.call("PUT", f"/webhooks/{webhook}/goals/a%00b")).status_code == 404


async def test_links_come_in_pages_oldest_first(api: Api, platform: Platform) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    goals = [await named(platform, f"goal {number}") for number in range(5)]
    for goal in goals:
        await api.call("PUT", f"/webhooks/{webhook}/goals/{quote(goal)}")
    found: list[str] = []
    cursor: str | None = None
    while cursor is not None or not found:
        params: dict[str, Any] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await api.call("GET", f"/webhooks/{webhook}/links", params=params)).json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert found == goals


async def test_a_delete_of_a_linked_webhook_names_every_link(api: Api, platform: Platform) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    paths = [
        f"/webhooks/{webhook}/agents/{platform.agent}",
        f"/webhooks/{webhook}/goals/{platform.goal}",
    ]
    for path in paths:
        await api.call("PUT", path)
    answer = await api.call("DELETE", f"/webhooks/{webhook}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    errors = [(one["kind"], one["id"], one["name"]) for one in answer.json()["errors"]]
    assert errors == [("agent", str(platform.agent), "Ann"), ("goal", platform.goal, "Goal")]
    for one in answer.json()["errors"]:
        assert one["id"] in one["message"]
        assert one["name"] in one["message"]
    for path in paths:
        await api.call("DELETE", path)
    assert (await api.call("DELETE", f"/webhooks/{webhook}")).status_code == 204


async def test_a_deleted_webhook_s_history_stays_and_what_waits_is_cancelled(
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
    shown = [(one["status"], one["webhook_name"], one["webhook_exists"]) for one in page]
    assert shown == [("cancelled", "CRM", False), ("delivered", "CRM", False)]
    kept = (await api.call("GET", f"/deliveries/{page[1]['id']}")).json()
    assert [one["status_code"] for one in kept["tries"]] == [200]


async def test_nothing_of_two_organizations_is_linked(api: Api, platform: Platform) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    other = await other_platform(platform)
    strangers = [f"agents/{other.agent}", f"goals/{other.goal}"]
    own = await api.key_of(platform.organization)
    for key in (api.key, own):
        for path in strangers:
            answer = await api.call("PUT", f"/webhooks/{webhook}/{path}", key=key)
            assert answer.status_code == 404
    assert await linked(api, webhook) == []


async def test_what_is_linked_must_be_there(api: Api, platform: Platform) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    for path in (
        f"/webhooks/{webhook}/agents/{uuid4()}",
        f"/webhooks/{webhook}/goals/none",
        f"/webhooks/{uuid4()}/agents/{platform.agent}",
    ):
        for method in ("PUT", "DELETE"):
            assert (await api.call(method, path)).status_code == 404


async def test_a_link_to_a_webhook_that_is_being_deleted_is_refused_as_gone(
    api: Api, platform: Platform, dsn: str
) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    async with await connection_pool.connect(dsn) as other, other.transaction():
        await other.execute("delete from rowhook.webhook where id = %s", (webhook,))
        path = f"/webhooks/{webhook}/agents/{platform.agent}"
        asked = asyncio.create_task(api.call("PUT", path))
        await until(partial(waits_for_a_lock, platform))
    answer = await asked
    assert (answer.status_code, "does not exist." in answer.json()["detail"]) == (404, True)
