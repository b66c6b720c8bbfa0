"""External ids of the platform over REST: numbers, texts, UUIDs in other spellings."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from tests.support.calls import Api
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
UPPERCASE_UUID = "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"
AGENTS = ("12", "org/ä 1", UPPERCASE_UUID, "a?b#c", "100%", "..;x")


class Customer:
    """An organization with an external id, and its agents."""

    def __init__(self, platform: Platform, external_id: str) -> None:
        self.platform = platform
        self.external_id = external_id
        self.id = uuid4()

    async def set_up(self, *agents: str) -> None:
        await self.platform.run(
            "insert into rowhook.organization (id, external_id, name) values (%s, %s, 'Customer')",
            self.id,
            self.external_id,
        )
        for agent in agents:
            await self.agent(agent)

    async def agent(self, external_id: str | None, id_: UUID | None = None) -> UUID:
        agent_id = id_ or uuid4()
        await self.platform.run(
            "insert into rowhook.agent (id, organization_id, external_id, name)"
            " values (%s, %s, %s, %s)",
            agent_id,
            self.id,
            external_id,
            f"Agent {external_id}",
        )
        return agent_id


async def create_customer(platform: Platform, external_id: str, *agents: str) -> Customer:
    created = Customer(platform, external_id)
    await created.set_up(*agents)
    return created


async def items(api: Api, path: str, key: str | None = None, **params: Any) -> list[dict[str, Any]]:
    response = await api.call("GET", path, key=key, params=params)
    assert response.status_code == 200, response.text
    listed: list[dict[str, Any]] = response.json()["items"]
    return listed


async def linked_agents(api: Api, webhook: str) -> list[str]:
    return [link["id"] for link in await items(api, f"/webhooks/{webhook}/links")]


def agent_path(webhook: str, agent: str) -> str:
    return f"/webhooks/{webhook}/agents/{quote(agent, safe='')}"


async def create_webhook(api: Api, owner: Customer) -> str:
    return str((await api.webhook(owner.id))["id"])


async def test_an_agent_is_linked_and_unlinked_by_its_external_id(
    api: Api, platform: Platform
) -> None:
    owner = await create_customer(platform, "cust/1", *AGENTS)
    webhook = await create_webhook(api, owner)
    for agent in AGENTS:
        path = agent_path(webhook, agent)
        for method, expected in (("PUT", 1), ("DELETE", 0)):
            assert (await api.call(method, path)).status_code == 204
            count = "select count(*) from rowhook.link l join rowhook.agent a on a.id = l.agent_id"
            assert await platform.value(f"{count} where a.external_id = %s", agent) == expected


async def test_an_agent_with_an_external_id_is_linked_by_its_uuid_in_any_spelling(
    api: Api, platform: Platform
) -> None:
    owner = await create_customer(platform, "1")
    agent = await owner.agent("12")
    webhook = await create_webhook(api, owner)
    for spelling in (str(agent), str(agent).upper(), agent.hex):
        path = agent_path(webhook, spelling)
        assert (await api.call("PUT", path)).status_code == 204
        assert len(await linked_agents(api, webhook)) == 1
        assert (await api.call("DELETE", path)).status_code == 204


async def test_an_external_id_takes_precedence_over_a_uuid_that_differs_only_in_case(
    api: Api, platform: Platform
) -> None:
    owner = await create_customer(platform, "1")
    await owner.agent(None, UUID(UPPERCASE_UUID))
    with_platform_id = await owner.agent(UPPERCASE_UUID)
    webhook = await create_webhook(api, owner)
    await api.call("PUT", agent_path(webhook, UPPERCASE_UUID))
    assert await platform.value("select agent_id from rowhook.link") == with_platform_id
    await api.call("DELETE", agent_path(webhook, UPPERCASE_UUID))
    await api.call("PUT", agent_path(webhook, UPPERCASE_UUID.lower()))
    assert await platform.value("select agent_id from rowhook.link") == UUID(UPPERCASE_UUID)


async def test_lookups_return_and_search_external_ids(api: Api, platform: Platform) -> None:
    owner = await create_customer(platform, "cust/1", "agent-77")
    (agent,) = await items(api, "/agents", organization_id="cust/1")
    assert agent["external_id"] == "agent-77"
    external_ids = {
        organization["id"]: organization["external_id"]
        for organization in await items(api, "/organizations")
    }
    assert external_ids == {str(owner.id): "cust/1", str(platform.organization): None}
    for search in ("ENT-77", agent["id"]):
        assert [item["id"] for item in await items(api, "/agents", search=search)] == [agent["id"]]


async def test_webhooks_and_events_are_filtered_by_an_external_agent_id(
    api: Api, platform: Platform
) -> None:
    owner = await create_customer(platform, "1", "org/ä 1", "12")
    webhook = await create_webhook(api, owner)
    await api.call("PUT", agent_path(webhook, "org/ä 1"))
    assert [item["id"] for item in await items(api, "/webhooks", agent_id="org/ä 1")] == [webhook]
    for agent in ("12", "unknown", "nul\0"):
        assert await items(api, "/webhooks", agent_id=agent) == []
        assert await items(api, "/events", agent_id=agent) == []
        assert await items(api, "/events/recent", agent_id=agent) == []


async def test_an_operator_names_an_organization_by_its_external_id(
    api: Api, platform: Platform
) -> None:
    await create_customer(platform, "cust/1", "12")
    draft = {"name": "CRM", "url": "https://crm.example.com/", "organization_id": "cust/1"}
    created = await api.call("POST", "/webhooks", draft)
    assert created.status_code == 201, created.text
    assert (await api.call("POST", "/preview", draft)).status_code == 200
    key = await api.call(
        "POST", "/api-keys", {"name": "ci", "scopes": ["read"], "organization_id": "cust/1"}
    )
    assert key.status_code == 201, key.text
    (listed,) = await items(api, "/webhooks", key=key.json()["key"])
    assert listed["id"] == created.json()["id"]
    assert [item["id"] for item in await items(api, "/webhooks", organization_id="cust/1")] == [
        listed["id"]
    ]
    params = {"organization_id": "cust/1"}
    response = await api.call("PUT", "/secrets/token", {"value": "s3cret"}, params=params)
    assert response.status_code == 204, response.text
    assert (
        await api.call("GET", "/deliveries", params={"organization_id": "none"})
    ).status_code == 404


async def test_a_test_and_a_preview_use_the_agent_of_an_external_id(
    api: Api, platform: Platform
) -> None:
    owner = await create_customer(platform, "cust/1", "12")
    webhook = await create_webhook(api, owner)
    response = await api.call("POST", f"/webhooks/{webhook}/preview", {"agent_id": "12"})
    assert response.status_code == 200, response.text
    assert '"Agent 12"' in response.json()["request"]["body"]
    other = await api.call("POST", f"/webhooks/{webhook}/preview", {"agent_id": "13"})
    assert other.status_code == 404


async def test_an_ambiguous_external_id_requires_the_organization(
    api: Api, platform: Platform
) -> None:
    first = await create_customer(platform, "1", "12")
    await create_customer(platform, "2", "12")
    webhook = await create_webhook(api, first)
    await api.call("PUT", agent_path(webhook, "12"))
    refused = await api.call("GET", "/webhooks", params={"agent_id": "12"})
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["pointer"] == "/agent_id"
    assert "organization_id" in error["message"]
    assert len(await items(api, "/webhooks", agent_id="12", organization_id="1")) == 1
    assert await items(api, "/webhooks", agent_id="12", organization_id="2") == []
    key = await api.key_of(first.id)
    assert len(await items(api, "/webhooks", key=key, agent_id="12")) == 1


async def test_external_ids_reveal_nothing_to_another_organization(
    api: Api, platform: Platform
) -> None:
    first = await create_customer(platform, "1", "own")
    await create_customer(platform, "2", "foreign")
    webhook = await create_webhook(api, first)
    key = await api.key_of(first.id)
    for method in ("PUT", "DELETE"):
        foreign = await api.call(method, agent_path(webhook, "foreign"), key=key)
        missing = await api.call(method, agent_path(webhook, "missing"), key=key)
        assert foreign.status_code == missing.status_code == 404
        assert foreign.text.replace("foreign", "missing") == missing.text
    for path, agent in (("/webhooks", "foreign"), ("/events", "foreign")):
        assert await items(api, path, key=key, agent_id=agent) == []
    assert [item["external_id"] for item in await items(api, "/agents", key=key)] == ["own"]
    assert await items(api, "/agents", key=key, search="foreign") == []
    body = {"agent_id": "foreign"}
    for call in ("preview", "test"):
        trial = await api.call("POST", f"/webhooks/{webhook}/{call}", body, key=key)
        assert trial.status_code == 404
    for path in ("/webhooks", "/deliveries", "/events", "/agents", "/goals", "/stats"):
        response = await api.call("GET", path, key=key, params={"organization_id": "2"})
        assert response.status_code == 404
    draft = {"name": "CRM", "url": "https://crm.example.com/", "organization_id": "2"}
    assert (await api.call("POST", "/webhooks", draft, key=key)).status_code == 404


async def test_a_foreign_id_is_a_404_before_the_scope_is_checked(
    api: Api, platform: Platform
) -> None:
    first = await create_customer(platform, "1", "own")
    await create_customer(platform, "2", "foreign")
    webhook = await create_webhook(api, first)
    key = await api.key_of(first.id, "read")
    assert (await api.call("PUT", agent_path(webhook, "foreign"), key=key)).status_code == 404
    assert (await api.call("PUT", agent_path(webhook, "own"), key=key)).status_code == 403


RUNS = """
create table public.runs (
  id text primary key, agent text, customer text, state text, at timestamptz default now())
