"""The page of alerts in a browser, with and without JavaScript."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.support.axe import serious_violations
from tests.support.browser import needs_chromium
from tests.support.dashboard_session import open_dashboard
from tests.support.screens import each_appearance
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]


@pytest.mark.long
@pytest.mark.parametrize("scripts", [True, False])
async def test_an_alert_is_created_tested_paused_and_deleted(
    rig: Rig, chromium: Browser, *, scripts: bool
) -> None:
    async with open_dashboard(rig, chromium, with_data=False, scripts=scripts) as dashboard:
        page = dashboard.page
        await dashboard.sign_in()
        await dashboard.choose_organization()
        await page.get_by_role("link", name="Alerts", exact=True).click()
        await expect(page.get_by_text("No alerts yet.")).to_be_visible()
        await page.get_by_role("radio", name="Slack").check()
        await page.get_by_label("URL", exact=True).fill(f"{rig.receiver.url}/slack")
        await page.get_by_role("checkbox", name="webhook.recovered").uncheck()
        await page.get_by_role("button", name="Create alert").click()
        await expect(page.get_by_text("Alert created.")).to_be_visible()
        row = page.locator("[data-row]", has_text="Alerts to Slack")
        await row.get_by_role("button", name="Send test").click()
        await expect(page.get_by_text("The receiver answered 200.")).to_be_visible()
        if scripts:
            async for appearance in each_appearance(page):
                assert (appearance, await serious_violations(page)) == (appearance, [])
        await row.get_by_role("button", name="Pause").click()
        await expect(row.get_by_text("paused")).to_be_visible()
        await page.get_by_label("Held deliveries").fill("7")
        await page.get_by_role("button", name="Save thresholds").click()
        await expect(page.get_by_label("Held deliveries")).to_have_value("7")
        await row.get_by_text("Delete…").click()
        await row.get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("Alert deleted, with its URL.")).to_be_visible()
        assert rig.receiver.url not in await page.content()
        assert dashboard.external_requests == []
        assert dashboard.console_errors == []
