"""Lists that are searched, and the audit by who, what and whom, over REST."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.test_api_lists import all_of, other_platform
from tests.support.calls import Api
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio


async def named(api: Api, path: str, key: str | None = None, **params: Any) -> list[str]:
    return sorted(one["name"] for one in await all_of(api, path, key, **params))


async def test_webhooks_are_searched_by_name_description_and_url_in_any_case(
    api: Api, platform: Platform
) -> None:
    whose = platform.organization
    await api.webhook(whose, name="Crm one", url="https://a.example.com/")
    await api.webhook(whose, name="two", description="feeds the CRM", url="https://b.example.com/")
    await api.webhook(whose, name="three", url="https://crm.example.com/")
    await api.webhook(whose, name="four", url="https://c.example.com/")
    found = {word: await named(api, "/webhooks", search=word) for word in ("cRM", "FOUR", "ü", "")}
    assert found == {
        "cRM": ["Crm one", "three", "two"],
        "FOUR": ["four"],
        "ü": [],
        "": ["Crm one", "four", "three", "two"],
    }
    assert await named(api, "/webhooks", search="crm", state="paused") == []


async def test_what_is_searched_for_is_no_pattern(api: Api, platform: Platform) -> None:
    for name in ("100%", "a_b", "a.b", "back\\slash"):
        await api.webhook(platform.organization, name=name)
    for word, expected in (
        ("%", ["100%"]),
        ("_", ["a_b"]),
        ("a_b", ["a_b"]),
        (".*", []),
        ("\\", ["back\\slash"]),
        ("0%' or true --", []),
        ("😀", []),
    ):
        assert await named(api, "/webhooks", search=word) == expected, word
    assert (await api.call("GET", "/webhooks", params={"search": "\0"})).status_code == 422
    assert (await api.call("GET", "/webhooks", params={"search": "x" * 1001})).status_code == 400


@pytest.mark.parametrize("path", ["/agents", "/goals"])
async def test_agents_and_goals_are_searched_by_name_and_id(
    api: Api, platform: Platform, path: str
) -> None:
    own = (await all_of(api, path))[0]
    await other_platform(platform)
    for word, count in (
        (own["name"].upper(), 2),
        (own["id"][3:].upper(), 1),
        ("nobody is called so", 0),
    ):
        found = await all_of(api, path, search=word)
        assert len(found) == count, word
        assert count != 1 or found == [own]


async def test_a_search_finds_one_s_own_alone(api: Api, platform: Platform) -> None:
    await api.webhook(platform.organization, name="CRM")
    key = await api.key_of((await other_platform(platform)).organization)
    assert await named(api, "/webhooks", key, search="crm") == []
    for path, word in (("/agents", str(platform.agent)), ("/goals", platform.goal)):
        assert await all_of(api, path, key, search=word) == []


async def test_the_audit_is_found_by_actor_action_and_subject(api: Api, platform: Platform) -> None:
    webhooks = [(await api.webhook(platform.organization))["id"] for _ in range(2)]
    key = await api.key_of(platform.organization)
    await api.call("PATCH", f"/webhooks/{webhooks[0]}", {"name": "new"}, key=key)
    for filters, expected in (
        ({"subject": webhooks[0]}, ["webhook.changed", "webhook.created"]),
        ({"subject": webhooks[0], "action": "webhook.changed"}, ["webhook.changed"]),
        ({"action": "webhook.created"}, ["webhook.created"] * 2),
        ({"actor": "key:test"}, ["webhook.changed"]),
        ({"actor": "key:tes"}, []),
        ({"actor": "key:test", "subject": webhooks[1]}, []),
    ):
        found = await all_of(api, "/audit", **filters)
        assert [one["action"] for one in found] == expected, filters
