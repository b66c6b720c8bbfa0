"""Drafts in a browser: no fault of an older draft is shown, changes and secrets by one click."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, Route, expect

from tests.browser.test_dashboard_editor import open_page, replace_text
from tests.support.browser import needs_chromium
from tests.support.dashboard_session import open_dashboard
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]
SLACK = "https://hooks.slack.com/services/T0000/B0000/XXXXXXXXXXXXXXXXXXXXXXXX"
FIXED = '{"number": {{data.number}}, "recipient": "{{data.email}}"}'


@pytest.mark.long
async def test_held_faults_follow_the_draft_and_a_change_is_applied(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        page = await open_page(dashboard, f"/held/{dashboard.webhooks['Billing']}")
        preview = page.locator("#preview")
        await expect(preview).to_contain_text("0 of 4 would be sent with the current revision.")
        answered = asyncio.Event()

        async def hold(route: Route) -> None:
            await answered.wait()
            await route.continue_()

        await page.route("**/preview", hold)
        await replace_text(page, "Body template", '{"number": {{data.nmuber}}}')
        for stale in ("status", "alert"):
            await expect(preview.get_by_role(stale)).to_have_count(0)
        await expect(preview.locator(".numbered .detail").first).to_be_hidden()
        answered.set()
        await expect(preview).to_contain_text("data.nmuber is not defined")
        await expect(page.locator(".cm-lintRange-error")).to_have_text("data.nmuber")
        await replace_text(page, "Body template", FIXED)
        await expect(preview).to_contain_text("4 of 4 would be sent with this draft.")
        await expect(page.locator(".cm-lintRange-error")).to_have_count(0)
        await expect(page.locator("form[data-editing] .fault")).to_have_count(0)
        await replace_text(page, "Body template", FIXED.replace("data.email", "data.emial"))
        change = page.locator("#suggestions").get_by_role("button", name="becomes data.email")
        await change.click()
        await expect(page.get_by_text("Applied to the draft:")).to_be_visible()
        await expect(page.locator("#preview")).to_contain_text("4 of 4 would be sent")
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.long
async def test_a_pasted_url_becomes_a_secret_and_save_stays_in_sight(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        page = await open_page(dashboard, "/webhooks/new")
        await page.get_by_role("link", name="Slack", exact=True).click()
        await replace_text(page, "URL", SLACK)
        offer = page.locator("#url-secret")
        await expect(offer).to_contain_text("This URL of Slack contains a credential")
        await offer.get_by_role("button", name="Store as a secret now").click()
        await expect(page.get_by_role("status").first).to_contain_text("{{secret:slack-url}}")
        await expect(page.locator("#preview")).to_contain_text("The delivery would be sent.")
        for width, height in ((1440, 900), (390, 844)):
            await page.set_viewport_size({"width": width, "height": height})
            await page.evaluate("scrollTo(0, 0)")
            await expect(page.get_by_role("button", name="Create")).to_be_in_viewport()
            await expect(page.get_by_role("button", name="Preview")).to_be_in_viewport()
        await page.get_by_label("Name", exact=True).fill("")
        await page.get_by_role("button", name="Create").click()
        await expect(page.get_by_label("Name", exact=True)).to_be_focused()
        await page.get_by_label("Name", exact=True).fill("Chat")
        await page.get_by_role("button", name="Create").click()
        await expect(page.get_by_label("the signing secret")).to_contain_text("whsec_")
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])
