"""Secrets, API keys and the audit in the dashboard, as a person uses them."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import needs_chromium, text_of
from tests.support.stage import Stage, stage
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]


async def save(page: Page, secret: str, value: str, hosts: str = "") -> None:
    await page.get_by_label("Id").fill(secret)
    await page.get_by_label("Value").fill(value)
    await page.get_by_label("Allowed hosts").fill(hosts)
    await page.get_by_role("button", name="Save", exact=True).click()


async def delete(page: Page, row: str) -> None:
    found = page.locator("[data-row]", has_text=row)
    await found.get_by_text("Delete…").click()
    await found.get_by_role("button", name="Delete").click()


async def chosen(made: Stage) -> Page:
    """Signed in as an operator who looks at one organization."""
    await made.sign_in()
    await made.go("/secrets")
    await expect(made.page.get_by_text("Choose one first")).to_be_visible()
    await made.page.get_by_role("button", name="Choose").click()
    await expect(made.page).to_have_url(f"{made.url}/secrets")
    return made.page


@pytest.mark.battery
async def test_a_secret_is_saved_replaced_and_deleted_once_nothing_uses_it(
    rig: Rig, chromium: Browser
) -> None:
    async with stage(rig, chromium, settled=False) as made:
        page = await chosen(made)
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

        await made.webhook("CRM", "/crm", headers={"Authorization": "Bearer {{secret:crm-token}}"})
        await made.commit()
        await rig.reaches("delivered")
        assert rig.receiver.requests[0].header("Authorization") == "Bearer another-value"
        await delete(page, "crm-token")
        await expect(page.get_by_role("alert").get_by_role("link", name="CRM")).to_be_visible()

        await rig.change(made.webhooks["CRM"], "/crm")
        await delete(page, "crm-token")
        await expect(page.get_by_text("Secret deleted.")).to_be_visible()
        assert await rig.platform.value("select count(*) from rowhook.secret") == 0
        assert made.elsewhere == []


@pytest.mark.long
async def test_a_key_is_shown_once_admits_and_is_deleted(rig: Rig, chromium: Browser) -> None:
    async with stage(rig, chromium, settled=False) as made:
        page = await chosen(made)
        await made.go("/keys")
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
        assert (await made.api.call("GET", "/webhooks", key=key)).status_code == 200
        await made.go("/keys")
        assert key not in await page.content()

        await delete(page, "ci")
        await expect(page.get_by_text("It is no longer accepted")).to_be_visible()
        assert (await made.api.call("GET", "/webhooks", key=key)).status_code == 401
        await made.go("/audit")
        row = page.locator("[data-row]", has_text="api_key.created")
        await expect(row).to_contain_text("key:ROWHOOK_ADMIN_KEY")
        await row.locator("summary").click()
        await expect(row.locator("dl")).to_contain_text('["read", "write"]')
        await page.get_by_label("Action").fill("webhook.created")
        await page.get_by_role("button", name="Filter").click()
        await expect(page.get_by_text("No entries match these filters.")).to_be_visible()
        await page.get_by_role("link", name="Reset").click()
        await expect(row).to_be_visible()
        assert made.elsewhere == []


@pytest.mark.battery
async def test_the_installation_is_shown_to_operators_and_its_workers_to_everybody(
    rig: Rig, chromium: Browser
) -> None:
    async with stage(rig, chromium, settled=False) as made:
        await made.sign_in()
        await made.go("/system")
        page = made.page
        worker = page.locator("[data-row]", has_text="alive")
        await expect(worker).to_contain_text("pid")
        await expect(page.locator("details", has_text="Migrations (")).to_contain_text("0001_roles")
        await expect(page.locator("dl", has=page.get_by_text("Gaps", exact=True))).to_contain_text(
            "none: every completion"
        )
        await made.sign_in(await made.api.key_of(rig.platform.organization, "read"))
        await made.go("/system")
        await expect(worker).not_to_contain_text("pid")
        await expect(page.get_by_role("heading", name="Settings")).to_have_count(0)
        assert (made.complaints, made.elsewhere) == ([], [])
