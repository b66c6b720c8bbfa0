"""The polling feed: every event once, in the order of commits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rowhook.db import connection_pool
from tests.support.calls import Api
from tests.support.sample_platform import Platform
from tests.support.tenants import tenant

pytestmark = pytest.mark.anyio


async def page(api: Api, **asked: Any) -> tuple[list[dict[str, Any]], str]:
    answer = await api.call("GET", "/events", params=asked)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return found["items"], found["next_cursor"]


async def test_events_come_once_in_the_order_of_commits(api: Api, platform: Platform) -> None:
    commits = [await platform.commit() for _ in range(5)]
    first, cursor = await page(api, limit=3)
    second, cursor = await page(api, limit=3, after=cursor)
    assert [one["commit_id"] for one in (*first, *second)] == commits
    assert await page(api, after=cursor) == ([], cursor)
    commits = [await platform.commit()]
    assert [one["commit_id"] for one in (await page(api, after=cursor))[0]] == commits


async def test_one_that_commits_late_is_not_skipped(api: Api, platform: Platform, dsn: str) -> None:
    async with await connection_pool.connect(dsn) as slow:
        await slow.set_autocommit(False)  # psycopg's
        early = "insert into rowhook.commit (id, goal_id, data) values ('early', %s, '1')"
        await slow.execute(early, (platform.goal,))
        await platform.commit()
        items, cursor = await page(api)
        assert items == []
        await slow.commit()
    rest, _ = await page(api, after=cursor)
    assert [one["commit_id"] == "early" for one in rest] == [True, False]


async def test_nothing_is_skipped_or_repeated_while_many_write_and_some_roll_back(
    api: Api, platform: Platform, dsn: str
) -> None:
    done = asyncio.Event()

    async def write(number: int) -> list[str]:
        kept = []
        async with await connection_pool.connect(dsn) as own:
            for n in range(25):
                async with own.transaction(force_rollback=n % 5 == 4):
                    name = f"{number}-{n}"
                    query = "insert into rowhook.commit (id, goal_id) values (%s, %s)"
                    await own.execute(query, (name, platform.goal))
                    await own.execute("select pg_sleep(random() * 0.01)")
                kept += [name] * (n % 5 != 4)
        return kept

    async def read() -> list[str]:
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            ended = done.is_set()
            items, after = await page(api, limit=7, **cursor)
            cursor = {"after": after}
            seen += [one["commit_id"] for one in items]
            if ended and not items:
                return seen

    reading = asyncio.create_task(read())
    written = await asyncio.gather(*map(write, range(4)))
    done.set()
    assert sorted(await reading) == sorted(name for names in written for name in names)


async def test_the_filters_are_those_of_links(api: Api, platform: Platform) -> None:
    await platform.commit()
    await platform.job("succeeded")
    await platform.job("failed")
    kinds = [one["type"] for one in (await page(api))[0]]
    assert kinds == ["goal.committed", "job.succeeded", "job.failed"]
    asked: list[tuple[dict[str, Any], int]] = [
        ({"goal_id": platform.goal}, 1),
        ({"agent_id": str(platform.agent)}, 2),
        ({"event_type": ["job.failed", "goal.committed"]}, 2),
        ({"goal_id": "none\0"}, 0),
    ]
    for filters, expected in asked:
        assert len((await page(api, **filters))[0]) == expected, filters


async def test_every_digit_is_there(api: Api, platform: Platform) -> None:
    await platform.commit('{"n": 1.10, "big": 123456789012345678901234567890, "n": 2.0}')
    answer = await api.call("GET", "/events")
    assert '{"n": 1.10, "big": 123456789012345678901234567890, "n": 2.0}' in answer.text


async def test_one_answer_holds_some_megabytes_and_one_event_at_least(
    api: Api, platform: Platform
) -> None:
    for _ in range(6):
        await platform.commit('"' + "x" * 1_000_000 + '"')
    first, cursor = await page(api)
    rest, _ = await page(api, after=cursor)
    assert (len(first), len(rest)) == (4, 2)


async def test_another_organization_s_events_are_not_there(api: Api, platform: Platform) -> None:
    await platform.commit()
    other = await tenant(api, platform.db)
    key = await api.key_of(other.organization, "read")
    answer = await api.call("GET", "/events", key=key)
    owners = {one["organization_id"] for one in answer.json()["items"]}
    assert owners == {str(other.organization)}


async def test_a_cursor_of_something_else_is_refused(api: Api) -> None:
    for wrong in ("nonsense", "WyJhIiwxXQ", "WyItMSIsMV0"):
        answer = await api.call("GET", "/events", params={"after": wrong})
        assert answer.status_code == 422


async def test_one_event_is_read_digit_for_digit(api: Api, platform: Platform) -> None:
    await platform.commit('{"price": 1.10, "a": 1, "a": 2}')
    (listed,), _ = await page(api)
    answer = await api.call("GET", f"/events/{listed['id']}")
    assert answer.json() == listed
    assert '"data":{"price": 1.10, "a": 1, "a": 2}' in answer.text
    for unknown in (listed["id"] + 1, 0, 2**70):
        assert (await api.call("GET", f"/events/{unknown}")).status_code == 404


async def test_the_newest_events_are_those_that_links_bring(api: Api, platform: Platform) -> None:
    job, commit = await platform.job("succeeded"), await platform.commit()
    of_goal = await platform.webhook_of_goal()
    of_agent = await platform.webhook_of_agent()

    async def keys(**asked: Any) -> list[str]:
        answer = await api.call("GET", "/events/recent", params=asked)
        return [one["key"] for one in answer.json()["items"]]

    assert await keys() == [commit, str(job)]
    assert await keys(limit=1) == [commit]
    assert await keys(webhook_id=of_goal) == await keys(goal_id=platform.goal) == [commit]
    assert await keys(webhook_id=of_agent) == await keys(agent_id=platform.agent) == [str(job)]
    assert await keys(goal_id="\0") == await keys(webhook_id=await platform.webhook()) == []
