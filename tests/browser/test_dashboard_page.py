"""What every page gives: keys, copying, the theme, times that go on, a way past the navigation."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser import needs_chromium
from tests.support.stage import stage
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]


@pytest.mark.battery
async def test_rows_are_walked_ticked_and_opened_by_keys(rig: Rig, chromium: Browser) -> None:
    async with stage(rig, chromium) as made:
        await made.sign_in()
        await made.go("/deliveries")
        page, rows = made.page, made.page.locator("[data-row]")
        for key, place in (("j", 0), ("j", 1), ("k", 0), ("j", 1)):
            await page.keyboard.press(key)
            await expect(page.locator(".current")).to_have_count(1)
            await expect(rows.nth(place)).to_contain_class("current")
        await page.keyboard.press("x")
        await expect(rows.nth(1).get_by_role("checkbox")).to_be_checked()
        wanted = await rows.nth(1).get_by_role("link").first.get_attribute("href")
        await page.keyboard.press("Enter")
        await page.wait_for_url(made.url + str(wanted))
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog")).to_contain_text("next and previous row")
        await page.keyboard.press("Escape")
        for key, path in (("h", "/held"), ("f", "/failures"), ("o", "/")):
            await page.keyboard.press("g")
            await page.keyboard.press(key)
            await page.wait_for_url(made.url + path)
        assert (made.complaints, made.elsewhere) == ([], [])


@pytest.mark.battery
async def test_enter_in_a_box_does_nothing_to_what_is_ticked(rig: Rig, chromium: Browser) -> None:
    sent: list[str] = []
    async with stage(rig, chromium) as made:
        await made.sign_in()
        made.page.on("request", lambda one: sent.append(one.url) if one.method == "POST" else None)
        for path in ("/webhooks", "/links?kind=goal", "/deliveries"):
            await made.go(path)
            box = made.page.locator("input[name=id]").first
            await box.check()
            await box.press("Enter")
            await made.go(path)
        assert sent == []


@pytest.mark.battery
async def test_code_is_copied_without_its_line_numbers(rig: Rig, chromium: Browser) -> None:
    async with stage(rig, chromium) as made:
        await made.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await made.sign_in()
        await made.go(f"/webhooks/{made.webhooks['CRM']}/test")
        await made.page.get_by_role("button", name="Send test").click()
        await made.page.locator(".request").get_by_role("button", name="Copy").click()
        await expect(made.page.get_by_role("button", name="Copied")).to_be_visible()
        copied = str(await made.page.evaluate("navigator.clipboard.readText()"))
        assert copied.startswith('{\n  "name": "')


@pytest.mark.battery
async def test_a_chosen_theme_stays(rig: Rig, chromium: Browser) -> None:
    async with stage(rig, chromium, settled=False) as made:
        await made.page.emulate_media(color_scheme="light")
        await made.sign_in()
        ground = "getComputedStyle(document.documentElement).backgroundColor"
        light = await made.page.evaluate(ground)
        await made.page.get_by_role("button", name="Toggle light and dark theme").click()
        dark = await made.page.evaluate(ground)
        await made.go("/webhooks")
        assert await made.page.evaluate(ground) == dark != light


@pytest.mark.battery
async def test_times_go_on_and_say_the_moment(rig: Rig, chromium: Browser) -> None:
    async with stage(rig, chromium) as made:
        await made.sign_in()
        await made.go("/deliveries")
        time = made.page.locator("time[data-relative]").first
        said = await time.inner_text()
        await expect(time).not_to_have_text(said)
        assert str(await time.get_attribute("title")).endswith(" UTC")


@pytest.mark.long
async def test_the_keyboard_reaches_the_content_past_the_navigation(
    rig: Rig, chromium: Browser
) -> None:
    async with stage(rig, chromium, settled=False) as made:
        await made.sign_in()
        await made.page.keyboard.press("Tab")
        skip = made.page.get_by_role("link", name="Skip to the content")
        await expect(skip).to_be_focused()
        await made.page.keyboard.press("Enter")
        await expect(made.page.locator("#main")).to_be_focused()


@pytest.mark.battery
async def test_on_a_narrow_screen_the_name_of_the_screen_is_in_sight(
    rig: Rig, chromium: Browser
) -> None:
    async with stage(rig, chromium, settled=False) as made:
        await made.sign_in()
        await made.page.set_viewport_size({"width": 390, "height": 800})
        for path in ("/", "/deliveries", "/system"):
            await made.go(path)
            await expect(made.page.locator(".side [aria-current]")).to_be_in_viewport(ratio=1)
            assert await made.page.evaluate("scrollX") == 0
        assert (made.complaints, made.elsewhere) == ([], [])
