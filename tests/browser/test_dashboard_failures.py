"""Failures in the dashboard, and replays: the count, the confirmation, the progress."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest
from playwright.async_api import Browser, expect

from rowhook.db import webhook_queries
from rowhook.db.connection_pool import Pool
from rowhook.services import deliveries, webhooks
from tests.browser.test_dashboard_deliveries import open_page
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.browser import needs_chromium
from tests.support.calls import Api
from tests.support.dashboard_session import open_dashboard
from tests.support.delivery_data import finish_jobs
from tests.support.receiver import answer
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_a_group_of_failures_is_counted_replayed_and_followed(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        page = await open_page(dashboard, "/failures")
        rows = page.locator("[data-row]")
        await expect(rows).to_have_count(3)
        archive = page.locator("[data-row]", has_text="Archive")
        await expect(archive).to_contain_text("The receiver responded with status 500")
        await archive.get_by_role("link", name="4 dead").click()
        await expect(rows).to_have_count(4)
        await page.go_back()
        await page.get_by_label("Webhook").select_option("Billing")
        await page.get_by_role("button", name="Apply").click()
        await expect(rows).to_have_count(1)
        await page.get_by_label("Webhook").select_option("any")
        await page.get_by_role("button", name="Apply").click()

        await archive.get_by_role("link", name="Replay dead…").click()
        await expect(page.get_by_text("4 deliveries would be sent again")).to_be_visible()
        await page.get_by_role("link", name="Change the range").click()
        await page.get_by_label("Max requests per second").fill("2")
        await page.get_by_role("button", name="Count deliveries").click()
        await expect(page.get_by_text("2 per second")).to_be_visible()
        assert (await rig.reaches("dead", count=4)) is not None

        rig.receiver.script("/archive", answer(200, b"{}"))
        await page.get_by_role("button", name="Send all 4 again").click()
        await expect(page.get_by_role("heading", name=re.compile("^[123] of 4"))).to_be_visible()
        await expect(page.get_by_role("heading", name="All 4 have finished")).to_be_visible()
        await page.get_by_role("link", name="4 delivered").click()
        await expect(rows).to_have_count(4)
        await rig.reaches("delivered", count=8)
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_the_progress_bar_of_a_replay_reaches_its_end(rig: Rig, chromium: Browser) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        archive = dashboard.webhooks["Archive"]
        dead = [row["id"] for row in await rig.reaches("dead", count=4) if row["status"] == "dead"]
        await webhooks.set_state(rig.ctx, archive, "paused")
        rig.receiver.script("/archive", answer(200, b"{}"))
        since = "since=2026-05-23T12:00:00Z"
        page = await open_page(dashboard, f"/replay/count?webhook_id={archive}&status=dead&{since}")
        await page.get_by_role("button", name="Send all 4 again").click()
        bar = page.get_by_role("progressbar", name="Replay")
        await expect(bar).to_have_attribute("max", "4")
        await expect(bar).to_have_attribute("value", "0")
        await deliveries.cancel(rig.ctx, dead[:1])
        await expect(bar).to_have_attribute("value", "1")
        await webhooks.set_state(rig.ctx, archive, "active")
        await expect(bar).to_have_attribute("value", "4")
        for counted in ("3 delivered", "1 cancelled"):
            await expect(page.get_by_role("link", name=counted)).to_be_visible()
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


async def test_an_invalid_replay_is_reported_at_its_form(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    csrf, webhook = await sign_in(visitor), str((await rig.webhook()).id)
    good = {"webhook_id": webhook, "since": "2026-05-23T12:00:00Z"}
    for change, message in (
        ({"webhook_id": ""}, "Choose a webhook."),
        ({"since": ""}, "Enter the start of the range."),
        ({"until": "2026-05-23T11:00"}, "Must be later than since"),
        ({"rate": "fast"}, "Enter a number."),
        ({"rate": "0"}, "a number of deliveries per second"),
        ({"status": "pending"}, "pending cannot be replayed"),
    ):
        for response in (
            await visitor.get("/replay/count", params=good | change),
            await visitor.post("/replay", data=good | change | {"csrf": csrf}),
        ):
            assert (response.status_code, message in response.text) == (422, True), change
    deleted = good | {"webhook_id": str(rig.platform.organization)}
    assert (await visitor.get("/replay/count", params=deleted)).status_code == 404
    assert (await visitor.get("/replay/progress", params={"of": "1"})).status_code == 422
    assert (await visitor.get("/failures?window=1y")).status_code == 422


async def test_a_replay_works_without_javascript(visitor: httpx.AsyncClient, rig: Rig) -> None:
    csrf, webhook = await sign_in(visitor), (await rig.webhook()).id
    await rig.platform.commit()
    row = (await rig.platform.deliveries())[0]
    await deliveries.cancel(rig.ctx, [row["id"]])
    good = {"webhook_id": str(webhook), "since": "2026-05-23T12:00:00Z"}
    assert "1 delivery would" in (await visitor.get("/replay/count", params=good)).text
    assert (await rig.platform.deliveries())[0]["status"] == "cancelled"
    response = await visitor.post("/replay", data=good | {"csrf": csrf})
    assert response.status_code == 303
    progress = await visitor.get(response.headers["location"])
    assert "0 of 1 have finished" in progress.text
    async with rig.worker():
        await rig.reaches("delivered")
    assert "The delivery has finished" in (await visitor.get(response.headers["location"])).text


async def test_a_deleted_webhook_keeps_its_name_and_has_no_links(
    visitor: httpx.AsyncClient, platform: Platform, pool: Pool
) -> None:
    await sign_in(visitor)
    webhook = await platform.webhook_of_agent(name="CRM", retry_schedule_s=[0])
    await finish_jobs(platform, pool, "timeout", error="no answer")
    delivery = (await platform.deliveries())[0]["id"]
    paths = ("/failures", "/deliveries", f"/deliveries/{delivery}")
    for path in paths:
        assert "deleted</span>" not in (await visitor.get(path)).text
    await platform.run("delete from rowhook.link")
    assert await webhook_queries.delete_webhook(pool, webhook)
    for path in paths:
        page = (await visitor.get(path)).text
        assert re.search("CRM(</a>|</bdi>)? <span class=.badge is-deleted.>deleted</span>", page), (
            path
        )
        for link in (
            f'"/webhooks/{webhook}',
            f'"/held/{webhook}',
            "/replay/count?",
            f'/{delivery}/retry"',
        ):
            assert link not in page, (path, link)


async def test_a_failure_group_links_to_the_deliveries_that_a_list_can_filter(
    visitor: httpx.AsyncClient, platform: Platform, pool: Pool
) -> None:
    await sign_in(visitor)
    await platform.webhook_of_agent(retry_schedule_s=[0])
    await finish_jobs(platform, pool, "http_status", "http_status", status_code=503, error="a")
    await finish_jobs(platform, pool, "http_status", status_code=500, error="b")
    page = unescape((await visitor.get("/failures")).text)
    lists = re.findall(r'is-dead" href="([^"]*)">(\d) dead', page)
    assert [count for _, count in lists] == ["1", "2"]
    for path, count in lists:
        assert (await visitor.get(path)).text.count("<tr data-row") == int(count)
    (_, replay) = re.findall(r'href="([^"]*)">Replay dead…', page)
    assert "3 deliveries would be sent again" in (await visitor.get(replay)).text
    assert "A replay covers all deliveries of the webhook since the first." in page


async def test_retrying_deliveries_do_not_link_to_the_list_of_all_pending_ones(
    visitor: httpx.AsyncClient, platform: Platform, pool: Pool
) -> None:
    await sign_in(visitor)
    await platform.webhook_of_agent(retry_schedule_s=[0, 300])
    await finish_jobs(platform, pool, "timeout", error="no answer")
    await platform.job("succeeded")
    assert (
        '<span class="badge is-pending">1 retrying</span>' in (await visitor.get("/failures")).text
    )


async def test_failures_are_visible_without_the_scope_replay(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    csrf = await sign_in(visitor, await api.key_of(platform.organization, "read"))
    assert "No failures in this period" in (await visitor.get("/failures")).text
    for path in ("/replay", "/replay/count", "/replay/progress", "/live/replay"):
        assert (await visitor.get(path)).status_code == 403
    assert (await visitor.post("/replay", data={"csrf": csrf})).status_code == 403
