"""Charts in Chromium, under the dashboard's policy."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.support.axe import serious_violations
from tests.support.bare_page import open_bare_page
from tests.support.browser import needs_chromium

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]
NOON = 1_764_000_000
# Returns whether a pixel of the first chart has the current colour of a tone.
PAINTED = """(tone) => {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = `var(--chart-${tone})`;
  const expected = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
  probe.remove();
  const canvas = document.querySelector("[data-chart] canvas");
  if (!canvas) return false;
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  const {data} = copy.getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < data.length; at += 4)
    if (data[at + 3] > 250 && expected.every((value, n) => Math.abs(value - data[at + n]) < 4))
      return true;
  return false;
}"""


def chart(kind: str = "area", count: int = 12, **series: str) -> str:
    """HTML of a chart; `series` is label → tone."""
    chart_data: dict[str, Any] = {
        "kind": kind,
        "unit": "/s",
        "x": [NOON + 60 * n for n in range(count)],
        "series": [
            {"label": label, "tone": tone, "values": [n % 5 + row for n in range(count)]}
            for row, (label, tone) in enumerate(series.items(), 1)
        ],
    }
    text = html.escape(json.dumps(chart_data))
    return f'<div role="img" aria-label="Deliveries per second" data-chart="{text}"></div>'


async def wait_until_painted(page: Page, *tones: str) -> None:
    for tone in tones:
        await page.wait_for_function(PAINTED, arg=tone)


@pytest.mark.battery
@pytest.mark.parametrize("kind", ["area", "bars", "spark"])
async def test_a_chart_uses_the_colours_of_its_tones(kind: str, chromium: Browser) -> None:
    async with open_bare_page(chromium, chart(kind, delivered="good", dead="bad")) as bare_page:
        await wait_until_painted(bare_page.page, "good", "bad")
        assert await bare_page.page.get_by_role("img", name="Deliveries per second").count() == 1


@pytest.mark.battery
@pytest.mark.parametrize("kind", ["area", "bars"])
@pytest.mark.parametrize("count", [0, 1])
async def test_a_chart_without_points_or_with_one_point_is_drawn(
    kind: str, count: int, chromium: Browser
) -> None:
    async with open_bare_page(chromium, chart(kind, count, delivered="good")) as bare_page:
        await bare_page.page.locator("[data-chart] canvas").wait_for()


@pytest.mark.long
async def test_a_chart_changes_its_colours_with_the_theme(chromium: Browser) -> None:
    async with open_bare_page(chromium, chart(delivered="accent")) as bare_page:
        await wait_until_painted(bare_page.page, "accent")
        await bare_page.page.evaluate("""() => {
          document.documentElement.dataset.theme = "dark";
          document.dispatchEvent(new CustomEvent("themechange"));
        }""")
        await wait_until_painted(bare_page.page, "accent")
        await bare_page.page.evaluate("() => { delete document.documentElement.dataset.theme; }")
        await bare_page.page.emulate_media(color_scheme="dark")
        await wait_until_painted(bare_page.page, "accent")
        assert await bare_page.page.locator("[data-chart] canvas").count() == 1


@pytest.mark.battery
async def test_a_chart_is_resized_with_the_window(
    chromium: Browser,
) -> None:
    async with open_bare_page(chromium, chart(delivered="good")) as bare_page:
        for width in (1200, 390):
            await bare_page.page.set_viewport_size({"width": width, "height": 800})
            await bare_page.page.wait_for_function("""() => {
              const place = document.querySelector("[data-chart]");
              return place.querySelector(".uplot").offsetWidth === place.clientWidth;
            }""")


@pytest.mark.battery
async def test_a_swap_replaces_the_chart(chromium: Browser) -> None:
    swap = '<button hx-get="/fragment" hx-target="#place">Later</button>'
    first = f'{swap}<div id="place">{chart(delivered="good")}</div>'
    async with open_bare_page(chromium, first, fragment=chart(dead="bad")) as bare_page:
        await wait_until_painted(bare_page.page, "good")
        await bare_page.page.get_by_role("button").click()
        await wait_until_painted(bare_page.page, "bad")
        assert await bare_page.page.locator(".uplot").count() == 1


@pytest.mark.battery
async def test_invalid_chart_data_is_reported_and_the_next_chart_is_drawn(
    chromium: Browser,
) -> None:
    async with open_bare_page(
        chromium, '<div data-chart="no"></div>' + chart(delivered="good")
    ) as bare_page:
        await bare_page.page.locator("[data-chart] canvas").wait_for()
        assert len(bare_page.console_errors) == 1
        assert "JSON" in bare_page.console_errors.pop()


@pytest.mark.battery
async def test_the_chart_replaces_its_fallback_table(chromium: Browser) -> None:
    table = "<table><tr><td>12:00</td></tr></table></div>"
    async with open_bare_page(
        chromium, chart(delivered="good").replace("</div>", table)
    ) as bare_page:
        await bare_page.page.locator("[data-chart] canvas").wait_for()
        assert not await bare_page.page.get_by_text("12:00").first.is_visible()


@pytest.mark.battery
async def test_axe_reports_no_serious_violation_in_a_chart(chromium: Browser) -> None:
    async with open_bare_page(chromium, chart("bars", delivered="good", dead="bad")) as bare_page:
        await wait_until_painted(bare_page.page, "good")
        assert await serious_violations(bare_page.page) == []
