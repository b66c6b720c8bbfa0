"""Webhooks in the dashboard: the overview, the list and the page of a webhook."""

from __future__ import annotations

import json
import re
from html import unescape
from uuid import UUID

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from rowhook.db.connection_pool import Pool
from rowhook.services import webhooks
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.browser import needs_chromium, text_of
from tests.support.calls import Api
from tests.support.dashboard_session import DashboardSession, open_dashboard
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio


async def open_overview(dashboard: DashboardSession) -> Page:
    """Signs in as an operator and selects the organization."""
    await dashboard.sign_in()
    await dashboard.choose_organization()
    await dashboard.open("/")
    return dashboard.page


def figure(page: Page, label: str) -> Locator:
    """The figure of the overview or of a webhook that has this label."""
    return page.locator(".figure", has=page.get_by_text(label, exact=True))


async def paused_names(rig: Rig) -> set[str]:
    rows = await rig.platform.rows("select name from rowhook.webhook where state = 'paused'")
    return {row["name"] for row in rows}


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_the_overview_is_updated_live_and_its_figures_are_links(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        page = await open_overview(dashboard)
        await expect(page.get_by_role("heading", name="Get started")).to_be_visible()
        await dashboard.webhook("CRM", "/crm")
        await dashboard.webhook("Billing", "/billing", body_template="{{data.nothing}}")
        await dashboard.open("/")
        await dashboard.commit()
        await expect(figure(page, "Delivered").locator("strong")).to_have_text("1")
        await expect(figure(page, "Held").locator("strong")).to_have_text("1")
        await expect(page.locator(".chart canvas")).to_be_visible()

        await page.get_by_role("link", name="24 h", exact=True).click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("24 hours")
        worst = page.locator("[data-row]", has_text="Billing")
        await expect(worst.get_by_role("link", name="1")).to_have_attribute(
            "href", f"/deliveries?webhook_id={dashboard.webhooks['Billing']}&status=held"
        )
        row = page.locator("#workers [data-row]")
        await expect(row).to_contain_text("alive")
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_webhooks_are_searched_and_paused_in_bulk(rig: Rig, chromium: Browser) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        page = await open_overview(dashboard)
        await page.keyboard.press("g")
        await page.keyboard.press("w")
        await expect(page.locator("[data-row]")).to_have_count(5)
        failing = page.locator("[data-row]", has_text="Archive")
        await expect(failing).to_contain_text("The receiver responded with status 500")
        await expect(failing.get_by_role("img")).to_have_attribute(
            "aria-label", re.compile("0 of 4 attempts accepted")
        )

        await page.keyboard.press("/")
        await page.keyboard.type("AR")
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-row]")).to_have_count(2)
        await page.get_by_label("Select all on this page").check()
        await expect(page.locator("[data-selected]")).to_have_text("2")
        await page.get_by_role("button", name="Pause").click()
        await expect(page.get_by_role("status")).to_contain_text("Paused 2.")
        assert await paused_names(rig) == {"Archive", "Warehouse"}
        await page.get_by_label("Select Archive").check()
        await page.get_by_role("button", name="Resume").click()
        await expect(page.get_by_role("status")).to_contain_text("Resumed 1.")
        await page.get_by_label("State").select_option("paused")
        await page.get_by_role("button", name="Search").click()
        await expect(page.locator("[data-row]")).to_have_count(1)
        await page.get_by_role("link", name="Reset", exact=True).click()
        await expect(page.locator("[data-row]")).to_have_count(5)
        for label, count in (("Dead", 4), ("Backlog", 4), ("Delivered", 4), ("Success", 20)):
            await dashboard.open("/")
            # Opened instead of clicked, because a live update may replace the element meanwhile.
            link = await figure(page, label).get_attribute("href")
            await dashboard.open(str(link))
            rows = page.get_by_label("Deliveries, newest first").locator("tbody [data-row]")
            await expect(rows).to_have_count(count)
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_a_webhook_is_paused_rotated_unlinked_and_deleted(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        crm = await dashboard.webhook("C" * 200, "/crm" + "/long" * 50, description="D" * 200)
        page = await open_overview(dashboard)
        await page.set_viewport_size({"width": 390, "height": 844})
        await dashboard.open(f"/webhooks/{crm.id}")
        root = "document.documentElement"
        assert await page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
        await page.get_by_role("button", name="Pause").click()
        await expect(page.get_by_role("status")).to_contain_text("Paused.")
        await dashboard.commit()
        await expect(figure(page, "Backlog").locator("strong")).to_have_text("1")
        await page.get_by_role("button", name="Resume").click()
        row = page.locator(".live [data-row]", has_text="goal.committed")
        await expect(row).to_contain_text("delivered")

        await page.get_by_label("Keep the old secret valid for").select_option(
            "no time: revoke it at once"
        )
        await page.get_by_role("button", name="Rotate secret").click()
        secret = await text_of(page.get_by_label("the new signing secret"))
        assert secret.startswith("whsec_")
        await dashboard.open(f"/webhooks/{crm.id}")
        assert secret not in await page.content()

        await page.get_by_text("Delete…").click()
        await page.get_by_role("button", name="Delete", exact=True).click()
        refusal = page.get_by_role("alert")
        await expect(refusal).to_contain_text("2 agents or goals are linked to this webhook.")
        await expect(refusal.get_by_role("listitem").first).to_contain_text(rig.platform.goal)
        await refusal.get_by_role("button", name="Unlink all, then delete").click()
        await expect(page.get_by_role("status")).to_contain_text("Webhook deleted")
        assert await rig.platform.value("select count(*) from rowhook.webhook") == 0
        assert [complaint for complaint in dashboard.console_errors if "409" not in complaint] == []
        assert dashboard.external_requests == []


@pytest.fixture
async def webhook(api: Api, platform: Platform) -> UUID:
    return UUID((await api.webhook(platform.organization, name="CRM"))["id"])


CLASSES = ["2xx", "4xx", "5xx", "timeout", "refused"]


async def test_the_chart_has_a_fallback_table(
    visitor: httpx.AsyncClient, platform: Platform, pool: Pool
) -> None:
    await sign_in(visitor)
    await platform.webhook_of_goal()
    await platform.commit()
    (claim,) = await platform.claim(pool)
    await platform.record(pool, claim, "http_status", status_code=503)
    for window, points in (("15m", 15), ("1h", 60), ("24h", 96)):
        page = unescape((await visitor.get(f"/?window={window}")).text)
        match = re.search(r'data-chart="(.*?)" role="group" aria-label="1 attempt: 1 5xx"', page)
        assert match is not None
        chart = json.loads(match[1])
        assert [line["label"] for line in chart["series"]] == CLASSES
        (length,) = {len(line["values"]) for line in chart["series"]} | {len(chart["x"])}
        assert length in {points, points + 1}
        assert sum(chart["series"][2]["values"]) == 1
        assert '<th class="number">5xx</th>' in page


async def test_an_unknown_webhook_is_a_404_page(visitor: httpx.AsyncClient) -> None:
    await sign_in(visitor)
    answer = await visitor.get("/webhooks/3f2b8c1e-0a4d-4c0e-9b1a-5d6e7f809a1b")
    assert (answer.status_code, "does not exist" in answer.text) == (404, True)


async def test_a_read_only_key_is_offered_no_actions(
    visitor: httpx.AsyncClient, api: Api, platform: Platform, webhook: UUID
) -> None:
    csrf = await sign_in(visitor, await api.key_of(platform.organization, "read"))
    for path in ("/webhooks", f"/webhooks/{webhook}", "/links", "/links?kind=goal", "/goals"):
        answer = await visitor.get(path)
        assert answer.status_code == 200, path
        forms = re.findall(r'method="post" action="([^"]+)"', answer.text)
        assert forms == ["/sign-out"], path
    for form in ("pause", "resume", "delete", "rotate-secret"):
        response = await visitor.post(f"/webhooks/{webhook}/{form}", data={"csrf": csrf})
        assert response.status_code == 403, form


async def test_an_unknown_state_or_overlap_is_refused(
    visitor: httpx.AsyncClient, webhook: UUID
) -> None:
    csrf = await sign_in(visitor)
    for path, fields in (
        ("/webhooks/state", {"to": "disabled", "id": str(webhook)}),
        ("/webhooks/state", {"to": "burnt", "id": str(webhook)}),
        ("/webhooks/state", {"to": "paused", "id": "x"}),
        (f"/webhooks/{webhook}/rotate-secret", {"overlap_s": "5"}),
    ):
        answer = await visitor.post(path, data=fields | {"csrf": csrf})
        assert answer.status_code == 422, (path, fields)
    for path in ("/webhooks?state=x", "/webhooks?cursor=x", "/?window=2h", "/links?kind=x"):
        assert (await visitor.get(path)).status_code == 422, path


async def test_an_invalid_flash_code_displays_no_message(visitor: httpx.AsyncClient) -> None:
    await sign_in(visitor)
    for code in ("paused-3x", "gone", "paused-<b>", "deleted-9999999999999"):
        assert 'role="status"' not in (await visitor.get("/webhooks", params={"done": code})).text
    assert "Paused 3." in (await visitor.get("/webhooks?done=paused-3")).text


async def test_a_bulk_pause_skips_deleted_webhooks(
    visitor: httpx.AsyncClient, rig: Rig, webhook: UUID
) -> None:
    csrf = await sign_in(visitor)
    missing = "3f2b8c1e-0a4d-4c0e-9b1a-5d6e7f809a1b"
    answer = await visitor.post(
        "/webhooks/state",
        data={
            "csrf": csrf,
            "to": "paused",
            "id": [missing, str(webhook)],
            "next": "/webhooks?state=active&done=x",
        },
    )
    assert answer.headers["location"] == "/webhooks?state=active&done=paused-1"
    assert (await webhooks.webhook_of(rig.ctx, webhook)).state == "paused"


async def test_the_page_of_a_webhook_works_without_javascript(
    visitor: httpx.AsyncClient, api: Api, platform: Platform, webhook: UUID
) -> None:
    csrf, webhook_path = await sign_in(visitor), f"/webhooks/{webhook}"

    async def post(path: str, **fields: str) -> httpx.Response:
        return await visitor.post(path, data=fields | {"csrf": csrf})

    assert (await post(f"{webhook_path}/pause")).headers[
        "location"
    ] == f"{webhook_path}?done=paused"
    assert "Paused. Deliveries wait" in (await visitor.get(f"{webhook_path}?done=paused")).text
    assert (await post(f"{webhook_path}/resume")).headers[
        "location"
    ] == f"{webhook_path}?done=active"
    rotated = await post(f"{webhook_path}/rotate-secret", overlap_s="3600")
    assert re.search(r"whsec_[A-Za-z0-9+/=]{40,}", rotated.text)
    links = {
        "kind": "agent",
        "id": str(platform.agent),
        "webhook_id": str(webhook),
        "next": webhook_path,
    }
    assert (await post("/links", **links)).headers[
        "location"
    ] == f"{webhook_path}?done=linked-1-of-1"
    refusal = await post(f"{webhook_path}/delete")
    assert (refusal.status_code, "Unlink all, then delete" in refusal.text) == (409, True)
    assert f"/v1{webhook_path}/agents/{platform.agent}" in refusal.text
    assert (await api.call("GET", webhook_path)).status_code == 200
    deleted = await post(f"{webhook_path}/delete", unlink="all")
    assert deleted.headers["location"] == "/webhooks?done=deleted"
    assert (await api.call("GET", webhook_path)).status_code == 404


async def test_new_deliveries_are_streamed_before_the_daily_count(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    await sign_in(visitor)
    webhook, names = await rig.webhook(), []
    async with visitor.stream("GET", f"/live/webhooks/{webhook.id}") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                names.append(line.removeprefix("event: "))
                if len(names) == 3:
                    await rig.platform.commit()
            if len(names) == 4:
                break
    assert names == ["recent", "health", "pill", "recent"]
