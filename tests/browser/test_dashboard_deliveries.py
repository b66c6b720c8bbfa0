"""Deliveries in the dashboard: filters, the live tail, retries, cancellation, single deliveries."""

from __future__ import annotations

import re
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from rowhook.services import webhooks
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.browser import needs_chromium, text_of
from tests.support.calls import Api
from tests.support.dashboard_session import DashboardSession, open_dashboard
from tests.support.receiver import answer
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio


async def open_page(dashboard: DashboardSession, path: str) -> Page:
    """Signs in as an operator, selects the organization and opens a page."""
    await dashboard.sign_in()
    await dashboard.choose_organization()
    await dashboard.open(path)
    return dashboard.page


async def first_delivery(rig: Rig, status: str) -> int:
    delivery = await rig.platform.value(
        "select min(id) from rowhook.outbox where status = %s", status
    )
    assert delivery is not None, status
    return int(delivery)


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_deliveries_are_filtered_by_status_retried_and_cancelled(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        page = await open_page(dashboard, "/deliveries")
        await expect(page.locator("[data-row]")).to_have_count(20)
        await page.get_by_label("dead").check()
        await expect(page).to_have_url(re.compile("status=dead"))
        await expect(page.locator("[data-row]")).to_have_count(4)
        await expect(page.locator("label.pill", has_text="skipped")).to_contain_text("4")

        for row in (0, 2):
            await page.locator("[data-row] input").nth(row).check()
        await expect(page.get_by_text("2 selected")).to_be_visible()
        rig.receiver.script("/archive", answer(200, b"{}"))
        await page.get_by_role("button", name="Send again").click()
        await expect(page.get_by_role("status")).to_contain_text("2 of 2 sent again.")
        await rig.reaches("delivered", count=6)

        await dashboard.open("/deliveries?status=pending&status=delivered")
        await page.get_by_label("Select all").check()
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.get_by_role("status")).to_contain_text("4 of 10 cancelled.")
        await rig.reaches("cancelled", count=4)
        await expect(page).to_have_url(re.compile("status=pending&status=delivered"))
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_the_live_tail_adds_rows_and_keeps_the_selection(rig: Rig, chromium: Browser) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        crm = await dashboard.webhook("CRM", "/crm")
        first = await dashboard.commit()
        await rig.reaches("delivered")
        page = await open_page(dashboard, f"/deliveries?webhook_id={crm.id}")
        await page.get_by_role("link", name="Live tail").click()
        await expect(page.get_by_text("live", exact=True)).to_be_visible()
        await page.locator("[data-row] input").check()
        await expect(page.get_by_text("1 selected")).to_be_visible()

        await dashboard.commit()
        rows = page.locator("[data-row]")
        await expect(rows).to_have_count(2)
        await expect(rows.nth(0)).to_contain_text("delivered")
        await expect(rows.nth(1)).to_contain_text(first)
        await expect(rows.nth(1).locator("input")).to_be_checked()
        await expect(page.get_by_text("1 selected")).to_be_visible()
        await page.get_by_role("link", name="Stop").click()
        await expect(rows).to_have_count(2)
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_the_page_of_a_delivery_follows_it_until_it_is_delivered(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        page = await open_page(dashboard, f"/deliveries/{await first_delivery(rig, 'pending')}")
        await expect(page.locator("dl time[data-countdown]")).to_contain_text("in ")
        steps = page.locator("ol.timeline > li > strong")
        assert await steps.first.inner_text() == "Committed"
        await expect(page.locator(".attempt")).to_contain_text("come back later")
        await page.get_by_text("Data", exact=True).click()
        retry_now = "update rowhook.outbox set status = 'pending' where webhook_id = %s"
        await rig.platform.run(retry_now, dashboard.webhooks["Warehouse"])
        await expect(page.locator(".attempt")).to_have_count(2)
        await expect(page.get_by_label("Data", exact=True)).to_be_visible()
        await expect(page.locator("summary", has_text="Data")).to_be_focused()

        rig.receiver.script("/slow", answer(200, b"thanks"))
        await page.get_by_role("button", name=re.compile("Try it now|Send again")).click()
        await expect(page.get_by_role("status")).to_contain_text("sent again")
        await expect(page.locator("h1")).to_contain_text("delivered")
        await expect(page.locator(".attempt")).to_have_count(3)
        await expect(page.locator(".attempt[open]").first).to_contain_text("thanks")
        assert await steps.last.inner_text() == "Delivered"
        await page.get_by_text("Data", exact=True).click()
        await expect(page.get_by_label("Data", exact=True)).to_contain_text("Ada Lovelace")

        await dashboard.open(f"/deliveries/{await first_delivery(rig, 'held')}")
        await expect(page.get_by_role("link", name="fix the template")).to_be_visible()
        await page.get_by_text("Cancel…").click()
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.locator("h1")).to_contain_text("cancelled")
        await rig.reaches("cancelled")
        await page.get_by_role("link", name="all deliveries of this").click()
        await expect(page.locator("[data-row]")).to_have_count(5)
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_older_pages_list_every_delivery_once_while_new_ones_arrive(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        crm = await dashboard.webhook("CRM", "/crm")
        await webhooks.set_state(rig.ctx, crm.id, "paused")
        await rig.platform.run(
            "insert into rowhook.commit (goal_id) select %s from generate_series(1, 120)",
            rig.platform.goal,
        )
        page = await open_page(dashboard, f"/deliveries?webhook_id={crm.id}&status=pending")
        older, listed = page.get_by_role("link", name="Older"), []
        for rows in (50, 50, 20):
            await expect(page.locator("[data-row]")).to_have_count(rows)
            listed += await page.locator("[data-row] input").evaluate_all(
                "all => all.map(b => +b.value)"
            )
            await dashboard.commit()
            if rows == 50:
                async with page.expect_navigation():
                    await older.click()
        await expect(older).to_have_count(0)
        newest_first = [row["id"] for row in reversed(await rig.platform.deliveries())]
        assert listed == newest_first[3:]
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_a_request_is_copied_as_curl_with_secrets_redacted(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        page = await open_page(dashboard, f"/deliveries/{await first_delivery(rig, 'delivered')}")
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await page.get_by_text("As curl, secrets redacted").click()
        displayed = await text_of(page.get_by_label("request 1 as curl"))
        command = page.locator("details", has_text="As curl, secrets redacted").last
        await command.get_by_role("button", name="Copy").click()
        await expect(command.get_by_role("button", name="Copied")).to_be_visible()
        copied = str(await page.evaluate("navigator.clipboard.readText()"))
        assert (copied, copied.startswith("curl ")) == (displayed, True)
        assert f"{rig.receiver.url}/crm" in copied
        assert "[secret:crm-token]" in copied
        assert "s3cret-value" not in await page.content()


async def test_an_invalid_filter_is_reported_at_its_field(
    visitor: httpx.AsyncClient,
) -> None:
    await sign_in(visitor)
    for query, text in (
        ("status_code=x", "Enter a whole number"),
        ("status_code=7", "from 100 to 999"),
        ("webhook_id=x", "Enter an id"),
        ("since=x", "Enter a time"),
        ("since=0001-01-01T00:00:00%2B14:00", "Enter a time"),
        ("window=1y", "one of: 15m"),
        ("event_type=x", "one of: job.succeeded"),
        ("status=deda", "one of: pending"),
        ("status=dead&status=x", "one of: pending"),
    ):
        response = await visitor.get(f"/deliveries?{query}")
        assert (response.status_code, text in response.text) == (422, True), query
        assert (await visitor.get(f"/live/deliveries?{query}")).status_code == 422
    assert (await visitor.get("/deliveries?cursor=x")).status_code == 422
    for delivery in ("7", "0", "99999999999999999999"):
        assert (await visitor.get(f"/deliveries/{delivery}")).status_code == 404
        assert (await visitor.get(f"/live/deliveries/{delivery}")).status_code == 404


async def test_an_empty_list_names_the_next_step(
    visitor: httpx.AsyncClient,
    rig: Rig,
) -> None:
    await sign_in(visitor)
    assert 'href="/webhooks/new"' in (await visitor.get("/deliveries")).text
    webhook = await rig.webhook()
    assert f"values (&#39;{rig.platform.goal}&#39;" in (await visitor.get("/deliveries")).text
    await rig.platform.run("delete from rowhook.link where webhook_id = %s", webhook.id)
    assert 'href="/links">' in (await visitor.get("/deliveries")).text
    assert (
        "No deliveries match these filters" in (await visitor.get("/deliveries?status=dead")).text
    )


async def test_the_webhook_of_the_address_is_always_among_the_options(
    visitor: httpx.AsyncClient, platform: Platform
) -> None:
    last, deleted = await platform.webhook(name="zebra"), uuid4()
    await platform.run(
        "insert into rowhook.webhook (organization_id, name, kind, url, retry_schedule_s)"
        " select organization_id, 'Crm ' || n, kind, url, retry_schedule_s"
        " from rowhook.webhook, generate_series(1, 1000) as n"
    )
    await sign_in(visitor)
    for path in ("/deliveries", "/failures", "/replay", "/links"):
        page = (await visitor.get(path)).text
        assert "Only the first 1,000 webhooks by name are listed." in page, path
        assert (page.count(">Crm "), str(last) in page) == (1000, False), path
        selected = (await visitor.get(f"{path}?webhook_id={last}")).text
        assert f'<option value="{last}" selected>zebra</option>' in selected, path
    for path in ("/deliveries", "/failures", "/replay"):
        selected = (await visitor.get(f"{path}?webhook_id={deleted}")).text
        assert f'<option value="{deleted}" selected>deleted {deleted}</option>' in selected, path
    assert (await visitor.get(f"/links?webhook_id={deleted}")).status_code == 404


async def test_a_bulk_action_reports_its_result_on_the_same_list(
    visitor: httpx.AsyncClient, platform: Platform
) -> None:
    csrf = await sign_in(visitor)
    await platform.webhook_of_goal()
    await platform.commit()
    delivery = str((await platform.deliveries())[0]["id"])
    path = "/deliveries/cancel?status=pending&live=1&done=retried-1-of-1"
    for count, reason in ((1, ""), (0, " Finished deliveries cannot be cancelled.")):
        answer = await visitor.post(path, data={"csrf": csrf, "id": delivery})
        location = answer.headers["location"]
        assert location.startswith("/deliveries?status=pending&live=1&done=cancelled")
        message = f"{count} of 1 cancelled.{reason}</p>"
        assert message in (await visitor.get(location)).text


async def test_a_key_without_the_scope_has_no_buttons_and_cannot_post(
    visitor: httpx.AsyncClient,
    api: Api,
    platform: Platform,
) -> None:
    csrf = await sign_in(visitor, await api.key_of(platform.organization, "read"))
    await platform.webhook_of_goal()
    await platform.commit()
    delivery = (await platform.deliveries())[0]["id"]
    for path in ("/deliveries", f"/deliveries/{delivery}"):
        assert not re.search(
            "<button[^>]*>(Send again|Try it now|Cancel)", (await visitor.get(path)).text
        )
    for path in ("", f"/{delivery}"):
        for act in ("retry", "cancel"):
            data = {"csrf": csrf, "id": str(delivery)}
            refused = await visitor.post(f"/deliveries{path}/{act}", data=data)
            assert refused.status_code == 403
    assert (await platform.deliveries())[0]["status"] == "pending"
