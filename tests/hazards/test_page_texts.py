"""Texts that reorder the text beside them, and words of 100 KB, on every page."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Page

from rowhook.services import links
from tests.hazards.attacked_dashboard import attack_pages, create_attacks, list_pages
from tests.support.browser import needs_chromium
from tests.support.dashboard_session import DashboardSession, open_dashboard
from tests.support.receiver import answer
from tests.support.scoreboard import score
from tests.support.screens import MAIN_PATHS, SETTINGS_PATHS
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.hazards, needs_chromium]
# "evil" from right to left, neither ended nor isolated, and a Hebrew word.
REORDERING = "\u202elive \u2067\u05d0\u05d1"
WORD = "W" * 100_000
# The editor has a description of 100 KB, and names of 100 KB among its completions.
MAX_PAGE = 2_000_000
# The texts that are followed by other text in the element that isolates them.
_REORDERED = """() => {
  const isolates = (element) => {
    const { unicodeBidi, display } = getComputedStyle(element);
    return /isolate|plaintext/.test(unicodeBidi) || !["inline", "contents"].includes(display);
  };
  const elements = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    if (!text.data.includes("\u202e") || text.parentElement.closest("pre, .cm-editor")) continue;
    let box = text.parentElement;
    while (!isolates(box)) box = box.parentElement;
    const after = document.createRange();
    after.setStart(text, text.length);
    after.setEnd(box, box.childNodes.length);
    if (/[\\p{L}\\p{N}]/u.test(String(after))) elements.push(box.outerHTML.slice(0, 300));
  }
  return elements;
}"""


async def _opened(page: Page, address: str) -> int:
    """Opens an address and returns the size of its page."""
    response = await page.goto(address)
    assert response is not None
    assert response.status < 500, address
    return len(await response.body())


@pytest.mark.battery
async def test_no_text_reorders_the_text_beside_it(rig: Rig, chromium: Browser) -> None:
    reordered: dict[str, list[str]] = {}
    async with open_dashboard(rig, chromium, with_data=False) as opened:
        (attack,) = await create_attacks(opened, [REORDERING])
        rows = await rig.platform.rows("select webhook_id, id from rowhook.outbox order by id")
        deliveries = {row["webhook_id"]: row["id"] for row in rows}
        await opened.sign_in()
        await opened.choose_organization()
        for path in (*list_pages(attack), *attack_pages(attack, deliveries)):
            # A part of a page, without its styles.
            if "/pane" in path:
                continue
            await _opened(opened.page, opened.url + path)
            reordered[path] = await opened.page.evaluate(_REORDERED)
    faulty = {path: elements for path, elements in reordered.items() if elements}
    assert faulty == {}
    score(
        f"a name from right to left on {len(reordered)} pages",
        required="nothing beside it is reordered",
        measured=f"{len(faulty)} pages with a fault",
        holds=not faulty,
    )


async def _plant_words(opened: DashboardSession) -> list[str]:
    """Writes long words wherever the platform and a receiver may; returns the pages of them."""
    rig, platform = opened.rig, opened.rig.platform
    rig.receiver.script("/archive", answer(500, WORD.encode(), (("X-Word", WORD[:8000]),)))
    archive = await opened.webhook("Archive", "/archive", raw_payload=True, retry_schedule_s=[0])
    held = await opened.webhook("W" * 200, "/held", schema={"required": ["x"]}, description=WORD)
    goal = f"goal_{WORD}"
    await platform.run("update rowhook.organization set name = %s", WORD)
    await platform.run("update rowhook.agent set name = %s, external_id = %s", WORD, "i" * 2000)
    await platform.run("update rowhook.goal set name = %s", WORD)
    await platform.run(
        "insert into rowhook.goal (id, organization_id, template_id, name) values (%s, %s, %s, %s)",
        goal,
        platform.organization,
        WORD,
        WORD,
    )
    await links.link_goal(rig.ctx, archive.id, goal)
    await platform.run(
        "insert into rowhook.commit (id, goal_id, data) values (%s, %s, %s)",
        f"commit_{'i' * 2000}",
        platform.goal,
        json.dumps({WORD: WORD}),
    )
    await rig.reaches("dead")
    await rig.reaches("held")
    dead = await platform.value("select id from rowhook.outbox where status = 'dead' limit 1")
    return [
        f"/webhooks/{archive.id}",
        f"/webhooks/{held.id}",
        f"/webhooks/{held.id}/edit",
        f"/webhooks/{archive.id}/test",
        f"/held/{held.id}",
        f"/deliveries/{dead}",
        f"/deliveries?open={dead}",
        f"/goals/{quote(platform.goal)}",
        "/links?kind=goal",
        "/search?q=WWW",
        "/webhooks/new",
    ]


async def _heavy(page: Page, url: str, paths: Iterable[str]) -> dict[str, int]:
    sizes = {path: await _opened(page, url + path) for path in paths}
    return {path: size for path, size in sizes.items() if size > MAX_PAGE}


@pytest.mark.battery
async def test_a_word_of_100_kb_makes_no_page_heavy_or_slow(rig: Rig, chromium: Browser) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as opened:
        pages = await _plant_words(opened)
        await opened.sign_in()
        paths = (*MAIN_PATHS, *SETTINGS_PATHS, *pages)
        heavy = await _heavy(opened.page, opened.url, paths)
        await opened.page.set_viewport_size({"width": 390, "height": 844})
        heavy |= await _heavy(opened.page, opened.url, paths)
    assert heavy == {}
