"""The dashboard in a browser without JavaScript: its pages and forms."""

from __future__ import annotations

import re
from functools import partial

import pytest
from playwright.async_api import Browser, expect

from tests.browser.test_dashboard_deliveries import first_delivery, open_page
from tests.support.browser import needs_chromium
from tests.support.dashboard_session import DashboardSession, open_dashboard
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]
open_without_scripts = partial(open_dashboard, scripts=False)


async def expect_texts(dashboard: DashboardSession, path: str, *texts: str) -> None:
    await dashboard.open(path)
    for text in texts:
        await expect(dashboard.page.get_by_role("main")).to_contain_text(text)


@pytest.mark.long
async def test_pages_are_readable_without_javascript(rig: Rig, chromium: Browser) -> None:
    async with open_without_scripts(rig, chromium) as dashboard:
        await dashboard.sign_in()
        dead = await first_delivery(rig, "dead")
        await expect_texts(
            dashboard, "/", "Backlog", "Webhooks with problems", "Warehouse", "alive"
        )
        await expect_texts(dashboard, "/webhooks", "CRM", "Billing", "Archive", "active")
        await expect_texts(
            dashboard,
            "/deliveries",
            "delivered",
            "The receiver responded with status 500",
            "goal.committed",
        )
        await expect_texts(
            dashboard, f"/deliveries/{dead}", "Committed", "Attempt 1", "the archive is full"
        )
        await expect_texts(
            dashboard,
            f"/webhooks/{dashboard.webhooks['CRM']}",
            "new customers",
            "Recent deliveries",
        )
        assert dashboard.external_requests == []


@pytest.mark.battery
async def test_deliveries_are_filtered_without_javascript(rig: Rig, chromium: Browser) -> None:
    async with open_without_scripts(rig, chromium) as dashboard:
        page = await open_page(dashboard, "/deliveries")
        await page.get_by_label("dead").check()
        await page.get_by_label("Webhook").select_option("Archive")
        await page.get_by_role("button", name="Apply").click()
        await expect(page).to_have_url(re.compile("status=dead.*webhook_id="))
        await expect(page.locator("[data-row]")).to_have_count(4)


@pytest.mark.battery
async def test_a_webhook_is_created_linked_and_delivers_without_javascript(
    rig: Rig, chromium: Browser
) -> None:
    async with open_without_scripts(rig, chromium, with_data=False) as dashboard:
        page = await open_page(dashboard, "/webhooks/new")
        await page.get_by_label("Name", exact=True).fill("CRM")
        await page.get_by_label("URL", exact=True).fill(f"{rig.receiver.url}/crm")
        await page.get_by_label("Template", exact=True).check()
        await page.get_by_label("Body template").fill('{"name": "{{data.name}}"}')
        await page.get_by_role("button", name="Preview").click()
        await expect(page.locator("#preview")).to_contain_text("The delivery would be sent.")
        await page.get_by_role("button", name="Create").click()
        await expect(page.get_by_label("the signing secret")).to_contain_text("whsec_")
        await page.get_by_role("link", name="Link agents and goals").click()
        await page.get_by_role("button", name="Link goal").click()
        await expect(page.get_by_role("status")).to_contain_text("Linked.")
        await dashboard.commit()
        await rig.reaches("delivered")
        assert rig.receiver.requests[0].body == b'{"name": "Ada Lovelace"}'


@pytest.mark.battery
async def test_deliveries_are_retried_without_javascript(rig: Rig, chromium: Browser) -> None:
    async with open_without_scripts(rig, chromium) as dashboard:
        page = await open_page(dashboard, f"/deliveries/{await first_delivery(rig, 'delivered')}")
        before = len(rig.receiver.requests)
        await page.get_by_role("button", name="Send again").click()
        await expect(page.get_by_role("status")).to_contain_text("The delivery is sent again")
        await rig.reaches("delivered", count=4)
        await dashboard.open("/deliveries?status=skipped")
        await page.locator("[data-row] input").first.check()
        await page.get_by_role("button", name="Send again").click()
        await expect(page.get_by_role("status")).to_contain_text("1 of 1 sent again.")
        await rig.reaches("skipped", count=4)
        assert len(rig.receiver.requests) == before + 1
