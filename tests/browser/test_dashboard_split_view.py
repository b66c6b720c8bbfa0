"""The list of deliveries with the selected one beside it, in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from tests.browser.test_dashboard_deliveries import first_delivery, open_page
from tests.support.browser import needs_chromium
from tests.support.dashboard_session import open_dashboard
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]
WIDE = ViewportSize(width=1440, height=900)
NARROW = ViewportSize(width=390, height=844)


@pytest.mark.long
async def test_deliveries_open_beside_the_list_and_keys_walk_through_it(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        page = await open_page(dashboard, "/deliveries?status=dead&status=held")
        await page.set_viewport_size(WIDE)
        rows, pane = page.locator("[data-row]"), page.locator("#pane")
        ids = [str(await row.get_attribute("id")).split("-")[1] for row in await rows.all()]
        await expect(pane).to_be_hidden()
        heights = await rows.evaluate_all("all => all.map(r => r.getBoundingClientRect().height)")
        assert {round(height) for height in heights} == {32}

        await rows.nth(1).locator("a[data-open]").click()
        title = pane.locator(".title")
        await expect(title).to_contain_text(f"Delivery {ids[1]}")
        await expect(page).to_have_url(re.compile(f"status=dead&status=held&open={ids[1]}$"))
        for key, row in (("j", 2), ("ArrowDown", 3), ("k", 2), ("ArrowUp", 1), ("ArrowUp", 0)):
            await page.keyboard.press(key)
            await expect(title).to_contain_text(f"Delivery {ids[row]}")
            await expect(page).to_have_url(re.compile(f"open={ids[row]}$"))
            await expect(rows.nth(row)).to_have_class("current")
            await expect(rows.nth(row).locator("a[data-open]")).to_be_focused()

        await page.reload()
        await expect(title).to_contain_text(f"Delivery {ids[0]}")
        await expect(rows.nth(0)).to_have_class("current")
        await page.keyboard.press("j")
        await expect(title).to_contain_text(f"Delivery {ids[1]}")
        await page.keyboard.press("Escape")
        await expect(pane).to_be_hidden()
        await expect(page).to_have_url(re.compile("status=dead&status=held$"))
        # A row is clickable outside of its links, too.
        await rows.nth(3).locator("td.error").click()
        await expect(title).to_contain_text(f"Delivery {ids[3]}")
        await page.go_back()
        await expect(pane).to_be_hidden()
        await page.go_forward()
        await expect(title).to_contain_text(f"Delivery {ids[3]}")
        await rows.nth(3).locator("a[data-open]").press("Enter")
        await expect(page.locator("h1")).to_contain_text(f"Delivery {ids[3]}")
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.long
async def test_an_action_beside_the_list_returns_to_it_and_the_pane_is_live(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        waiting = await first_delivery(rig, "pending")
        page = await open_page(dashboard, f"/deliveries?open={waiting}")
        await page.set_viewport_size(WIDE)
        pane = page.locator("#pane")
        await pane.get_by_text("Cancel…").click()
        await pane.get_by_role("button", name="Cancel").click()
        await expect(page.locator(".success")).to_contain_text("1 of 1 cancelled.")
        await expect(pane.locator(".title")).to_contain_text("cancelled")
        await expect(page).to_have_url(re.compile(f"open={waiting}"))
        live = await first_delivery(rig, "pending")
        await page.locator(f"#delivery-{live} a[data-open]").click()
        await expect(pane.locator(".title")).to_contain_text("pending")
        await rig.platform.run("update rowhook.outbox set status = 'cancelled' where id = %s", live)
        await expect(pane.locator(".title")).to_contain_text("cancelled")
        # The stream keeps the way back to the list.
        await expect(pane.locator("input[name=back]").first).to_have_value(
            re.compile(f"open={live}")
        )
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.long
async def test_a_narrow_screen_opens_the_page_and_scrolls_nothing_sideways(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        page = await open_page(dashboard, "/deliveries")
        await page.set_viewport_size(NARROW)
        assert await page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
        first = page.locator("[data-row] a[data-open]").first
        delivery = await first.inner_text()
        await first.click()
        await expect(page).to_have_url(f"{dashboard.url}/deliveries/{delivery}")
        await dashboard.open(f"/deliveries?open={delivery}")
        await expect(page.locator("#pane .title")).to_contain_text(f"Delivery {delivery}")
        await expect(page.locator(".deliveries")).to_be_hidden()
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.long
async def test_the_search_and_its_filters_are_in_the_address(rig: Rig, chromium: Browser) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        page = await open_page(dashboard, "/deliveries")
        await page.keyboard.press("/")
        await page.keyboard.type("ada LOVELACE")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile(r"q=ada\+LOVELACE"))
        await expect(page.locator("[data-row]")).to_have_count(20)
        await page.get_by_role("searchbox", name="Search").fill("the archive is full")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("No deliveries match these filters.")).to_be_visible()
        await page.get_by_role("link", name="Reset filters").click()
        await expect(page.locator("[data-row]")).to_have_count(20)
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])
