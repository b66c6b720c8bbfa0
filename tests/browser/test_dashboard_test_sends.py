"""Test sends in the dashboard, and the verification code for receivers."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.browser import needs_chromium
from tests.support.dashboard_session import open_dashboard
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_a_test_send_displays_the_exact_request_and_response(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        await dashboard.sign_in()
        await dashboard.open(f"/webhooks/{dashboard.webhooks['CRM']}/test")
        page = dashboard.page
        await page.get_by_label("Sample event").select_option(label="A generated job of Ann")
        await page.get_by_text("Custom data").click()
        await page.get_by_role("textbox", name="Data", exact=True).click()
        await page.keyboard.insert_text('{"name": "Zoe", "email": "zoe@example.com"}')
        before = len(rig.receiver.requests)
        await page.get_by_role("button", name="Send test").click()
        result = page.get_by_role("status")
        await expect(result).to_contain_text("The receiver answered 200.")
        await expect(result.locator(".timings")).to_contain_text("first byte")
        (request_sent,) = rig.receiver.requests[before:]
        assert b'"name": "Zoe"' in request_sent.body
        await expect(page.locator(".api-call code")).to_contain_text('"email": "zoe@example.com"')
        request = page.locator(".request")
        await expect(request).to_contain_text('"token": "[secret:crm-token]"')
        await expect(request.locator("tr", has_text="Idempotency-Key")).to_contain_text("test_")
        await expect(page.get_by_label("verify a request in Python")).to_contain_text(
            "x-roxels-signature"
        )
        assert "s3cret-value" not in await page.content()
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_a_test_that_cannot_be_sent_reports_the_reason(rig: Rig, chromium: Browser) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        await dashboard.sign_in()
        await dashboard.open(f"/webhooks/{dashboard.webhooks['Billing']}/test")
        page = dashboard.page
        await page.get_by_role("button", name="Send test").click()
        await expect(page.get_by_role("status")).to_contain_text("schema_failed")
        await expect(page.get_by_role("status")).to_contain_text("/recipient")
        # Far below zero, because the allowance is refilled while a slow test clicks.
        await rig.platform.run("update rowhook.test_allowance set tokens = -1000")
        await page.get_by_role("button", name="Send test").click()
        await expect(page.get_by_text("Too many test requests")).to_be_visible()


async def test_a_sample_event_is_labelled_with_its_full_time_in_utc(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook = await rig.webhook()
    commit = await rig.platform.commit()
    await rig.platform.run("update rowhook.event set occurred_at = '2026-05-23 14:34:56.789+02'")
    await sign_in(visitor)
    option = f"2026-05-23 12:34:56 UTC goal.committed · Goal · {commit}"
    assert option in (await visitor.get(f"/webhooks/{webhook.id}/test")).text
