"""The dashboard in a browser that runs no script: its pages read, its forms sent."""

from __future__ import annotations

import re
from functools import partial

import pytest
from playwright.async_api import Browser, expect

from tests.browser.test_dashboard_deliveries import one, opened
from tests.support.browser import needs_chromium
from tests.support.stage import Stage, stage
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]
scriptless = partial(stage, scripts=False)


async def read(made: Stage, path: str, *words: str) -> None:
    await made.go(path)
    for word in words:
        await expect(made.page.get_by_role("main")).to_contain_text(word)


@pytest.mark.long
async def test_pages_are_read_without_scripts(rig: Rig, chromium: Browser) -> None:
    async with scriptless(rig, chromium) as made:
        await made.sign_in()
        dead = await one(rig, "dead")
        await read(made, "/", "Backlog", "Webhooks with problems", "Warehouse", "alive")
        await read(made, "/webhooks", "CRM", "Billing", "Archive", "active")
        await read(
            made,
            "/deliveries",
            "delivered",
            "The receiver responded with status 500",
            "goal.committed",
        )
        await read(made, f"/deliveries/{dead}", "Committed", "Attempt 1", "the archive is full")
        await read(made, f"/webhooks/{made.webhooks['CRM']}", "new customers", "Recent deliveries")
        assert made.elsewhere == []


@pytest.mark.battery
async def test_deliveries_are_filtered_by_a_plain_form(rig: Rig, chromium: Browser) -> None:
    async with scriptless(rig, chromium) as made:
        page = await opened(made, "/deliveries")
        await page.get_by_label("dead").check()
        await page.get_by_label("Webhook").select_option("Archive")
        await page.get_by_role("button", name="Apply").click()
        await expect(page).to_have_url(re.compile("status=dead.*webhook_id="))
        await expect(page.locator("[data-row]")).to_have_count(4)


@pytest.mark.battery
async def test_a_webhook_is_made_and_linked_and_delivers_without_scripts(
    rig: Rig, chromium: Browser
) -> None:
    async with scriptless(rig, chromium, settled=False) as made:
        page = await opened(made, "/webhooks/new")
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
        await made.commit()
        await rig.reaches("delivered")
        assert rig.receiver.requests[0].body == b'{"name": "Ada Lovelace"}'


@pytest.mark.battery
async def test_deliveries_are_sent_again_without_scripts(rig: Rig, chromium: Browser) -> None:
    async with scriptless(rig, chromium) as made:
        page = await opened(made, f"/deliveries/{await one(rig, 'delivered')}")
        before = len(rig.receiver.requests)
        await page.get_by_role("button", name="Send again").click()
        await expect(page.get_by_role("status")).to_contain_text("The delivery is sent again")
        await rig.reaches("delivered", count=4)
        await made.go("/deliveries?status=skipped")
        await page.locator("[data-row] input").first.check()
        await page.get_by_role("button", name="Send again").click()
        await expect(page.get_by_role("status")).to_contain_text("1 of 1 sent again.")
        await rig.reaches("skipped", count=4)
        assert len(rig.receiver.requests) == before + 1
