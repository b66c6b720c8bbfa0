"""Links and the agent view of the dashboard, in a browser and without JavaScript."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from rowhook.services import links
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.browser import needs_chromium, text_of
from tests.support.calls import Api
from tests.support.dashboard_session import CUSTOMER, INVOICE, DashboardSession, open_dashboard
from tests.support.sample_platform import Platform, other_platform
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio
CUSTOMER_WITHOUT_TOKEN = CUSTOMER.replace("{{secret:crm-token}}", "")
NAMES = ("a/b", "ä ö?#&=%2F", "..", ".", "validate", "<b>bold</b>", "-1+1", "a\\b")


async def create_goal(platform: Platform, name: str) -> None:
    await platform.run(
        "insert into rowhook.goal (id, organization_id, name) values (%s, %s, %s)",
        name,
        platform.organization,
        f"Goal {name}",
    )


async def linked_ids(rig: Rig, webhook: UUID) -> set[str]:
    return {link.id for link in (await links.links_of(rig.ctx, webhook)).items}


async def open_as_tenant(dashboard: DashboardSession) -> Page:
    await dashboard.sign_in(await dashboard.api.key_of(dashboard.rig.platform.organization))
    return dashboard.page


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_goals_and_agents_are_searched_linked_and_unlinked(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        crm, platform = await rig.webhook("/crm"), rig.platform
        await links.unlink_all(rig.ctx, crm.id)
        for name in NAMES:
            await create_goal(platform, name)
        page = await open_as_tenant(dashboard)
        await page.get_by_role("link", name="Links").click()
        await page.get_by_label("Select Ann").check()
        await page.get_by_role("button", name="Link", exact=True).click()
        await expect(page.get_by_role("status")).to_contain_text("Linked 1 of 1.")

        await page.get_by_role("link", name="Goals", exact=True).click()
        await page.get_by_role("searchbox", name="Search").fill("goal a")
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-row]")).to_have_count(2)
        await page.get_by_label("Select all on this page").check()
        await page.get_by_role("button", name="Link", exact=True).click()
        await expect(page.get_by_role("status")).to_contain_text("Linked 2 of 2.")
        assert await linked_ids(rig, crm.id) == {str(platform.agent), "a/b", "a\\b"}

        await page.get_by_role("button", name="Unlink /crm from Goal a/b").click()
        await expect(page.get_by_role("status")).to_contain_text("Unlinked 1.")
        await expect(page.get_by_role("searchbox", name="Search")).to_have_value("goal a")
        await dashboard.open(f"/webhooks/{crm.id}")
        await page.get_by_role("button", name="Unlink agent Ann").click()
        await page.get_by_label("Goal (sends its commits)").select_option("..")
        await page.get_by_role("button", name="Link goal", exact=True).click()
        await expect(page.get_by_role("status")).to_contain_text("Linked.")
        assert await linked_ids(rig, crm.id) == {"a\\b", ".."}
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_a_commit_is_validated_as_the_agent_would_see_it(rig: Rig, chromium: Browser) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        await dashboard.webhook(
            "Billing",
            "/billing",
            schema=INVOICE,
            body_template='{"number": {{data.number}}, "recipient": "{{data.name}}"}',
        )
        page = await open_as_tenant(dashboard)
        await page.get_by_role("link", name="Agent view").click()
        await page.get_by_role("link", name="Goal", exact=True).click()
        await page.get_by_role("link", name="OpenAI").click()
        await page.wait_for_url("**format=openai**")
        tool = json.loads(await text_of(page.get_by_label("tool definition")))
        assert tool["type"] == "function"
        assert tool["function"]["parameters"]["required"] == ["name", "number"]

        verdict = page.locator("#verdict")
        await page.get_by_role("button", name="Validate").click()
        await expect(verdict).to_contain_text("Valid for every output.")
        await validate_data(page, '{"name": "Ada", "number": 1.10}')
        await expect(verdict).to_contain_text("schema_failed")
        await expect(verdict).to_contain_text("Must be an email.")
        await validate_data(page, '{"name": "ada@example.com", "number": 1.10}')
        await expect(verdict).to_contain_text("Valid for every output.")
        await verdict.get_by_text("API call").click()
        await expect(verdict.locator("pre")).to_contain_text('"number": 1.10')
        await validate_data(page, "{")
        await expect(verdict).to_contain_text("Invalid JSON")
        assert await rig.platform.value("select count(*) from rowhook.event") == 0
        assert [complaint for complaint in dashboard.console_errors if "422" not in complaint] == []
        assert dashboard.external_requests == []


async def validate_data(page: Page, data: str) -> None:
    """Enters data into the editor and validates it."""
    await page.get_by_role("textbox", name="Data").fill(data)
    await page.get_by_role("button", name="Validate").click()


async def test_a_goal_with_any_id_is_displayed_and_validated(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    for name in NAMES:
        await create_goal(platform, name)
    csrf = await sign_in(visitor, await api.key_of(platform.organization))
    listed = (await visitor.get("/goals")).text
    for name in NAMES:
        inner = quote(name, safe="")
        path = f"/goals?goal_id={inner}" if name in (".", "..") else f"/goals/{inner}"
        assert f'href="{path}"' in listed, name
        page = await visitor.get(path)
        assert (page.status_code, "No outputs yet" in page.text) == (200, True), name
        answer = await visitor.post("/goals", data={"csrf": csrf, "goal_id": name, "data": "{}"})
        assert "Valid for every output" in answer.text, name


async def test_invalid_input_is_reported_and_kept_in_the_form(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    webhook = await api.webhook(platform.organization, body_template=CUSTOMER_WITHOUT_TOKEN)
    await platform.value("select rowhook.link_goal(%s, %s)", webhook["id"], platform.goal)
    csrf = await sign_in(visitor)
    for data, context, status, message in (
        ("{", "", 422, "Invalid JSON"),
        ("[" * 9000, "", 422, "Invalid JSON"),
        ("{}", "nothing", 422, "Invalid JSON"),
        ("", "", 200, "Not valid for every output"),
        ('{"name": "A", "email": "b"}', '{"tenant": 5}', 200, "Valid for every output"),
    ):
        form = {"csrf": csrf, "goal_id": platform.goal, "data": data, "context": context}
        answer = await visitor.post("/goals", data=form)
        assert (answer.status_code, message in answer.text) == (status, True), (data, context)
        assert f">{data}</textarea>" in unescape(answer.text)
    missing = await visitor.post("/goals", data={"csrf": csrf, "goal_id": "gone", "data": "{}"})
    assert missing.status_code == 404
    assert (await visitor.get("/goals/a%00b")).status_code == 404


async def test_the_page_of_a_goal_starts_with_valid_sample_data(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    webhook = await api.webhook(platform.organization, body_template=CUSTOMER_WITHOUT_TOKEN)
    await sign_in(visitor)
    for example in ({}, {"name": "Ada Lovelace", "email": "ada@example.com"}):
        page = unescape((await visitor.get(f"/goals/{platform.goal}")).text)
        editor = re.search(r'data-editor="json"[^>]*>(.*?)</textarea>', page, re.DOTALL)
        assert editor is not None
        assert json.loads(editor[1]) == example
        await platform.value("select rowhook.link_goal(%s, %s)", webhook["id"], platform.goal)


async def test_links_to_another_organization_are_neither_created_nor_listed(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    own = (await api.webhook(platform.organization))["id"]
    other = await other_platform(platform)
    csrf = await sign_in(visitor, await api.key_of(platform.organization))
    forbidden: tuple[dict[str, Any], ...] = (
        {"kind": "goal", "id": other.goal, "webhook_id": own},
        {"kind": "agent", "id": str(other.agent), "webhook_id": own},
        {"kind": "goal", "id": "a\0b", "webhook_id": own},
        {"kind": "agent", "id": "x", "webhook_id": own},
    )
    for fields in forbidden:
        answer = await visitor.post("/links", data=fields | {"csrf": csrf, "next": "/links"})
        assert answer.headers["location"] == "/links?done=linked_some-0-of-1", fields
    for kind in ("agent", "goal"):
        listed = (await visitor.get(f"/links?kind={kind}")).text
        assert str(other.agent) not in listed
        assert other.goal not in listed
    assert await platform.value("select count(*) from rowhook.link") == 0
    assert (await visitor.get(f"/goals/{other.goal}")).status_code == 404


async def test_a_bulk_link_links_existing_targets_and_reports_the_count(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    own = (await api.webhook(platform.organization))["id"]
    for name in ("a", "c"):
        await create_goal(platform, name)
    csrf = await sign_in(visitor)
    fields = {"csrf": csrf, "kind": "goal", "webhook_id": own, "next": "/links?kind=goal"}
    answer = await visitor.post("/links", data=fields | {"id": ["a", "gone", "c"]})
    assert await platform.value("select count(*) from rowhook.link") == 2
    assert "Linked 2 of 3. The others" in (await visitor.get(answer.headers["location"])).text


async def test_an_empty_selection_and_an_unknown_link_are_reported(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    own = (await api.webhook(platform.organization))["id"]
    csrf = await sign_in(visitor)
    answer = await visitor.post("/links", data={"csrf": csrf, "kind": "goal", "webhook_id": own})
    assert answer.headers["location"] == "/?done=none"
    for pair, status in (("", 404), ("goal x y", 404), (f"goal {own} gone", 303)):
        answer = await visitor.post("/links/unlink", data={"csrf": csrf, "pair": pair})
        assert answer.status_code == status, pair
