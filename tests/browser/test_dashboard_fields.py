"""Every field of the webhook editor in a browser, compared with the saved webhook."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from rowhook.services import webhooks
from rowhook.services.webhook_documents import configuration_of
from tests.browser.test_dashboard_editor import open_page, replace_text
from tests.support.browser import needs_chromium, unfold
from tests.support.dashboard_session import DashboardSession, open_dashboard
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]
FIELDS = {
    "method": "PUT",
    "raw_payload": True,
    "body_template": None,
    "condition": "data.number > 5",
    "event_types": ["goal.committed", "job.failed"],
    "schema": {"type": "object"},
    "retry_schedule_s": [0, 300],
    "timeout_s": 7.5,
    "max_in_flight": 3,
    "rate_per_s": 2.5,
    "ordered": True,
    "metadata": {"team": "ledger"},
}


async def only_webhook(dashboard: DashboardSession) -> dict[str, Any]:
    """Returns the only webhook, as the API returns it."""
    ((webhook),) = (await dashboard.api.call("GET", "/webhooks")).json()["items"]
    return dict(webhook)


@pytest.mark.long
async def test_every_field_of_the_form_is_saved(rig: Rig, chromium: Browser) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        page = await open_page(dashboard, "/webhooks/new")
        await unfold(page)
        await page.get_by_label("Name", exact=True).fill("Ledger")
        await page.get_by_label("URL", exact=True).fill(f"{rig.receiver.url}/ledger")
        await page.get_by_label("Method").select_option("PUT")
        await page.get_by_label("Raw data, byte for byte").check()
        for label, text in (
            ("JSON Schema", '{"type": "object"}'),
            ("Condition", "data.number > 5"),
            ("Metadata", '{"team": "ledger"}'),
        ):
            await replace_text(page, label, text)
        for box in ("goal.committed", "job.failed", "Ordered: sent one at a time"):
            await page.get_by_label(box).check()
        for label, text in (
            ("Retry schedule", "0, 5 min"),
            ("Timeout (seconds)", "7.5"),
            ("Max requests in flight", "3"),
            ("Max requests per second", "2.5"),
        ):
            await page.get_by_label(label).fill(text)
        await page.get_by_role("button", name="Create").click()
        await expect(page.get_by_label("the signing secret")).to_be_visible()
        saved = await only_webhook(dashboard)
        assert {name: saved[name] for name in FIELDS} == FIELDS
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.battery
async def test_cleared_fields_are_cleared_in_the_webhook(rig: Rig, chromium: Browser) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        saved = await dashboard.webhook("Ledger", "/ledger", **FIELDS)
        page = await open_page(dashboard, f"/webhooks/{saved.id}/edit")
        await unfold(page)
        await page.get_by_label("Default payload").check()
        for box in ("goal.committed", "job.failed", "Ordered: sent one at a time"):
            await page.get_by_label(box).uncheck()
        for label in ("JSON Schema", "Condition", "Metadata"):
            await replace_text(page, label, "")
        await page.get_by_label("Max requests per second").fill("")
        await page.get_by_role("button", name="Save").click()
        await page.wait_for_url("**/webhooks/*?done=saved")
        cleared = {
            "raw_payload": False,
            "ordered": False,
            "event_types": [],
            "schema": None,
            "condition": None,
            "metadata": {},
            "rate_per_s": None,
        }
        current = await only_webhook(dashboard)
        assert {name: current[name] for name in FIELDS} == FIELDS | cleared


@pytest.mark.battery
async def test_saving_an_unchanged_form_changes_nothing(rig: Rig, chromium: Browser) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        saved = await dashboard.webhook("Ledger", "/ledger", **FIELDS)
        page = await open_page(dashboard, f"/webhooks/{saved.id}/edit")
        await page.get_by_role("button", name="Save").click()
        await page.wait_for_url("**/webhooks/*?done=saved")
        current = configuration_of(await webhooks.webhook_of(rig.ctx, saved.id))
        assert current == configuration_of(saved)


@pytest.mark.battery
async def test_a_preset_is_opened_completed_with_its_secret_and_delivered(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        page = await open_page(dashboard, "/webhooks/new")
        await page.get_by_role("link", name="Slack", exact=True).click()
        await page.get_by_role("link", name="slack-url").click()
        await expect(page.get_by_label("Id", exact=True)).to_have_value("slack-url")
        await page.get_by_label("Value").fill(f"{rig.receiver.url}/slack")
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_role("status")).to_contain_text("Secret saved.")
        await dashboard.open("/webhooks/new")
        await page.get_by_role("link", name="Slack", exact=True).click()
        await page.get_by_role("button", name="Create").click()
        await page.get_by_role("link", name="Link agents and goals").click()
        await page.get_by_role("button", name="Link goal").click()
        await expect(page.get_by_role("status")).to_contain_text("Linked.")
        await dashboard.commit()
        await rig.reaches("delivered")
        (sent,) = rig.receiver.requests
        assert re.search("^/slack$", sent.path)
        assert list(json.loads(sent.body)) == ["text", "blocks"]
