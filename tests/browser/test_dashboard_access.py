"""Secrets, API keys, audit and system pages of the dashboard in a browser."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import needs_chromium, text_of
from tests.support.dashboard_session import DashboardSession, open_dashboard
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]


async def save(page: Page, secret: str, value: str, hosts: str = "") -> None:
    await page.get_by_label("Id", exact=True).fill(secret)
    await page.get_by_label("Value").fill(value)
    await page.get_by_label("Allowed hosts").fill(hosts)
    await page.get_by_role("button", name="Save", exact=True).click()


async def delete(page: Page, row: str) -> None:
    listed_row = page.locator("[data-row]", has_text=row)
    await listed_row.get_by_text("Delete…").click()
    await listed_row.get_by_role("button", name="Delete").click()


async def open_secrets(dashboard: DashboardSession) -> Page:
    """Signs in as an operator and selects the organization."""
    await dashboard.sign_in()
    await dashboard.open("/secrets")
    await expect(dashboard.page.get_by_text("Choose one first")).to_be_visible()
    await dashboard.page.get_by_role("button", name="Choose").click()
    await expect(dashboard.page).to_have_url(f"{dashboard.url}/secrets")
    return dashboard.page


@pytest.mark.battery
async def test_a_secret_is_saved_replaced_and_deleted_when_unused(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        page = await open_secrets(dashboard)
        await save(page, "crm token", "s3cret-value", "API.example.com")
        await expect(page.get_by_text("1 to 128 of the characters")).to_be_visible()
        await expect(page.get_by_text("a lower-case host")).to_be_visible()
        assert await page.get_by_label("Allowed hosts").input_value() == "API.example.com"
        assert "s3cret-value" not in await page.content()

        await save(page, "crm-token", "s3cret-value", "127.0.0.1 api.example.com")
        await expect(page.get_by_text("Secret saved.")).to_be_visible()
        await page.get_by_role("link", name="crm-token").click()
        await save(page, "crm-token", "another-value", "127.0.0.1")
        await expect(page.get_by_text("version 2")).to_be_visible()

        await dashboard.webhook(
            "CRM", "/crm", headers={"Authorization": "Bearer {{secret:crm-token}}"}
        )
        await dashboard.commit()
        await rig.reaches("delivered")
        assert rig.receiver.requests[0].header("Authorization") == "Bearer another-value"
        await delete(page, "crm-token")
        await expect(page.get_by_role("alert").get_by_role("link", name="CRM")).to_be_visible()

        await rig.change(dashboard.webhooks["CRM"], "/crm")
        await delete(page, "crm-token")
        await expect(page.get_by_text("Secret deleted.")).to_be_visible()
        assert await rig.platform.value("select count(*) from rowhook.secret") == 0
        assert dashboard.external_requests == []


@pytest.mark.long
async def test_a_key_is_displayed_once_works_and_is_deleted(rig: Rig, chromium: Browser) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        page = await open_secrets(dashboard)
        await dashboard.open("/keys")
        await page.get_by_role("button", name="Create key").click()
        assert await page.get_by_label("Name").evaluate("field => field.validity.valueMissing")
        await page.get_by_label("Name").fill("ci")
        await page.get_by_label("Expires").fill("2020-01-01T00:00")
        await page.get_by_role("button", name="Create key").click()
        await expect(page.get_by_text("a future time")).to_be_visible()
        await page.get_by_label("Expires").fill("")
        await page.get_by_label("write").check()
        await page.get_by_role("button", name="Create key").click()
        key = await text_of(page.get_by_label("the new key"))
        assert (await dashboard.api.call("GET", "/webhooks", key=key)).status_code == 200
        await dashboard.open("/keys")
        assert key not in await page.content()

        await delete(page, "ci")
        await expect(page.get_by_text("It is no longer accepted")).to_be_visible()
        assert (await dashboard.api.call("GET", "/webhooks", key=key)).status_code == 401
        await dashboard.open("/audit")
        row = page.locator("[data-row]", has_text="api_key.created")
        await expect(row).to_contain_text("key:ROWHOOK_ADMIN_KEY")
        await row.locator("summary").click()
        await expect(row.locator("dl")).to_contain_text('["read", "write"]')
        await page.get_by_label("Action").fill("webhook.created")
        await page.get_by_role("button", name="Filter").click()
        await expect(page.get_by_text("No entries match these filters.")).to_be_visible()
        await page.get_by_role("link", name="Reset").click()
        await expect(row).to_be_visible()
        assert dashboard.external_requests == []


@pytest.mark.battery
async def test_operators_see_the_installation_and_every_key_sees_its_workers(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        await dashboard.sign_in()
        await dashboard.open("/system")
        page = dashboard.page
        worker = page.locator("[data-row]", has_text="alive")
        await expect(worker).to_contain_text("pid")
        await expect(page.locator("details", has_text="Migrations (")).to_contain_text("0001_roles")
        await expect(
            page.locator("dl", has=page.get_by_text("Capture gaps", exact=True))
        ).to_contain_text("none: every completion")
        await dashboard.sign_in(await dashboard.api.key_of(rig.platform.organization, "read"))
        await dashboard.open("/system")
        await expect(worker).not_to_contain_text("pid")
        await expect(page.get_by_role("heading", name="Settings")).to_have_count(0)
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])
