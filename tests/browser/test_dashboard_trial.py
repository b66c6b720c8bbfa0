"""A test send in the dashboard, and the code that it hands to a receiver."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.browser.test_dashboard_sign_in import enter, visitor
from tests.support.browser import needs_chromium
from tests.support.stage import stage
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_a_test_send_shows_the_exact_request_and_answer(rig: Rig, chromium: Browser) -> None:
    async with stage(rig, chromium) as made:
        await made.sign_in()
        await made.go(f"/webhooks/{made.webhooks['CRM']}/test")
        page = made.page
        await page.get_by_label("Sample event").select_option(label="A generated job of Ann")
        await page.get_by_text("Custom data").click()
        await page.get_by_role("textbox", name="Data", exact=True).click()
        await page.keyboard.insert_text('{"name": "Zoe", "email": "zoe@example.com"}')
        before = len(rig.receiver.requests)
        await page.get_by_role("button", name="Send test").click()
        became = page.get_by_role("status")
        await expect(became).to_contain_text("The receiver answered 200.")
        await expect(became.locator(".timings")).to_contain_text("first byte")
        (sent,) = rig.receiver.requests[before:]
        assert b'"name": "Zoe"' in sent.body
        await expect(page.locator(".api-call code")).to_contain_text('"email": "zoe@example.com"')
        request = page.locator(".request")
        await expect(request).to_contain_text('"token": "[secret:crm-token]"')
        await expect(request.locator("tr", has_text="Idempotency-Key")).to_contain_text("test_")
        await expect(page.get_by_label("verify a request in Python")).to_contain_text(
            "x-roxels-signature"
        )
        assert "s3cret-value" not in await page.content()
        assert (made.complaints, made.elsewhere) == ([], [])


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_what_cannot_be_sent_says_why(rig: Rig, chromium: Browser) -> None:
    async with stage(rig, chromium) as made:
        await made.sign_in()
        await made.go(f"/webhooks/{made.webhooks['Billing']}/test")
        page = made.page
        await page.get_by_role("button", name="Send test").click()
        await expect(page.get_by_role("status")).to_contain_text("schema_failed")
        await expect(page.get_by_role("status")).to_contain_text("/recipient")
        # As if far too many had been sent: the allowance is refilled while a slow test clicks.
        await rig.platform.run("update rowhook.test_allowance set tokens = -1000")
        await page.get_by_role("button", name="Send test").click()
        await expect(page.get_by_text("Too many test requests")).to_be_visible()


async def test_an_event_to_try_is_named_by_its_whole_time_in_utc(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook = await rig.webhook()
    commit = await rig.platform.commit()
    await rig.platform.run("update rowhook.event set occurred_at = '2026-05-23 14:34:56.789+02'")
    await enter(visitor)
    said = f"2026-05-23 12:34:56 UTC goal.committed · Goal · {commit}"
    assert said in (await visitor.get(f"/webhooks/{webhook.id}/test")).text
