"""Webhooks in the dashboard: the overview, the list, and the page of one, as a person uses them."""

from __future__ import annotations

import json
import re
from html import unescape
from uuid import UUID

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from rowhook.services import webhooks
from tests.browser.test_dashboard_sign_in import enter, visitor
from tests.support.browser import needs_chromium, text_of
from tests.support.calls import Api
from tests.support.sample_platform import Platform
from tests.support.stage import Stage, stage
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio


async def chosen(made: Stage) -> Page:
    """Signed in as an operator who looks at one organization."""
    await made.sign_in()
    await made.choose()
    await made.go("/")
    return made.page


def figure(page: Page, label: str) -> Locator:
    """The figure of the overview or of a webhook that has this label."""
    return page.locator(".figure", has=page.get_by_text(label, exact=True))


async def paused(rig: Rig) -> set[str]:
    rows = await rig.platform.rows("select name from rowhook.webhook where state = 'paused'")
    return {row["name"] for row in rows}


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_the_overview_follows_what_is_delivered_and_each_number_leads_on(
    rig: Rig, chromium: Browser
) -> None:
    async with stage(rig, chromium, settled=False) as made:
        page = await chosen(made)
        await expect(page.get_by_role("heading", name="Get started")).to_be_visible()
        await made.webhook("CRM", "/crm")
        await made.webhook("Billing", "/billing", body_template="{{data.nothing}}")
        await made.go("/")
        await made.commit()
        await expect(figure(page, "Delivered").locator("strong")).to_have_text("1")
        await expect(figure(page, "Held").locator("strong")).to_have_text("1")
        await expect(page.locator(".chart canvas")).to_be_visible()

        await page.get_by_role("link", name="24 h", exact=True).click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("24 hours")
        worst = page.locator("[data-row]", has_text="Billing")
        await expect(worst.get_by_role("link", name="1")).to_have_attribute(
            "href", f"/deliveries?webhook_id={made.webhooks['Billing']}&status=held"
        )
        row = page.locator("#workers [data-row]")
        await expect(row).to_contain_text("alive")
        assert (made.complaints, made.elsewhere) == ([], [])


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_webhooks_are_found_and_paused_several_at_once(rig: Rig, chromium: Browser) -> None:
    async with stage(rig, chromium) as made:
        page = await chosen(made)
        await page.keyboard.press("g")
        await page.keyboard.press("w")
        await expect(page.locator("[data-row]")).to_have_count(5)
        failing = page.locator("[data-row]", has_text="Archive")
        await expect(failing).to_contain_text("The receiver responded with status 500")
        await expect(failing.get_by_role("img")).to_have_attribute(
            "aria-label", re.compile("4 dead")
        )

        await page.keyboard.press("/")
        await page.keyboard.type("AR")
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-row]")).to_have_count(2)
        await page.get_by_label("Select all on this page").check()
        await expect(page.locator("[data-selected]")).to_have_text("2")
        await page.get_by_role("button", name="Pause").click()
        await expect(page.get_by_role("status")).to_contain_text("Paused 2.")
        assert await paused(rig) == {"Archive", "Warehouse"}
        await page.get_by_label("Select Archive").check()
        await page.get_by_role("button", name="Resume").click()
        await expect(page.get_by_role("status")).to_contain_text("Resumed 1.")
        await page.get_by_label("State").select_option("paused")
        await page.get_by_role("button", name="Search").click()
        await expect(page.locator("[data-row]")).to_have_count(1)
        await page.get_by_role("link", name="All", exact=True).click()
        await expect(page.locator("[data-row]")).to_have_count(5)
        for label, counted in (("Dead", 4), ("Backlog", 4), ("Delivered", 4), ("Success", 8)):
            await made.go("/")
            # It is followed, not pressed: what is live may be made anew under the press.
            led = await figure(page, label).get_attribute("href")
            await made.go(str(led))
            rows = page.get_by_label("Deliveries, newest first").locator("tbody [data-row]")
            await expect(rows).to_have_count(counted)
        assert (made.complaints, made.elsewhere) == ([], [])


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_a_webhook_is_paused_rotated_and_deleted_once_all_is_unlinked(
    rig: Rig, chromium: Browser
) -> None:
    async with stage(rig, chromium, settled=False) as made:
        crm = await made.webhook("C" * 200, "/crm" + "/long" * 50, description="D" * 200)
        page = await chosen(made)
        await page.set_viewport_size({"width": 390, "height": 844})
        await made.go(f"/webhooks/{crm.id}")
        root = "document.documentElement"
        assert await page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
        await page.get_by_role("button", name="Pause").click()
        await expect(page.get_by_role("status")).to_contain_text("Paused.")
        await made.commit()
        await expect(figure(page, "Backlog").locator("strong")).to_have_text("1")
        await page.get_by_role("button", name="Resume").click()
        row = page.locator(".live [data-row]", has_text="goal.committed")
        await expect(row).to_contain_text("delivered")

        await page.get_by_label("Also sign with the old secret for").select_option(
            "none: revoke it at once"
        )
        await page.get_by_role("button", name="Rotate secret").click()
        secret = await text_of(page.get_by_label("the new signing secret"))
        assert secret.startswith("whsec_")
        await made.go(f"/webhooks/{crm.id}")
        assert secret not in await page.content()

        await page.get_by_text("Delete…").click()
        await page.get_by_role("button", name="Delete", exact=True).click()
        refused = page.get_by_role("alert")
        await expect(refused).to_contain_text("2 agents or goals are linked to this webhook.")
        await expect(refused.get_by_role("listitem").first).to_contain_text(rig.platform.goal)
        await refused.get_by_role("button", name="Unlink all, then delete").click()
        await expect(page.get_by_role("status")).to_contain_text("Webhook deleted")
        assert await rig.platform.value("select count(*) from rowhook.webhook") == 0
        assert [one for one in made.complaints if "409" not in one] == []
        assert made.elsewhere == []


