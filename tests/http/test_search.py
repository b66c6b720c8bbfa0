"""Searching lists, and filtering the audit, over REST."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.test_api_lists import list_all
from tests.support.calls import Api
from tests.support.sample_platform import Platform, other_platform

pytestmark = pytest.mark.anyio


async def search_names(api: Api, path: str, key: str | None = None, **params: Any) -> list[str]:
    return sorted(item["name"] for item in await list_all(api, path, key, **params))


async def test_webhooks_are_searched_by_name_description_and_url_in_any_case(
    api: Api, platform: Platform
) -> None:
    organization = platform.organization
    await api.webhook(organization, name="Crm one", url="https://a.example.com/")
    await api.webhook(
        organization, name="two", description="feeds the CRM", url="https://b.example.com/"
    )
    await api.webhook(organization, name="three", url="https://crm.example.com/")
    await api.webhook(organization, name="four", url="https://c.example.com/")
    results = {
        term: await search_names(api, "/webhooks", search=term) for term in ("cRM", "FOUR", "ü", "")
    }
    assert results == {
        "cRM": ["Crm one", "three", "two"],
        "FOUR": ["four"],
        "ü": [],
        "": ["Crm one", "four", "three", "two"],
    }
    assert await search_names(api, "/webhooks", search="crm", state="paused") == []


async def test_search_terms_are_literal(api: Api, platform: Platform) -> None:
    for name in ("100%", "a_b", "a.b", "back\\slash"):
        await api.webhook(platform.organization, name=name)
    for term, expected in (
        ("%", ["100%"]),
        ("_", ["a_b"]),
        ("a_b", ["a_b"]),
        (".*", []),
        ("\\", ["back\\slash"]),
        ("0%' or true --", []),
        ("😀", []),
    ):
        assert await search_names(api, "/webhooks", search=term) == expected, term
    assert (await api.call("GET", "/webhooks", params={"search": "\0"})).status_code == 422
    assert (await api.call("GET", "/webhooks", params={"search": "x" * 1001})).status_code == 400


@pytest.mark.parametrize("path", ["/agents", "/goals"])
async def test_agents_and_goals_are_searched_by_name_and_id(
    api: Api, platform: Platform, path: str
) -> None:
    own = (await list_all(api, path))[0]
    await other_platform(platform)
    for term, count in (
        (own["name"].upper(), 2),
        (own["id"][3:].upper(), 1),
        ("nobody is called so", 0),
    ):
        results = await list_all(api, path, search=term)
        assert len(results) == count, term
        assert count != 1 or results == [own]


async def test_a_search_finds_only_the_caller_s_organization(api: Api, platform: Platform) -> None:
    await api.webhook(platform.organization, name="CRM")
    key = await api.key_of((await other_platform(platform)).organization)
    assert await search_names(api, "/webhooks", key, search="crm") == []
    for path, term in (("/agents", str(platform.agent)), ("/goals", platform.goal)):
        assert await list_all(api, path, key, search=term) == []


async def test_the_audit_is_filtered_by_actor_action_and_subject(
    api: Api, platform: Platform
) -> None:
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
        results = await list_all(api, "/audit", **filters)
        assert [entry["action"] for entry in results] == expected, filters
