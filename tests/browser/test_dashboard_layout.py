"""The layout of every screen, light and dark, wide and narrow, and the search dialog."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import needs_chromium
from tests.support.dashboard_session import open_dashboard
from tests.support.scoreboard import score
from tests.support.screens import WIDTHS, each_screen
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]

# Faults of the layout: a page wider than its window, fields that overlap, words broken inside.
_FAULTS = """() => {
  const faults = [];
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) faults.push(`${wide} px wider than the window`);
  const kinds = "main :is(input:not([type=hidden]), select, textarea, button, .button)";
  const boxes = [...document.querySelectorAll(kinds)]
    .filter((field) => field.checkVisibility())
    .filter((field) => !field.closest(".copied, .cm-editor, form.selection"))
    .map((field) => [field.name || field.textContent, field.getBoundingClientRect()])
    .filter(([, box]) => box.width && box.height);
  for (const [place, [name, box]] of boxes.entries()) {
    for (const [other, its] of boxes.slice(place + 1)) {
      const across = Math.min(box.right, its.right) - Math.max(box.left, its.left);
      const down = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
      if (across > 1 && down > 1) faults.push(`${name} overlaps ${other}`);
    }
  }
  const breakable = "code, pre, a.key, .mono, td.error, .address, .cm-editor, svg";
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const { parentElement: parent } = text;
    if (parent.closest(breakable) || !parent.checkVisibility()) continue;
    for (const { 0: word, index } of text.data.matchAll(/[\\p{L}\\p{N}]{2,18}/gu)) {
      const range = document.createRange();
      range.setStart(text, index);
      range.setEnd(text, index + word.length);
      const pieces = [...range.getClientRects()].filter((box) => box.width > 0.5);
      const lines = new Set(pieces.map((box) => Math.round(box.top)));
      if (lines.size > 1) faults.push(`${word} is broken`);
    }
  }
  return faults;
}"""


async def layout_faults(page: Page) -> list[str]:
    return [str(fault) for fault in await page.evaluate(_FAULTS)]


@pytest.mark.battery
async def test_no_screen_is_wider_than_its_window_overlaps_or_breaks_words(
    rig: Rig, chromium: Browser
) -> None:
    faults: dict[str, list[str]] = {}
    screens = 0
    async with open_dashboard(rig, chromium) as dashboard:
        async for name in each_screen(dashboard):
            screens += 1
            for width, height in WIDTHS.items():
                await dashboard.page.set_viewport_size({"width": width, "height": height})
                faults[f"{name}, {width} px"] = await layout_faults(dashboard.page)
    faulty = {name: texts for name, texts in faults.items() if texts}
    assert faulty == {}
    score(
        f"layout of {screens} screens of the dashboard, 1440 and 390 px wide",
        required="no sideways scrolling, no overlapping fields, no broken words",
        measured=f"{len(faulty)} of {len(faults)} appearances with a fault",
        holds=not faulty,
    )


LONG_NAMED = (
    "overview",
    "webhooks",
    "webhook",
    "webhook revisions",
    "links",
    "links of goals",
    "goals",
    "goal",
    "deliveries",
    "deliveries beside one",
    "delivery dead",
    "held",
    "held of one webhook",
    "failures",
    "replay",
    "audit",
    "organizations",
)


@pytest.mark.long
async def test_names_and_errors_without_a_break_make_no_screen_wider_than_its_window(
    rig: Rig, chromium: Browser
) -> None:
    wide: dict[str, int] = {}
    async with open_dashboard(rig, chromium) as dashboard:
        run = rig.platform.run
        for table in ("organization", "goal", "agent", "webhook"):
            await run(f"update rowhook.{table} set name = name || repeat('W', 190)")
        await run(
            "update rowhook.outbox set token = nextval('rowhook.token'),"
            " last_error = repeat('W', 200) where last_error is not null"
        )
        async for name in each_screen(dashboard, LONG_NAMED.__contains__):
            for width, height in WIDTHS.items():
                await dashboard.page.set_viewport_size({"width": width, "height": height})
                excess = "document.documentElement.scrollWidth - innerWidth"
                wide[f"{name}, {width} px"] = await dashboard.page.evaluate(excess)
    assert {name: excess for name, excess in wide.items() if excess > 0} == {}
    assert {name.partition(",")[0] for name in wide} == set(LONG_NAMED)


@pytest.mark.long
async def test_rows_are_low_at_twice_the_size_of_text(rig: Rig, chromium: Browser) -> None:
    heights: dict[str, float] = {}
    async with open_dashboard(rig, chromium) as dashboard:
        # Of all organizations, which the list then has a column for.
        await dashboard.sign_in()
        page = dashboard.page
        # 720 px is a window of 1440 px at 200 %.
        for width in (390, 720, 840, 1000, 1440):
            await page.set_viewport_size({"width": width, "height": 900})
            for path in ("/", "/webhooks"):
                await dashboard.open(path)
                tallest = "(rows) => Math.max(...rows.map((row) => row.offsetHeight))"
                rows = page.locator("tr[data-row]")
                heights[f"{path}, {width} px"] = await rows.evaluate_all(tallest)
    assert {name: height for name, height in heights.items() if height > 72} == {}, "three lines"


@pytest.mark.long
async def test_the_navigation_shows_the_current_page_in_a_narrower_window(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        await dashboard.sign_in()
        await dashboard.page.set_viewport_size({"width": 1440, "height": 900})
        await dashboard.open("/failures")
        await dashboard.page.set_viewport_size({"width": 390, "height": 844})
        await expect(dashboard.page.locator(".side [aria-current]")).to_be_in_viewport(ratio=1)


@pytest.mark.long
async def test_header_and_navigation_stay_in_place_while_the_page_scrolls(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        await dashboard.sign_in()
        page = dashboard.page
        for width, height in WIDTHS.items():
            await page.set_viewport_size({"width": width, "height": height})
            await dashboard.open(f"/webhooks/{dashboard.webhooks['CRM']}")
            await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
            assert await page.evaluate("scrollY") > 0
            await expect(page.get_by_role("link", name="Rowhook: overview")).to_be_in_viewport()
            await expect(page.locator(".side [aria-current]")).to_be_in_viewport()


@pytest.mark.long
async def test_the_search_dialog_opens_an_object_by_its_name_or_id(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        await dashboard.sign_in()
        page, webhook = dashboard.page, dashboard.webhooks["Billing"]
        matches = page.locator("#palette-matches .match")
        for text in ("billi", str(webhook)):
            await dashboard.open("/webhooks")
            await page.keyboard.press("Control+k")
            await expect(page.get_by_label("Jump to")).to_be_focused()
            await page.keyboard.type(text)
            await expect(matches).to_have_count(1)
            await expect(matches.first).to_contain_text("Billing")
            await page.keyboard.press("Enter")
            await page.wait_for_url(f"{dashboard.url}/webhooks/{webhook}")
        await dashboard.open("/deliveries")
        await page.keyboard.press("Meta+k")
        await expect(matches.first).to_contain_text("Overview")
        await page.keyboard.press("ArrowDown")
        await expect(matches.nth(1)).to_be_focused()
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{dashboard.url}/webhooks")
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.battery
async def test_an_operator_switches_the_organization_in_the_header(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        await dashboard.sign_in()
        await dashboard.open("/webhooks")
        page = dashboard.page
        await page.get_by_text("All organizations").first.click()
        await page.get_by_role("banner").get_by_role("button", name="Choose").click()
        await page.wait_for_url(f"{dashboard.url}/webhooks")
        await expect(page.get_by_role("banner")).not_to_contain_text("All organizations")


@pytest.mark.battery
async def test_times_are_shown_in_the_browser_s_zone_with_utc_in_the_title(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        context = await chromium.new_context(timezone_id="Asia/Kolkata", locale="en-GB")
        page = await context.new_page()
        await page.goto(f"{dashboard.url}/sign-in")
        await page.get_by_label("API key").fill(dashboard.api.key)
        await page.get_by_role("button", name="Sign in").click()
        delivery = await rig.platform.value("select min(id) from rowhook.outbox")
        await page.goto(f"{dashboard.url}/deliveries/{delivery}")
        time = page.locator(".timeline time").first
        await expect(time).to_contain_text("GMT+5:30")
        assert str(await time.get_attribute("title")).endswith(" UTC")
        await page.goto(f"{dashboard.url}/deliveries")
        relative = page.locator("time[data-relative]").first
        await expect(relative).to_have_attribute("data-localized", "")
        title = str(await relative.get_attribute("title"))
        assert ("GMT+5:30" in title, title.endswith(" UTC")) == (True, True)
        await context.close()


WITH_CONFIRMATIONS = (
    "keys created",
    "secrets",
    "webhook",
    "webhook revisions",
    "delivery pending",
)

# Opens each confirmation. Returns the elements that cover the middle of their buttons, "" if none
# does. In one step, because a live update replaces the elements.
_COVERED_BY = """() => [...document.querySelectorAll(".confirm > summary")].map((summary) => {
  summary.click();
  const button = summary.parentElement.querySelector(".sheet button");
  scrollBy(0, button.getBoundingClientRect().top - innerHeight / 2);
  const box = button.getBoundingClientRect();
  const found = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  summary.click();
  const at = JSON.stringify(box);
  return button.contains(found) ? "" : `${found?.outerHTML.slice(0, 200)} at ${at}`;
})"""


@pytest.mark.battery
async def test_the_button_of_a_confirmation_is_visible_when_it_opens(
    rig: Rig, chromium: Browser
) -> None:
    covered: dict[str, list[str]] = {}
    async with open_dashboard(rig, chromium) as dashboard:
        async for name in each_screen(dashboard, WITH_CONFIRMATIONS.__contains__):
            for width, height in WIDTHS.items():
                await dashboard.page.set_viewport_size({"width": width, "height": height})
                covered[f"{name}, {width} px"] = await dashboard.page.evaluate(_COVERED_BY)
    assert all(covered.values()), f"a screen has no confirmation: {covered}"
    assert {cover for covers in covered.values() for cover in covers} == {""}, covered