@pytest.fixture
async def webhook(api: Api, platform: Platform) -> UUID:
    return UUID((await api.webhook(platform.organization, name="CRM"))["id"])


async def test_the_chart_is_a_table_where_no_script_draws_it(
    visitor: httpx.AsyncClient, platform: Platform
) -> None:
    await enter(visitor)
    await platform.webhook_of_goal()
    await platform.commit()
    for window, points, step_s in (("15m", 30, 30), ("1h", 60, 60), ("24h", 96, 900)):
        shown = unescape((await visitor.get(f"/?window={window}")).text)
        found = re.search(r'data-chart="(.*?)" role="group" aria-label="1 delivery ', shown)
        assert found is not None
        chart = json.loads(found[1])
        assert {len(one["values"]) for one in chart["series"]} == {len(chart["x"])} == {points}
        assert chart["series"][2]["values"][-1] == round(1 / step_s, 4)
        assert f'<td class="number">{1 / step_s:.2f}</td><td class="number">1</td>' in shown


async def test_a_webhook_of_nobody_is_told(visitor: httpx.AsyncClient) -> None:
    await enter(visitor)
    answer = await visitor.get("/webhooks/3f2b8c1e-0a4d-4c0e-9b1a-5d6e7f809a1b")
    assert (answer.status_code, "does not exist" in answer.text) == (404, True)


async def test_a_key_that_may_only_read_is_offered_no_action(
    visitor: httpx.AsyncClient, api: Api, platform: Platform, webhook: UUID
) -> None:
    word = await enter(visitor, await api.key_of(platform.organization, "read"))
    for path in ("/webhooks", f"/webhooks/{webhook}", "/links", "/links?kind=goal", "/goals"):
        answer = await visitor.get(path)
        assert answer.status_code == 200, path
        forms = re.findall(r'method="post" action="([^"]+)"', answer.text)
        assert forms == ["/sign-out"], path
    for form in ("pause", "resume", "delete", "rotate-secret"):
        refused = await visitor.post(f"/webhooks/{webhook}/{form}", data={"csrf": word})
        assert refused.status_code == 403, form


