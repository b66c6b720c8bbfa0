"""The life of a webhook in the dashboard, in a browser, with a worker that delivers."""

from __future__ import annotations

import json
import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.test_dashboard_editor import replace_text
from tests.support.browser import needs_chromium
from tests.support.dashboard_session import DashboardSession, open_dashboard
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]


@pytest.mark.long
async def test_a_webhook_is_created_linked_tested_broken_fixed_and_deleted(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        page = dashboard.page
        await dashboard.sign_in()
        await dashboard.choose_organization()
        await create(page, f"{rig.receiver.url}/crm")
        await link(page)
        await send_test(dashboard)
        await commit_and_watch(dashboard)
        await break_and_hold(dashboard)
        await fix_and_release(dashboard)
        await delete(dashboard)
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])
    bodies = [json.loads(request.body) for request in rig.receiver.requests]
    assert [body["name"] for body in bodies[1:]] == ["Grace", "Grace Hopper"]


async def create(page: Page, url: str) -> None:
    await page.get_by_role("navigation").get_by_role("link", name="Webhooks").click()
    await page.get_by_role("link", name="New webhook").first.click()
    await page.get_by_label("Name", exact=True).fill("CRM")
    await page.get_by_label("URL", exact=True).fill(url)
    await replace_text(page, "Body template", '{"name": "{{data.name}}"}')
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_label("the signing secret")).to_contain_text("whsec_")


async def link(page: Page) -> None:
    await page.get_by_role("link", name="Link agents and goals").click()
    await page.get_by_role("button", name="Link goal").click()
    await expect(page.get_by_role("button", name="Unlink goal Goal")).to_be_visible()


async def send_test(dashboard: DashboardSession) -> None:
    await dashboard.page.get_by_role("link", name="Test", exact=True).click()
    await dashboard.page.get_by_role("button", name="Send test").click()
    await expect(dashboard.page.get_by_role("status")).to_contain_text("The receiver answered 200.")


async def commit_and_watch(dashboard: DashboardSession) -> None:
    page = dashboard.page
    await dashboard.open("/deliveries?live=1")
    await dashboard.rig.platform.commit('{"name": "Grace"}')
    row = page.locator("[data-row]").first
    await expect(row).to_contain_text("delivered")
    await row.get_by_role("link").first.click()
    steps = page.get_by_role("list").filter(has_text="Committed")
    for step in ("Captured", "Claimed", "Rendered", "Validated", "Delivered"):
        await expect(steps).to_contain_text(step)


async def break_and_hold(dashboard: DashboardSession) -> None:
    page = dashboard.page
    await page.locator("dl.facts").get_by_role("link", name="CRM").first.click()
    await page.get_by_role("link", name="Edit", exact=True).click()
    await replace_text(page, "Body template", '{"name": "{{data.fullname}}"}')
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url(re.compile("done=saved"))
    await dashboard.rig.platform.commit('{"name": "Grace Hopper"}')
    await dashboard.rig.reaches("held")


async def fix_and_release(dashboard: DashboardSession) -> None:
    page = dashboard.page
    await page.get_by_role("navigation").get_by_role("link", name="Held").click()
    await expect(page.get_by_role("main")).to_contain_text("data.fullname is not defined")
    await page.get_by_role("link", name="Fix and release").click()
    await replace_text(page, "Body template", '{"name": "{{data.name}}"}')
    await page.get_by_role("button", name="Preview held deliveries").click()
    await expect(page.get_by_role("main")).to_contain_text("Grace Hopper")
    await page.get_by_role("button", name="Save and release").click()
    await dashboard.rig.reaches("delivered", count=2)


async def delete(dashboard: DashboardSession) -> None:
    page = dashboard.page
    await dashboard.open("/webhooks")
    await page.get_by_role("link", name="CRM").click()
    await page.get_by_text("Delete…").click()
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("alert")).to_contain_text("Goal")
    await page.get_by_role("button", name="Unlink all, then delete").click()
    await expect(page.get_by_role("status")).to_be_visible()
    assert await dashboard.rig.platform.value("select count(*) from rowhook.webhook") == 0
