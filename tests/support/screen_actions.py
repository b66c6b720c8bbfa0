"""Actions that open the dashboard screens that have no address."""

from __future__ import annotations

import re
from urllib.parse import quote

from playwright.async_api import expect

from rowhook.services import webhooks
from rowhook.services.webhook_documents import WebhookPatch
from tests.support.browser import unfold
from tests.support.dashboard_session import DashboardSession

FIXED_TEMPLATE = '{"number": {{data.number}}, "recipient": "{{data.email}}"}'

# A letter N, as SVG.
_LOGO = (
    "data:image/svg+xml;base64,"
    "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAyNCAyNCI+"
    "PHBhdGggZD0iTTQgMjBWNGwxNiAxNlY0IiBmaWxsPSJub25lIiBzdHJva2U9IiM1ZWVhZDQiIHN0cm9r"
    "ZS13aWR0aD0iNCIvPjwvc3ZnPg=="
)


async def replace_text(dashboard: DashboardSession, label: str, text: str) -> None:
    """Replaces the text of an editor."""
    await dashboard.page.get_by_role("textbox", name=label, exact=True).click()
    await dashboard.page.keyboard.press("Control+a")
    await dashboard.page.keyboard.insert_text(text)


async def click_button(dashboard: DashboardSession, name: str) -> None:
    await dashboard.page.get_by_role("button", name=name, exact=True).click()


async def sign_in_with_unknown_key(dashboard: DashboardSession) -> None:
    await dashboard.open("/sign-in")
    await dashboard.page.get_by_label("API key").fill("rhk_unknown")
    await click_button(dashboard, "Sign in")
    await expect(dashboard.page.get_by_role("alert")).to_contain_text("Unknown API key.")


async def preview_saved_webhook(dashboard: DashboardSession) -> None:
    await dashboard.open(f"/webhooks/{dashboard.webhooks['CRM']}/edit")
    await expect(dashboard.page.locator("#preview")).to_contain_text("The delivery would be sent.")


async def create_webhook(dashboard: DashboardSession) -> None:
    await dashboard.open("/webhooks/new?preset=json")
    await dashboard.page.get_by_label("Name", exact=True).fill("Ledger")
    await dashboard.page.get_by_label("URL", exact=True).fill(
        f"{dashboard.rig.receiver.url}/ledger"
    )
    await click_button(dashboard, "Create")
    await expect(dashboard.page.get_by_label("the signing secret")).to_be_visible()


async def save_invalid_webhook(dashboard: DashboardSession) -> None:
    await dashboard.open("/webhooks/new?preset=json")
    await unfold(dashboard.page)
    await dashboard.page.get_by_label("Retry schedule").fill("0, soon")
    await dashboard.page.get_by_label("Timeout (seconds)").fill("99")
    await replace_text(dashboard, "Body template", '{"a": {{data.name | upcase}}}')
    await replace_text(dashboard, "JSON Schema", '{"type": "objekt"}')
    await click_button(dashboard, "Create")
    await expect(dashboard.page.get_by_text("Nothing was saved.")).to_be_visible()


async def save_outdated_revision(dashboard: DashboardSession) -> None:
    webhook = dashboard.webhooks["Archive"]
    await dashboard.open(f"/webhooks/{webhook}/edit")
    await webhooks.patch_webhook(dashboard.rig.ctx, webhook, WebhookPatch(description="theirs"))
    await click_button(dashboard, "Save")
    await expect(
        dashboard.page.get_by_text(re.compile("was saved while you were editing"))
    ).to_be_visible()
    await expect(dashboard.page.locator("#preview")).to_contain_text("The delivery would be sent.")


async def send_test(dashboard: DashboardSession) -> None:
    await dashboard.open(f"/webhooks/{dashboard.webhooks['CRM']}/test")
    await click_button(dashboard, "Send test")
    await expect(dashboard.page.get_by_role("status")).to_contain_text("The receiver answered 200.")


async def send_failing_test(dashboard: DashboardSession) -> None:
    await dashboard.open(f"/webhooks/{dashboard.webhooks['Billing']}/test")
    await click_button(dashboard, "Send test")
    await expect(dashboard.page.get_by_role("status")).to_contain_text("schema_failed")


async def delete_linked_webhook(dashboard: DashboardSession) -> None:
    await dashboard.open(f"/webhooks/{dashboard.webhooks['CRM']}")
    await dashboard.page.get_by_text("Delete…").click()
    await click_button(dashboard, "Delete")
    await expect(dashboard.page.locator("#refused")).to_contain_text("Goal")


async def rotate_secret(dashboard: DashboardSession) -> None:
    await dashboard.open(f"/webhooks/{dashboard.webhooks['CRM']}")
    await click_button(dashboard, "Rotate secret")
    await expect(dashboard.page.get_by_label("the new signing secret")).to_be_visible()


