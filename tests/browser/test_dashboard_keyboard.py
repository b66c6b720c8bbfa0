"""The dashboard with the keyboard alone: every action has a visible focus, and Escape closes."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.support.browser import needs_chromium
from tests.support.dashboard_session import open_dashboard
from tests.support.scoreboard import score
from tests.support.screens import each_screen
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]
# The visible actions, from the start of the page. Of a group of radio buttons, Tab reaches one.
_NUMBER_ACTIONS = """() => {
  const groups = new Set();
  const isFirst = ({ type, name }) => type !== "radio" || !groups.has(name) && groups.add(name);
  const kinds = "a[href], button, input, select, textarea, summary";
  const actions = [...document.querySelectorAll(kinds)]
    .filter((action) => action.checkVisibility() && !action.disabled && action.tabIndex >= 0)
    .filter(isFirst);
  actions.forEach((action, place) => { action.dataset.place = place; });
  const start = document.createElement("span");
  Object.assign(start, { tabIndex: -1 }).style.position = "absolute";
  document.body.prepend(start);
  start.focus();
  return actions.map((action) => action.outerHTML.slice(0, 200));
}"""
# The focused action, and the faults of its focus.
_FOCUSED = """async () => {
  const { activeElement: focused } = document;
  if (focused === document.body) return null;
  // An editor marks itself a moment later.
  const ends = Date.now() + 5000;
  while (focused.matches(".cm-editor:not(.cm-focused) *") && Date.now() < ends) {
    await new Promise((then) => setTimeout(then, 5));
  }
  // Elements that scroll with the focus are in their place with the next frame.
  await new Promise((then) => requestAnimationFrame(then));
  const group = focused.type === "radio" && document.querySelector(
    `[type=radio][data-place][name="${CSS.escape(focused.name)}"]`);
  const box = focused.getBoundingClientRect();
  const marked = focused.closest(".cm-editor") ?? focused;
  const { outlineStyle, outlineWidth } = getComputedStyle(marked);
  const faults = [];
  if (outlineStyle === "none" || parseFloat(outlineWidth) < 1) faults.push("no outline");
  const [x, y] = [box.left + Math.min(box.width / 2, 40), box.top + Math.min(box.height / 2, 20)];
  const top = document.elementFromPoint(x, y);
  if (!top || !(focused.contains(top) || top.contains(focused))) faults.push("covered");
  const place = Number((group || focused).dataset.place ?? -1);
  return { place, faults, html: focused.outerHTML.slice(0, 200) };
}"""
_MAX_STOPS = 400


async def keyboard_faults(page: Page) -> list[str]:
    """Walks through a page with Tab; returns the actions that it misses or that look unfocused."""
    actions: list[str] = await page.evaluate(_NUMBER_ACTIONS)
    faults, reached = set[str](), set[int]()
    for _ in range(_MAX_STOPS):
        await page.keyboard.press("Tab")
        stop: dict[str, Any] | None = await page.evaluate(_FOCUSED)
        if stop is None:
            break
        faults |= {f"{fault}: {stop['html']}" for fault in stop["faults"]}
        reached.add(stop["place"])
    missed = [action for place, action in enumerate(actions) if place not in reached]
    return sorted(faults) + [f"not reached: {action}" for action in missed]


async def _answer_without_updates(route: Route) -> None:
    """Answers for a stream: an update would replace the elements that the test has numbered."""
    await route.fulfill(content_type="text/event-stream", body="retry: 3600000\n\n")


@pytest.mark.parametrize(
    ("names", "required"),
    [
        pytest.param({"webhook edit", "held of one webhook", "replay"}, 3, marks=pytest.mark.long),
        pytest.param(None, 70, marks=pytest.mark.battery),
    ],
)
async def test_every_action_is_reached_with_tab_and_shows_that_it_has_the_focus(
    rig: Rig, chromium: Browser, names: set[str] | None, required: int
) -> None:
    faults = {}
    async with open_dashboard(rig, chromium) as dashboard:
        await dashboard.page.emulate_media(reduced_motion="reduce")
        await dashboard.page.context.route("**/live/**", _answer_without_updates)
        async for name in each_screen(dashboard, lambda name: names is None or name in names):
            # A dialog keeps the focus.
            if await dashboard.page.locator("dialog[open]").count() == 0:
                faults[name] = await keyboard_faults(dashboard.page)
    faulty = {name: messages for name, messages in faults.items() if messages}
    assert faulty == {}
    score(
        f"{len(faults)} screens of the dashboard with Tab",
        required="each action is reached, has an outline and is not covered",
        measured=f"{len(faulty)} screens with a fault",
        holds=len(faults) >= required,
    )


@pytest.mark.long
async def test_escape_closes_the_open_element_and_returns_the_focus(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        await dashboard.sign_in()
        page, pane = dashboard.page, dashboard.page.locator("#pane")
        await dashboard.open(f"/webhooks/{dashboard.webhooks['CRM']}")
        for label, inside in (("Delete…", "Delete"), ("All organizations", "Choose")):
            opener = page.locator("summary", has_text=label)
            await opener.press("Enter")
            await page.get_by_role("button", name=inside).first.focus()
            await page.keyboard.press("Escape")
            await expect(opener).to_be_focused()
            await expect(page.get_by_role("button", name=inside).first).to_be_hidden()
        for key, dialog in (("Control+k", "#palette"), ("?", "#help")):
            await opener.focus()
            await page.keyboard.press(key)
            await expect(page.locator(dialog)).to_be_visible()
            await page.keyboard.press("Escape")
            await expect(page.locator(dialog)).to_be_hidden()
            await expect(opener).to_be_focused()

        # Beside the list, Escape closes the innermost first.
        waiting = await rig.platform.value(
            "select min(id) from rowhook.outbox where status = 'pending'"
        )
        await dashboard.open(f"/deliveries?open={waiting}")
        cancel = pane.locator("summary", has_text="Cancel…")
        await cancel.press("Enter")
        await pane.get_by_role("button", name="Cancel").focus()
        await page.keyboard.press("Escape")
        await expect(cancel).to_be_focused()
        await page.keyboard.press("Control+k")
        await expect(page.locator("#palette")).to_be_visible()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Escape")
        await expect(page.locator("#palette")).to_be_hidden()
        await expect(pane.locator(".title")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(pane).to_be_hidden()
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])