async def test_a_state_or_an_overlap_of_somebody_s_own_is_refused(
    visitor: httpx.AsyncClient, webhook: UUID
) -> None:
    word = await enter(visitor)
    for path, fields in (
        ("/webhooks/state", {"to": "disabled", "id": str(webhook)}),
        ("/webhooks/state", {"to": "burnt", "id": str(webhook)}),
        ("/webhooks/state", {"to": "paused", "id": "x"}),
        (f"/webhooks/{webhook}/rotate-secret", {"overlap_s": "5"}),
    ):
        answer = await visitor.post(path, data=fields | {"csrf": word})
        assert answer.status_code == 422, (path, fields)
    for path in ("/webhooks?state=x", "/webhooks?cursor=x", "/?window=2h", "/links?kind=x"):
        assert (await visitor.get(path)).status_code == 422, path


async def test_a_word_in_the_address_says_nothing_of_its_own(visitor: httpx.AsyncClient) -> None:
    await enter(visitor)
    for done in ("paused-3x", "gone", "paused-<b>", "deleted-9999999999999"):
        assert 'role="status"' not in (await visitor.get("/webhooks", params={"done": done})).text
    assert "Paused 3." in (await visitor.get("/webhooks?done=paused-3")).text


async def test_pausing_what_was_deleted_meanwhile_pauses_the_others(
    visitor: httpx.AsyncClient, rig: Rig, webhook: UUID
) -> None:
    word = await enter(visitor)
    gone = "3f2b8c1e-0a4d-4c0e-9b1a-5d6e7f809a1b"
    answer = await visitor.post(
        "/webhooks/state",
        data={
            "csrf": word,
            "to": "paused",
            "id": [gone, str(webhook)],
            "next": "/webhooks?state=active&done=x",
        },
    )
    assert answer.headers["location"] == "/webhooks?state=active&done=paused-1"
    assert (await webhooks.webhook_of(rig.ctx, webhook)).state == "paused"


async def test_all_of_a_webhook_s_page_works_without_javascript(
    visitor: httpx.AsyncClient, api: Api, platform: Platform, webhook: UUID
) -> None:
    word, own = await enter(visitor), f"/webhooks/{webhook}"

    async def sent(path: str, **fields: str) -> httpx.Response:
        return await visitor.post(path, data=fields | {"csrf": word})

    assert (await sent(f"{own}/pause")).headers["location"] == f"{own}?done=paused"
    assert "Paused. Deliveries wait" in (await visitor.get(f"{own}?done=paused")).text
    assert (await sent(f"{own}/resume")).headers["location"] == f"{own}?done=active"
    made = await sent(f"{own}/rotate-secret", overlap_s="3600")
    assert re.search(r"whsec_[A-Za-z0-9+/=]{40,}", made.text)
    links = {"kind": "agent", "id": str(platform.agent), "webhook_id": str(webhook), "next": own}
    assert (await sent("/links", **links)).headers["location"] == f"{own}?done=linked-1-of-1"
    refused = await sent(f"{own}/delete")
    assert (refused.status_code, "Unlink all, then delete" in refused.text) == (409, True)
    assert f"/v1{own}/agents/{platform.agent}" in refused.text
    assert (await api.call("GET", own)).status_code == 200
    gone = await sent(f"{own}/delete", unlink="all")
    assert gone.headers["location"] == "/webhooks?done=deleted"
    assert (await api.call("GET", own)).status_code == 404


async def test_new_deliveries_come_sooner_than_the_count_of_a_day(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    await enter(visitor)
    webhook, names = await rig.webhook(), []
    async with visitor.stream("GET", f"/live/webhooks/{webhook.id}") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                names.append(line.removeprefix("event: "))
                if len(names) == 2:
                    await rig.platform.commit()
            if len(names) == 3:
                break
    assert names == ["recent", "health", "recent"]