async def preview_invalid_fix(dashboard: DashboardSession) -> None:
    await dashboard.open(f"/held/{dashboard.webhooks['Billing']}")
    await replace_text(dashboard, "Body template", '{"number": {{data.number | upcase}}')
    await click_button(dashboard, "Preview held deliveries")
    await expect(dashboard.page.get_by_text("Nothing was saved.")).to_be_visible()


async def preview_fix(dashboard: DashboardSession) -> None:
    await dashboard.open(f"/held/{dashboard.webhooks['Billing']}")
    await replace_text(dashboard, "Body template", FIXED_TEMPLATE)
    await click_button(dashboard, "Preview held deliveries")
    await expect(dashboard.page.get_by_role("status")).to_contain_text("4 of 4 would be sent")


async def validate_commit(dashboard: DashboardSession) -> None:
    await dashboard.open(f"/goals/{quote(dashboard.rig.platform.goal, safe='')}")
    await replace_text(
        dashboard, "Data", '{"name": "Ada", "email": "ada@example.com", "number": 7}'
    )
    await click_button(dashboard, "Validate")
    await expect(dashboard.page.locator("#verdict")).to_contain_text("schema_failed")


async def create_key(dashboard: DashboardSession) -> None:
    await dashboard.open("/keys")
    await dashboard.page.get_by_label("Name").fill("ci")
    await click_button(dashboard, "Create key")
    await expect(dashboard.page.get_by_label("the new key")).to_be_visible()


async def delete_used_secret(dashboard: DashboardSession) -> None:
    await dashboard.open("/secrets")
    await dashboard.page.get_by_text("Delete…").first.click()
    await click_button(dashboard, "Delete")
    await expect(dashboard.page.get_by_role("alert")).to_contain_text("CRM")


async def open_keyboard_help(dashboard: DashboardSession) -> None:
    await dashboard.open("/webhooks")
    await click_button(dashboard, "Keyboard shortcuts")
    await expect(dashboard.page.get_by_role("dialog")).to_be_visible()


async def show_portal_link(dashboard: DashboardSession) -> None:
    draft = {
        "organization_id": str(dashboard.rig.platform.organization),
        "scopes": ["read", "replay"],
        "return_url": "https://app.example.com/settings",
        "brand": {
            "name": "Northwind",
            "logo": _LOGO,
            "accent_color": "#0f766e",
            "header_color": "#0b2f2b",
        },
    }
    link = (await dashboard.api.call("POST", "/portal-links", draft)).json()["url"]
    await dashboard.page.goto(link)


async def open_portal(dashboard: DashboardSession) -> None:
    await show_portal_link(dashboard)
    await dashboard.page.get_by_role("button", name="Open").click()
    await dashboard.page.wait_for_url(f"{dashboard.url}/")


async def sign_out(dashboard: DashboardSession) -> None:
    await dashboard.page.get_by_role("button", name="Sign out").click()
    await dashboard.page.get_by_text("You are signed out.").wait_for()


async def use_up_quotas(dashboard: DashboardSession) -> None:
    """Sets quotas that are used up, and opens their page."""
    platform = dashboard.rig.platform
    await platform.value(
        "select rowhook.set_quotas("
        """%s, '{"webhooks": 5, "deliveries_per_s": 50, "bytes_per_day": 25000000}')""",
        platform.organization,
    )
    await platform.run(
        "update rowhook.organization_quota"
        " set bytes_used = 25004711, bytes_used_on = rowhook.quota_day()"
    )
    await dashboard.open("/quotas")


async def submit_for_another_organization(dashboard: DashboardSession) -> None:
    """Submits a form as if another tab had selected another organization."""
    await dashboard.open("/keys")
    form = dashboard.page.locator("form", has=dashboard.page.get_by_label("Name", exact=True))
    selection = form.locator("input[name=selection]")
    await selection.evaluate("field => { field.value = 'all'; }")
    await _expect_refusal(dashboard, "Another organization was selected")


async def submit_signed_out(dashboard: DashboardSession) -> None:
    """Submits a form after the session has ended."""
    await dashboard.open("/keys")
    await dashboard.page.context.clear_cookies()
    await _expect_refusal(dashboard, "Nothing was changed. Sign in")


async def _expect_refusal(dashboard: DashboardSession, message: str) -> None:
    await dashboard.page.get_by_label("Name").fill("ci")
    await click_button(dashboard, "Create key")
    await expect(dashboard.page.get_by_role("alert")).to_contain_text(message)


async def open_failing_page(dashboard: DashboardSession) -> None:
    """Opens a page whose query fails."""
    await dashboard.rig.platform.run("alter function rowhook.audit_page rename to unknown_page")
    try:
        await dashboard.open("/audit")
        await expect(dashboard.page.get_by_role("alert")).to_contain_text("Internal error")
    finally:
        await dashboard.rig.platform.run("alter function rowhook.unknown_page rename to audit_page")
