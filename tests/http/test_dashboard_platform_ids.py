"""Agents, organizations and jobs in the dashboard, under the ids that the platform writes."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest

from tests.browser.test_dashboard_sign_in import enter, visitor
from tests.http.test_api_platform_ids import agent_path, customer, finished, linked, watched_runs
from tests.support.calls import Api
from tests.support.sample_platform import Platform

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio
AGENT = "org/ä 1"
JOB = "run/ö&7"


async def text_of(visitor: httpx.AsyncClient, path: str) -> str:
    answer = await visitor.get(path)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


async def test_agents_are_searched_linked_and_unlinked_under_the_platform_s_ids(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    owner = await customer(platform, "cust/1", AGENT, "12")
    webhook = str((await api.webhook(owner.id))["id"])
    word = await enter(visitor, await api.key_of(owner.id))
    found = await text_of(visitor, "/links?search=ORG/")
    assert f"<code>{AGENT}</code>" in found
    assert "<code>12</code>" not in found
    offered = re.search(r'name="id" value="([^"]+)"', found)
    assert offered is not None
    form = {"csrf": word, "kind": "agent", "webhook_id": webhook, "id": offered[1]}
    assert (await visitor.post("/links", data=form)).status_code == 303
    assert await linked(api, webhook) == [AGENT]
    page = await text_of(visitor, f"/webhooks/{webhook}")
    assert f"<code>{AGENT}</code>" in page
    assert agent_path(webhook, AGENT) in page
    pair = re.search(r'name="pair" value="([^"]+)"', page)
    assert pair is not None
    await visitor.post("/links/unlink", data={"csrf": word, "pair": pair[1]})
    assert await linked(api, webhook) == []


async def test_a_job_s_deliveries_are_reached_whatever_its_id_is(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    owner = await customer(platform, "cust/1", AGENT)
    await watched_runs(platform)
    webhook = str((await api.webhook(owner.id))["id"])
    await api.call("PUT", agent_path(webhook, AGENT))
    await finished(platform, JOB, AGENT)
    await finished(platform, "other", AGENT)
    await enter(visitor, await api.key_of(owner.id))
    listed = await text_of(visitor, "/deliveries")
    address = re.search(r'class="key" href="([^"]+)">run/', listed)
    assert address is not None
    narrowed = await text_of(visitor, address[1])
    assert f'name="job_id" value="{JOB}"' in narrowed
    assert f">{JOB}</a>" in narrowed
    assert ">other</a>" not in narrowed


async def test_an_operator_chooses_and_keys_an_organization_by_the_platform_s_id(
    visitor: httpx.AsyncClient, platform: Platform
) -> None:
    owner = await customer(platform, "cust/1", "12")
    word = await enter(visitor)
    assert "<code>cust/1</code>" in await text_of(visitor, "/organizations")
    draft = {"csrf": word, "name": "ci", "scopes": "read", "organization_id": "cust/1"}
    made = await visitor.post("/keys", data=draft)
    assert (made.status_code, "<code>cust/1</code>" in made.text) == (200, True)
    unknown = await visitor.post("/keys", data=draft | {"organization_id": "cust/2"})
    assert (unknown.status_code, "does not exist" in unknown.text) == (422, True)
    await visitor.post("/organizations", data={"csrf": word, "organization": str(owner.id)})
    assert "organization_id=cust%2F1" in await text_of(visitor, "/webhooks")
