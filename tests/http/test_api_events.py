"""The polling feed of events: each once, in the order of commits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rowhook.db import connection_pool
from tests.support.calls import Api
from tests.support.sample_platform import Platform
from tests.support.tenants import tenant

pytestmark = pytest.mark.anyio


async def page(api: Api, **params: Any) -> tuple[list[dict[str, Any]], str]:
    response = await api.call("GET", "/events", params=params)
    assert response.status_code == 200, response.text
    body = response.json()
    return body["items"], body["next_cursor"]


async def test_events_come_once_in_the_order_of_commits(api: Api, platform: Platform) -> None:
    commits = [await platform.commit() for _ in range(5)]
    first, cursor = await page(api, limit=3)
    second, cursor = await page(api, limit=3, after=cursor)
    assert [event["commit_id"] for event in (*first, *second)] == commits
    assert await page(api, after=cursor) == ([], cursor)
    commits = [await platform.commit()]
    assert [event["commit_id"] for event in (await page(api, after=cursor))[0]] == commits


async def test_an_event_that_commits_late_is_not_skipped(
    api: Api, platform: Platform, dsn: str
) -> None:
    async with await connection_pool.connect(dsn) as slow:
        await slow.set_autocommit(False)
        early = "insert into rowhook.commit (id, goal_id, data) values ('early', %s, '1')"
        await slow.execute(early, (platform.goal,))
        await platform.commit()
        items, cursor = await page(api)
        assert items == []
        await slow.commit()
    rest, _ = await page(api, after=cursor)
    assert [event["commit_id"] == "early" for event in rest] == [True, False]


async def test_events_are_neither_skipped_nor_repeated_under_concurrent_writes_and_rollbacks(
    api: Api, platform: Platform, dsn: str
) -> None:
    finished = asyncio.Event()

    async def write(number: int) -> list[str]:
        committed = []
        async with await connection_pool.connect(dsn) as own:
            for n in range(25):
                async with own.transaction(force_rollback=n % 5 == 4):
                    name = f"{number}-{n}"
                    query = "insert into rowhook.commit (id, goal_id) values (%s, %s)"
                    await own.execute(query, (name, platform.goal))
                    await own.execute("select pg_sleep(random() * 0.01)")
                committed += [name] * (n % 5 != 4)
        return committed

    async def read() -> list[str]:
        listed: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            is_last_round = finished.is_set()
            items, after = await page(api, limit=7, **cursor)
            cursor = {"after": after}
            listed += [event["commit_id"] for event in items]
            if is_last_round and not items:
                return listed

    reader = asyncio.create_task(read())
    written = await asyncio.gather(*map(write, range(4)))
    finished.set()
    assert sorted(await reader) == sorted(name for names in written for name in names)


async def test_events_are_filtered_by_goal_agent_and_type(api: Api, platform: Platform) -> None:
    await platform.commit()
    await platform.job("succeeded")
    await platform.job("failed")
    kinds = [event["type"] for event in (await page(api))[0]]
    assert kinds == ["goal.committed", "job.succeeded", "job.failed"]
    cases: list[tuple[dict[str, Any], int]] = [
        ({"goal_id": platform.goal}, 1),
        ({"agent_id": str(platform.agent)}, 2),
        ({"event_type": ["job.failed", "goal.committed"]}, 2),
        ({"goal_id": "none\0"}, 0),
    ]
    for filters, expected in cases:
        assert len((await page(api, **filters))[0]) == expected, filters


async def test_a_type_that_is_named_twice_lists_each_event_once(
    api: Api, platform: Platform
) -> None:
    for _ in range(3):
        await platform.finish(await platform.job(), "failed")
    items, cursor = await page(api, event_type=["job.failed", "job.failed"], limit=2)
    rest, _ = await page(api, event_type=["job.failed", "job.failed"], after=cursor)
    assert len(items) == 2
    assert len({event["id"] for event in (*items, *rest)}) == len(items) + len(rest) == 3


async def test_event_data_keeps_every_digit(api: Api, platform: Platform) -> None:
    await platform.commit('{"n": 1.10, "big": 123456789012345678901234567890, "n": 2.0}')
    response = await api.call("GET", "/events")
    assert '{"n": 1.10, "big": 123456789012345678901234567890, "n": 2.0}' in response.text


async def test_a_page_of_events_is_limited_in_bytes(api: Api, platform: Platform) -> None:
    for _ in range(6):
        await platform.commit('"' + "x" * 1_000_000 + '"')
    first, cursor = await page(api)
    rest, _ = await page(api, after=cursor)
    assert (len(first), len(rest)) == (4, 2)


async def test_events_of_another_organization_are_not_listed(api: Api, platform: Platform) -> None:
    await platform.commit()
    other = await tenant(api, platform.db)
    key = await api.key_of(other.organization, "read")
    response = await api.call("GET", "/events", key=key)
    owners = {event["organization_id"] for event in response.json()["items"]}
    assert owners == {str(other.organization)}


async def test_an_invalid_cursor_is_refused(api: Api) -> None:
    for wrong in ("nonsense", "WyJhIiwxXQ", "WyItMSIsMV0"):
        response = await api.call("GET", "/events", params={"after": wrong})
        assert response.status_code == 422


async def test_a_single_event_keeps_every_digit(api: Api, platform: Platform) -> None:
    await platform.commit('{"price": 1.10, "a": 1, "a": 2}')
    (listed,), _ = await page(api)
    response = await api.call("GET", f"/events/{listed['id']}")
    assert response.json() == listed
    assert '"data":{"price": 1.10, "a": 1, "a": 2}' in response.text
    for unknown in (listed["id"] + 1, 0, 2**70):
        assert (await api.call("GET", f"/events/{unknown}")).status_code == 404


async def test_recent_events_are_filtered_by_webhook_goal_and_agent(
    api: Api, platform: Platform
) -> None:
    job, commit = await platform.job("succeeded"), await platform.commit()
    of_goal = await platform.webhook_of_goal()
    of_agent = await platform.webhook_of_agent()

    async def keys(**params: Any) -> list[str]:
        response = await api.call("GET", "/events/recent", params=params)
        return [event["key"] for event in response.json()["items"]]

    assert await keys() == [commit, str(job)]
    assert await keys(limit=1) == [commit]
    assert await keys(webhook_id=of_goal) == await keys(goal_id=platform.goal) == [commit]
    assert await keys(webhook_id=of_agent) == await keys(agent_id=platform.agent) == [str(job)]
    assert await keys(goal_id="\0") == await keys(webhook_id=await platform.webhook()) == []
