"""Live updates of pages: paused while hidden, reported when interrupted."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from litestar.response import Stream
from playwright.async_api import Browser, Page, expect

from rowhook.dashboard.live_updates import Streams
from rowhook.services.context import NotFound
from tests.support.browser import needs_chromium, tab
from tests.support.calls import running_api
from tests.support.commands import free_port
from tests.support.dashboard_session import DashboardSession, open_dashboard
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio]
# Simulates a tab that moves to the background: a headless browser keeps all tabs visible.
SET_VISIBILITY = """(state) => {
  Object.defineProperty(document, "hidden", { configurable: true, value: state === "hidden" });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def is_stream(url: str) -> bool:
    return "/live/" in url


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_a_hidden_page_closes_its_stream_and_reopens_it_when_visible(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        await dashboard.webhook("CRM", "/crm")
        await dashboard.sign_in()
        await dashboard.open("/deliveries?live=1")
        page, rows = dashboard.page, dashboard.page.locator("[data-row]")
        await dashboard.commit()
        await expect(rows).to_have_count(1)
        async with page.expect_event("requestfailed", lambda request: is_stream(request.url)):
            await page.evaluate(SET_VISIBILITY, "hidden")
        await dashboard.commit()
        await rig.reaches("delivered", count=2)
        assert await rows.count() == 1
        async with page.expect_request(lambda request: is_stream(request.url)):
            await page.evaluate(SET_VISIBILITY, "visible")
        await expect(rows).to_have_count(2)
        await dashboard.commit()
        await expect(rows).to_have_count(3)
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


async def expect_stream_state(page: Page, *, lost: bool) -> None:
    await expect(page.get_by_text("Live updates are interrupted")).to_have_count(int(lost))
    await expect(page.get_by_text("live", exact=True)).to_be_visible(visible=not lost)


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_a_page_reports_an_interrupted_stream_until_it_reconnects(
    rig: Rig, chromium: Browser
) -> None:
    port = free_port()
    async with tab(chromium) as page:
        async with running_api(rig.dsn, port=port) as api:
            dashboard = DashboardSession(rig=rig, api=api, page=page)
            await dashboard.sign_in()
            await dashboard.open("/deliveries?live=1")
            await expect_stream_state(page, lost=False)
        await expect_stream_state(page, lost=True)
        async with running_api(rig.dsn, port=port):
            await expect_stream_state(page, lost=False)
            await page.context.clear_cookies()
        async with running_api(rig.dsn, port=port):
            await expect_stream_state(page, lost=True)


async def read_stream(stream: Stream) -> list[str]:
    return [str(chunk) async for chunk in stream.iterator]  # type: ignore[union-attr]


async def test_a_stream_ends_on_a_database_error_and_continues_after_not_found() -> None:
    answers: list[str | Exception] = ["one", NotFound("gone"), "two", psycopg.OperationalError()]

    async def fragment() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    chunks = await read_stream(Streams().of("Acme").fragment("now", 0.01, fragment))
    assert [chunk for chunk in chunks if "data" in chunk] == [
        "event: now\ndata: one\n\n",
        "event: now\ndata: two\n\n",
    ]


async def test_one_organization_cannot_take_the_streams_of_another() -> None:
    streams, opened = Streams(), list[Any]()

    async def fragment() -> str:
        return "one"

    def open_stream(owner: str) -> Stream:
        return streams.of(owner).fragment("now", 60, fragment)

    while (stream := open_stream("Acme")).status_code is None:
        opened.append(stream.iterator)
        await anext(opened[-1])
    assert (len(opened), stream.status_code) == (50, 503)
    assert open_stream("Borealis").status_code is None
    await opened.pop().aclose()
    assert open_stream("Acme").status_code is None
    for left in opened:
        await left.aclose()
