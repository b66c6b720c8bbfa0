"""Held deliveries in the dashboard: their faults, the fix of the template, the release."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.browser.test_dashboard_deliveries import open_page
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.browser import needs_chromium
from tests.support.calls import Api
from tests.support.dashboard_session import open_dashboard
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio
FIXED = '{"number": {{data.number}}, "recipient": "{{data.email}}"}'


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_a_template_is_fixed_previewed_and_its_held_deliveries_released(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        page = await open_page(dashboard, "/held")
        await page.get_by_role("link", name="Fix and release").click()
        await expect(page.get_by_text("0 of 4 would be sent")).to_be_visible()
        await expect(page.locator(".numbered .detail").first).to_contain_text("/recipient")
        await page.get_by_label("Select delivery").last.check()
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.get_by_role("status")).to_contain_text("1 of 1 cancelled")
        await rig.reaches("cancelled")

        await dashboard.open(f"/held/{dashboard.webhooks['Billing']}")
        await page.locator(".cm-content").first.fill(FIXED)
        await page.get_by_role("button", name="Preview held deliveries").click()
        await expect(page.get_by_text("3 of 3 would be sent")).to_be_visible()
        assert await rig.reaches("held", count=3)
        await page.get_by_role("button", name="Save and release").click()
        await expect(page.get_by_role("heading", name="All 3 have finished")).to_be_visible()
        await rig.reaches("delivered", count=7)
        await dashboard.open("/held")
        await expect(page.get_by_text("No deliveries are held.")).to_be_visible()
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


async def test_held_deliveries_are_released_without_javascript(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook = await rig.webhook(body_template='{"a": "{{data.nmae}}"}')
    async with rig.worker():
        await rig.platform.commit('{"name": "Ada"}')
        await rig.reaches("held")
    csrf, path = await sign_in(visitor), f"/held/{webhook.id}"
    assert "data.nmae" in (await visitor.get(path)).text
    form = {"csrf": csrf, "revision": "1", "url": webhook.url or "", "schema": "", "condition": ""}
    rejected = await visitor.post(f"{path}/preview", data=form | {"body_template": "{{"})
    assert (rejected.status_code, "Nothing was saved" in rejected.text) == (422, True)
    fixed = form | {"body_template": '{"a": "{{data.name}}"}'}
    assert "1 of 1 would be sent" in (await visitor.post(f"{path}/preview", data=fixed)).text
    conflict = await visitor.post(f"{path}/save", data=fixed | {"revision": "7"})
    assert (conflict.status_code, "while you were editing" in conflict.text) == (412, True)
    saved = await visitor.post(f"{path}/save", data=fixed)
    assert "released?of=1&before=0&mark=" in saved.headers["location"]
    async with rig.worker():
        await rig.reaches("delivered")
    assert "The delivery has finished" in (await visitor.get(saved.headers["location"])).text


async def test_edits_survive_a_concurrent_release(visitor: httpx.AsyncClient, rig: Rig) -> None:
    webhook = await rig.webhook(body_template='{"a": "{{data.name}}"}')
    form = {
        "csrf": await sign_in(visitor),
        "revision": "1",
        "url": webhook.url or "",
        "body_template": '{"mine": "{{data.name}}"}',
    }
    assert "mine" not in (await visitor.get(f"/held/{webhook.id}")).text
    for action, fields, status in (
        ("preview", form, 200),
        ("save", form | {"revision": "7"}, 412),
        ("save", form | {"condition": "1 +"}, 422),
    ):
        page = await visitor.post(f"/held/{webhook.id}/{action}", data=fields)
        assert page.status_code == status
        assert "are held any more" in page.text
        assert "{&#34;mine&#34;: &#34;{{data.name}}&#34;}</textarea>" in page.text


async def test_the_api_calls_contain_the_edited_template(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook = await rig.webhook(body_template='{"a": "{{data.nmae}}"}')
    async with rig.worker():
        await rig.platform.commit()
        await rig.reaches("held")
    form = {"csrf": await sign_in(visitor), "revision": "1", "url": webhook.url or ""}
    initial_page = (await visitor.get(f"/held/{webhook.id}")).text
    assert (f"/webhooks/{webhook.id}/preview-held" in initial_page, "-X PATCH" in initial_page) == (
        True,
        False,
    )
    typed = form | {"body_template": "[{{data.a}}]"}
    page = (await visitor.post(f"/held/{webhook.id}/preview", data=typed)).text
    assert page.count("&#34;body_template&#34;: &#34;[{{data.a}}]&#34;") == 2
    assert "-X PATCH" in page


async def test_a_missing_secret_is_reported_with_a_link(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook = await rig.webhook(body_template='{"a": "{{data.nmae}}"}')
    async with rig.worker():
        await rig.platform.commit()
        await rig.reaches("held")
    draft = {"csrf": await sign_in(visitor), "url": webhook.url or "", "revision": "1"}
    response = await visitor.post(
        f"/held/{webhook.id}/save", data=draft | {"body_template": '{"a": "{{secret:gone}}"}'}
    )
    assert (response.status_code, "Secret gone does not exist" in response.text) == (422, True)
    assert '<a href="/secrets">Save or change the secret</a>' in response.text


async def test_a_read_only_key_sees_held_deliveries_and_cannot_release_them(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    webhook = await rig.webhook(body_template='{"a": "{{data.nmae}}"}')
    async with rig.worker():
        await rig.platform.commit()
        await rig.reaches("held")
    csrf = await sign_in(visitor, await api.key_of(rig.platform.organization, "read"))
    listed = (await visitor.get("/held")).text
    assert (webhook.name in listed, "Fix and release" in listed) == (True, False)
    assert (await visitor.get(f"/held/{webhook.id}")).status_code == 403
    for action in ("preview", "save"):
        response = await visitor.post(f"/held/{webhook.id}/{action}", data={"csrf": csrf})
        assert response.status_code == 403
