"""External ids of agents, organizations and jobs in the dashboard."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest

from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.http.test_api_external_ids import (
    agent_path,
    create_customer,
    finish_run,
    linked_agents,
    watch_runs,
)
from tests.support.calls import Api
from tests.support.sample_platform import Platform

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio
AGENT = "org/ä 1"
JOB = "run/ö&7"


async def text_of(visitor: httpx.AsyncClient, path: str) -> str:
    response = await visitor.get(path)
    assert response.status_code == 200, response.text
    return unescape(response.text)


async def test_agents_are_searched_linked_and_unlinked_by_external_ids(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    owner = await create_customer(platform, "cust/1", AGENT, "12")
    webhook = str((await api.webhook(owner.id))["id"])
    csrf = await sign_in(visitor, await api.key_of(owner.id))
    search_page = await text_of(visitor, "/links?search=ORG/")
    assert f"<code>{AGENT}</code>" in search_page
    assert "<code>12</code>" not in search_page
    agent_input = re.search(r'name="id" value="([^"]+)"', search_page)
    assert agent_input is not None
    form = {"csrf": csrf, "kind": "agent", "webhook_id": webhook, "id": agent_input[1]}
    assert (await visitor.post("/links", data=form)).status_code == 303
    assert await linked_agents(api, webhook) == [AGENT]
    page = await text_of(visitor, f"/webhooks/{webhook}")
    assert f"<code>{AGENT}</code>" in page
    assert agent_path(webhook, AGENT) in page
    pair = re.search(r'name="pair" value="([^"]+)"', page)
    assert pair is not None
    await visitor.post("/links/unlink", data={"csrf": csrf, "pair": pair[1]})
    assert await linked_agents(api, webhook) == []


async def test_deliveries_of_a_job_are_linked_with_any_job_id(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    owner = await create_customer(platform, "cust/1", AGENT)
    await watch_runs(platform)
    webhook = str((await api.webhook(owner.id))["id"])
    await api.call("PUT", agent_path(webhook, AGENT))
    await finish_run(platform, JOB, AGENT)
    await finish_run(platform, "other", AGENT)
    await sign_in(visitor, await api.key_of(owner.id))
    listed = await text_of(visitor, "/deliveries")
    address = re.search(r'class="key" href="([^"]+)">run/', listed)
    assert address is not None
    filtered = await text_of(visitor, address[1])
    assert f'name="job_id" value="{JOB}"' in filtered
    assert f">{JOB}</a>" in filtered
    assert ">other</a>" not in filtered


async def test_an_operator_selects_an_organization_and_creates_its_keys_by_external_id(
    visitor: httpx.AsyncClient, platform: Platform
) -> None:
    owner = await create_customer(platform, "cust/1", "12")
    csrf = await sign_in(visitor)
    assert "<code>cust/1</code>" in await text_of(visitor, "/organizations")
    draft = {"csrf": csrf, "name": "ci", "scopes": "read", "organization_id": "cust/1"}
    created = await visitor.post("/keys", data=draft)
    assert (created.status_code, '<span title="cust/1">' in created.text) == (200, True)
    unknown = await visitor.post("/keys", data=draft | {"organization_id": "cust/2"})
    assert (unknown.status_code, "does not exist" in unknown.text) == (422, True)
    await visitor.post("/organizations", data={"csrf": csrf, "organization": str(owner.id)})
    assert "organization_id=cust%2F1" in await text_of(visitor, "/webhooks")
