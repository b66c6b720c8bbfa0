"""One webhook's whole life in the dashboard, in a browser, with a worker that truly delivers."""

from __future__ import annotations

import json
import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.test_dashboard_editor import write
from tests.support.browser import needs_chromium
from tests.support.stage import Stage, stage
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]


@pytest.mark.long
async def test_create_link_test_commit_watch_break_fix_release_unlink_delete(
    rig: Rig, chromium: Browser
) -> None:
    async with stage(rig, chromium, settled=False) as made:
        page = made.page
        await made.sign_in()
        await made.choose()
        await create(page, f"{rig.receiver.url}/crm")
        await link(page)
        await try_out(made)
        await commit_and_watch(made)
        await break_and_hold(made)
        await fix_and_release(made)
        await delete(made)
        assert (made.complaints, made.elsewhere) == ([], [])
    bodies = [json.loads(one.body) for one in rig.receiver.requests]
    assert [one["name"] for one in bodies[1:]] == ["Grace", "Grace Hopper"]


async def create(page: Page, url: str) -> None:
    await page.get_by_role("link", name="Webhooks", exact=True).click()
    await page.get_by_role("link", name="New webhook").first.click()
    await page.get_by_label("Name", exact=True).fill("CRM")
    await page.get_by_label("URL", exact=True).fill(url)
    await write(page, "Body template", '{"name": "{{data.name}}"}')
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_label("the signing secret")).to_contain_text("whsec_")


async def link(page: Page) -> None:
    await page.get_by_role("link", name="Link agents and goals").click()
    await page.get_by_role("button", name="Link goal").click()
    await expect(page.get_by_role("button", name="Unlink goal Goal")).to_be_visible()


async def try_out(made: Stage) -> None:
    await made.page.get_by_role("link", name="Test", exact=True).click()
    await made.page.get_by_role("button", name="Send test").click()
    await expect(made.page.get_by_role("status")).to_contain_text("The receiver answered 200.")


async def commit_and_watch(made: Stage) -> None:
    page = made.page
    await made.go("/deliveries?live=1")
    await made.rig.platform.commit('{"name": "Grace"}')
    row = page.locator("[data-row]").first
    await expect(row).to_contain_text("delivered")
    await row.get_by_role("link").first.click()
    steps = page.get_by_role("list").filter(has_text="Committed")
    for step in ("Captured", "Claimed", "Rendered", "Validated", "Delivered"):
        await expect(steps).to_contain_text(step)


async def break_and_hold(made: Stage) -> None:
    page = made.page
    await page.get_by_role("link", name="CRM").first.click()
    await page.get_by_role("link", name="Edit", exact=True).click()
    await write(page, "Body template", '{"name": "{{data.fullname}}"}')
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url(re.compile("done=saved"))
    await made.rig.platform.commit('{"name": "Grace Hopper"}')
    await made.rig.reaches("held")


async def fix_and_release(made: Stage) -> None:
    page = made.page
    await page.get_by_role("link", name="Held", exact=True).click()
    await expect(page.get_by_role("main")).to_contain_text("data.fullname is not defined")
    await page.get_by_role("link", name="Fix and release").click()
    await write(page, "Body template", '{"name": "{{data.name}}"}')
    await page.get_by_role("button", name="Preview all held").click()
    await expect(page.get_by_role("main")).to_contain_text("Grace Hopper")
    await page.get_by_role("button", name="Save and release").click()
    await made.rig.reaches("delivered", count=2)


async def delete(made: Stage) -> None:
    page = made.page
    await made.go("/webhooks")
    await page.get_by_role("link", name="CRM").click()
    await page.get_by_text("Delete…").click()
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("alert")).to_contain_text("Goal")
    await page.get_by_role("button", name="Unlink all, then delete").click()
    await expect(page.get_by_role("status")).to_be_visible()
    assert await made.rig.platform.value("select count(*) from rowhook.webhook") == 0
