"""Every page: keyboard shortcuts, copying, the theme, relative times, the skip link."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser import needs_chromium
from tests.support.dashboard_session import open_dashboard
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]


@pytest.mark.battery
async def test_rows_are_navigated_selected_and_opened_with_the_keyboard(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        await dashboard.sign_in()
        await dashboard.open("/deliveries")
        page, rows = dashboard.page, dashboard.page.locator("[data-row]")
        for key, index in (("j", 0), ("j", 1), ("k", 0), ("j", 1)):
            await page.keyboard.press(key)
            await expect(page.locator(".current")).to_have_count(1)
            await expect(rows.nth(index)).to_contain_class("current")
        await page.keyboard.press("x")
        await expect(rows.nth(1).get_by_role("checkbox")).to_be_checked()
        link = await rows.nth(1).get_by_role("link").first.get_attribute("href")
        await page.keyboard.press("Enter")
        await page.wait_for_url(dashboard.url + str(link))
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog")).to_contain_text("next and previous row")
        await page.keyboard.press("Escape")
        for key, path in (("h", "/held"), ("f", "/failures"), ("o", "/")):
            await page.keyboard.press("g")
            await page.keyboard.press(key)
            await page.wait_for_url(dashboard.url + path)
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.battery
async def test_enter_in_a_checkbox_submits_nothing(rig: Rig, chromium: Browser) -> None:
    posted: list[str] = []
    async with open_dashboard(rig, chromium) as dashboard:
        await dashboard.sign_in()
        dashboard.page.on(
            "request",
            lambda request: posted.append(request.url) if request.method == "POST" else None,
        )
        for path in ("/webhooks", "/links?kind=goal", "/deliveries"):
            await dashboard.open(path)
            box = dashboard.page.locator("input[name=id]").first
            await box.check()
            await box.press("Enter")
            await dashboard.open(path)
        assert posted == []


@pytest.mark.battery
async def test_code_is_copied_without_its_line_numbers(rig: Rig, chromium: Browser) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        await dashboard.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await dashboard.sign_in()
        await dashboard.open(f"/webhooks/{dashboard.webhooks['CRM']}/test")
        await dashboard.page.get_by_role("button", name="Send test").click()
        await dashboard.page.locator(".request").get_by_role("button", name="Copy").click()
        await expect(dashboard.page.get_by_role("button", name="Copied")).to_be_visible()
        copied = str(await dashboard.page.evaluate("navigator.clipboard.readText()"))
        assert copied.startswith('{\n  "name": "')


@pytest.mark.battery
async def test_a_selected_theme_persists(rig: Rig, chromium: Browser) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        await dashboard.page.emulate_media(color_scheme="light")
        await dashboard.sign_in()
        background = "getComputedStyle(document.documentElement).backgroundColor"
        light = await dashboard.page.evaluate(background)
        await dashboard.page.get_by_role("button", name="Toggle light and dark theme").click()
        dark = await dashboard.page.evaluate(background)
        await dashboard.open("/webhooks")
        assert await dashboard.page.evaluate(background) == dark != light


@pytest.mark.battery
async def test_relative_times_are_updated_and_name_the_absolute_time(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        await dashboard.sign_in()
        await dashboard.open("/deliveries")
        time = dashboard.page.locator("time[data-relative]").first
        text = await time.inner_text()
        await expect(time).not_to_have_text(text)
        assert str(await time.get_attribute("title")).endswith(" UTC")


@pytest.mark.long
async def test_the_skip_link_moves_the_focus_to_the_content(rig: Rig, chromium: Browser) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        await dashboard.sign_in()
        await dashboard.page.keyboard.press("Tab")
        skip = dashboard.page.get_by_role("link", name="Skip to the content")
        await expect(skip).to_be_focused()
        await dashboard.page.keyboard.press("Enter")
        await expect(dashboard.page.locator("#main")).to_be_focused()


@pytest.mark.battery
async def test_a_narrow_screen_keeps_the_current_menu_entry_visible(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        await dashboard.sign_in()
        await dashboard.page.set_viewport_size({"width": 390, "height": 800})
        for path in ("/", "/deliveries", "/system"):
            await dashboard.open(path)
            await expect(dashboard.page.locator(".side [aria-current]")).to_be_in_viewport(ratio=1)
            assert await dashboard.page.evaluate("scrollX") == 0
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])