"""
MAPPING = {
    "id": "id",
    "agent_id": "agent",
    "organization_id": "customer",
    "status": "state",
    "completed_at": "at",
}


async def finish_run(platform: Platform, job: str, agent: str) -> None:
    """Inserts a finished run of an agent of cust/1 into a watched table."""
    await platform.run("insert into public.runs values (%s, %s, 'cust/1', 'succeeded')", job, agent)


async def watch_runs(platform: Platform) -> None:
    await platform.db.execute(RUNS.encode())
    await platform.run("select rowhook.watch_jobs('public.runs', %s)", json.dumps(MAPPING))


async def test_links_events_and_deliveries_return_external_ids(
    api: Api, platform: Platform
) -> None:
    owner = await create_customer(platform, "cust/1", "org/ä 1")
    await watch_runs(platform)
    webhook = await create_webhook(api, owner)
    await api.call("PUT", agent_path(webhook, "org/ä 1"))
    assert await linked_agents(api, webhook) == ["org/ä 1"]
    await finish_run(platform, "run/ö 7", "org/ä 1")
    (delivery,) = await items(api, "/deliveries", job_id="run/ö 7")
    assert (delivery["job_id"], delivery["organization_id"]) == ("run/ö 7", "cust/1")
    detail = (await api.call("GET", f"/deliveries/{delivery['id']}")).json()
    assert (detail["job_id"], detail["organization_id"]) == ("run/ö 7", "cust/1")
    for path in ("/events", "/events/recent"):
        for params in ({}, {"agent_id": "org/ä 1"}, {"organization_id": "cust/1"}):
            (event,) = await items(api, path, **params)
            assert (event["agent_id"], event["organization_id"]) == ("org/ä 1", "cust/1")
    event = (await api.call("GET", f"/events/{event['id']}")).json()
    assert (event["job_id"], event["snapshot"]["agent"]["id"]) == ("run/ö 7", "org/ä 1")
    health = (await api.call("GET", "/webhooks/health", params={"webhook_id": webhook})).json()
    assert [item["organization_id"] for item in health["items"]] == ["cust/1"]
    refused = await api.call("DELETE", f"/webhooks/{webhook}")
    assert [error["id"] for error in refused.json()["errors"]] == ["org/ä 1"]


async def test_webhooks_keys_secrets_and_the_audit_return_the_external_organization_id(
    api: Api, platform: Platform
) -> None:
    owner = await create_customer(platform, "cust/1", "12")
    webhook = await create_webhook(api, owner)
    await api.call("PUT", agent_path(webhook, "12"))
    params = {"organization_id": "cust/1"}
    await api.call("PUT", "/secrets/token", {"value": "s3cret"}, params=params)
    key = await api.call("POST", "/api-keys", {"name": "ci", "scopes": ["read"]} | params)
    assert key.json()["organization_id"] == "cust/1"
    for path in ("/webhooks", "/api-keys", "/secrets", "/agents", "/audit"):
        listed = await items(api, path, **params)
        assert {item["organization_id"] for item in listed} == {"cust/1"}, path
    audit = {item["action"]: item["after"] for item in await items(api, "/audit", **params)}
    assert audit["link.created"]["agent_id"] == "12"
    assert audit["link.created"]["organization_id"] == "cust/1"


async def test_a_webhook_of_an_organization_with_an_external_id_is_changed_and_previewed(
    api: Api, platform: Platform
) -> None:
    owner = await create_customer(platform, "cust/1", "12")
    webhook = await create_webhook(api, owner)
    changed = await api.call("PATCH", f"/webhooks/{webhook}", {"name": "Other"})
    assert (changed.status_code, changed.json()["organization_id"]) == (200, "cust/1")
    assert (await api.call("POST", f"/webhooks/{webhook}/rotate-secret")).status_code == 200
    preview = await api.call("POST", f"/webhooks/{webhook}/preview-held", {"method": "PUT"})
    assert preview.status_code == 200
    response = await api.call("POST", f"/webhooks/{webhook}/preview", {"agent_id": "12"})
    body = json.loads(response.json()["request"]["body"])
    assert (body["agent"]["id"], body["organization"]["id"]) == ("12", "cust/1")
