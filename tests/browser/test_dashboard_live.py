"""What is live on a page: it rests while nobody looks, and says when it is not live."""

from __future__ import annotations

import psycopg
import pytest
from litestar.response import Stream
from playwright.async_api import Browser, Page, expect

from rowhook.dashboard.live_updates import Streams
from rowhook.services.context import NotFound
from tests.support.browser import needs_chromium, tab
from tests.support.calls import running_api
from tests.support.commands import free_port
from tests.support.stage import Stage, stage
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio]
# What a browser does for a tab in the background; one without a window shows all of its tabs.
SEEN = """(state) => {
  Object.defineProperty(document, "hidden", { configurable: true, value: state === "hidden" });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def is_stream(url: str) -> bool:
    return "/live/" in url


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_a_page_that_nobody_sees_holds_no_connection_and_is_live_again_when_seen(
    rig: Rig, chromium: Browser
) -> None:
    async with stage(rig, chromium, settled=False) as made:
        await made.webhook("CRM", "/crm")
        await made.sign_in()
        await made.go("/deliveries?live=1")
        page, rows = made.page, made.page.locator("[data-row]")
        await made.commit()
        await expect(rows).to_have_count(1)
        async with page.expect_event("requestfailed", lambda one: is_stream(one.url)):
            await page.evaluate(SEEN, "hidden")
        await made.commit()
        await rig.reaches("delivered", count=2)
        assert await rows.count() == 1
        async with page.expect_request(lambda one: is_stream(one.url)):
            await page.evaluate(SEEN, "visible")
        await expect(rows).to_have_count(2)
        await made.commit()
        await expect(rows).to_have_count(3)
        assert (made.complaints, made.elsewhere) == ([], [])


async def says_lost(page: Page, *, lost: bool) -> None:
    await expect(page.get_by_text("Live updates are interrupted")).to_have_count(int(lost))
    await expect(page.get_by_text("live", exact=True)).to_be_visible(visible=not lost)


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_a_page_says_that_its_stream_is_lost_until_it_is_there_again(
    rig: Rig, chromium: Browser
) -> None:
    port = free_port()
    async with tab(chromium) as page:
        async with running_api(rig.dsn, port=port) as api:
            made = Stage(rig=rig, api=api, page=page)
            await made.sign_in()
            await made.go("/deliveries?live=1")
            await says_lost(page, lost=False)
        await says_lost(page, lost=True)
        async with running_api(rig.dsn, port=port):
            await says_lost(page, lost=False)
            await page.context.clear_cookies()
        async with running_api(rig.dsn, port=port):
            await says_lost(page, lost=True)


async def sent(stream: Stream) -> list[str]:
    return [str(one) async for one in stream.iterator]  # type: ignore[union-attr]


async def test_a_stream_ends_where_postgres_is_away_and_goes_on_where_a_thing_is_gone() -> None:
    answers: list[str | Exception] = ["one", NotFound("gone"), "two", psycopg.OperationalError()]

    async def piece() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    found = await sent(Streams().fragment("now", 0.01, piece))
    assert [one for one in found if "data" in one] == [
        "event: now\ndata: one\n\n",
        "event: now\ndata: two\n\n",
    ]
