"""Held deliveries in the dashboard: faults seen, the template mended, all released."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.browser.test_dashboard_deliveries import opened
from tests.browser.test_dashboard_sign_in import enter, visitor
from tests.support.browser import needs_chromium
from tests.support.calls import Api
from tests.support.stage import stage
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio
FIXED = '{"number": {{data.number}}, "recipient": "{{data.email}}"}'


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_a_template_is_mended_seen_and_what_it_held_is_released(
    rig: Rig, chromium: Browser
) -> None:
    async with stage(rig, chromium) as made:
        page = await opened(made, "/held")
        await page.get_by_role("link", name="Fix and release").click()
        await expect(page.get_by_text("0 of 4 would be sent")).to_be_visible()
        await expect(page.locator(".numbered .detail").first).to_contain_text("/recipient")
        await page.get_by_label("Select delivery").last.check()
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.get_by_role("status")).to_contain_text("1 of 1 cancelled")
        await rig.reaches("cancelled")

        await made.go(f"/held/{made.webhooks['Billing']}")
        await page.locator(".cm-content").first.fill(FIXED)
        await page.get_by_role("button", name="Preview all held").click()
        await expect(page.get_by_text("3 of 3 would be sent")).to_be_visible()
        assert await rig.reaches("held", count=3)
        await page.get_by_role("button", name="Save and release").click()
        await expect(page.get_by_role("heading", name="All 3 have finished")).to_be_visible()
        await rig.reaches("delivered", count=7)
        await made.go("/held")
        await expect(page.get_by_text("No deliveries are held.")).to_be_visible()
        assert (made.complaints, made.elsewhere) == ([], [])


async def test_what_is_held_is_mended_without_a_script(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook = await rig.webhook(body_template='{"a": "{{data.nmae}}"}')
    async with rig.worker():
        await rig.platform.commit('{"name": "Ada"}')
        await rig.reaches("held")
    word, path = await enter(visitor), f"/held/{webhook.id}"
    assert "data.nmae" in (await visitor.get(path)).text
    good = {"csrf": word, "revision": "1", "url": webhook.url or "", "schema": "", "condition": ""}
    bad = await visitor.post(f"{path}/preview", data=good | {"body_template": "{{"})
    assert (bad.status_code, "Nothing was saved" in bad.text) == (422, True)
    fixed = good | {"body_template": '{"a": "{{data.name}}"}'}
    assert "1 of 1 would be sent" in (await visitor.post(f"{path}/preview", data=fixed)).text
    moved = await visitor.post(f"{path}/save", data=fixed | {"revision": "7"})
    assert (moved.status_code, "while you were editing" in moved.text) == (412, True)
    saved = await visitor.post(f"{path}/save", data=fixed)
    assert "released?of=1&before=0&mark=" in saved.headers["location"]
    async with rig.worker():
        await rig.reaches("delivered")
    assert "The delivery has finished" in (await visitor.get(saved.headers["location"])).text


async def test_what_was_typed_stays_though_somebody_released_it_meanwhile(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook = await rig.webhook(body_template='{"a": "{{data.name}}"}')
    form = {
        "csrf": await enter(visitor),
        "revision": "1",
        "url": webhook.url or "",
        "body_template": '{"mine": "{{data.name}}"}',
    }
    assert "mine" not in (await visitor.get(f"/held/{webhook.id}")).text
    for act, given, status in (
        ("preview", form, 200),
        ("save", form | {"revision": "7"}, 412),
        ("save", form | {"condition": "1 +"}, 422),
    ):
        page = await visitor.post(f"/held/{webhook.id}/{act}", data=given)
        assert page.status_code == status
        assert "are held any more" in page.text
        assert "{&#34;mine&#34;: &#34;{{data.name}}&#34;}</textarea>" in page.text


async def test_the_calls_that_mend_are_those_of_what_was_typed(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook = await rig.webhook(body_template='{"a": "{{data.nmae}}"}')
    async with rig.worker():
        await rig.platform.commit()
        await rig.reaches("held")
    form = {"csrf": await enter(visitor), "revision": "1", "url": webhook.url or ""}
    begun = (await visitor.get(f"/held/{webhook.id}")).text
    assert (f"/webhooks/{webhook.id}/preview-held" in begun, "-X PATCH" in begun) == (True, False)
    typed = form | {"body_template": "[{{data.a}}]"}
    shown = (await visitor.post(f"/held/{webhook.id}/preview", data=typed)).text
    assert shown.count("&#34;body_template&#34;: &#34;[{{data.a}}]&#34;") == 2
    assert "-X PATCH" in shown


async def test_a_secret_that_is_missing_is_said_and_linked(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook = await rig.webhook(body_template='{"a": "{{data.nmae}}"}')
    async with rig.worker():
        await rig.platform.commit()
        await rig.reaches("held")
    draft = {"csrf": await enter(visitor), "url": webhook.url or "", "revision": "1"}
    told = await visitor.post(
        f"/held/{webhook.id}/save", data=draft | {"body_template": '{"a": "{{secret:gone}}"}'}
    )
    assert (told.status_code, "Secret gone does not exist" in told.text) == (422, True)
    assert '<a href="/secrets">Save or change the secret</a>' in told.text


async def test_who_may_only_read_sees_what_is_held_and_mends_nothing(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    webhook = await rig.webhook(body_template='{"a": "{{data.nmae}}"}')
    async with rig.worker():
        await rig.platform.commit()
        await rig.reaches("held")
    word = await enter(visitor, await api.key_of(rig.platform.organization, "read"))
    listed = (await visitor.get("/held")).text
    assert (webhook.name in listed, "Fix and release" in listed) == (True, False)
    assert (await visitor.get(f"/held/{webhook.id}")).status_code == 403
    for act in ("preview", "save"):
        refused = await visitor.post(f"/held/{webhook.id}/{act}", data={"csrf": word})
        assert refused.status_code == 403
