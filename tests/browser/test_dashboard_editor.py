"""The webhook editor of the dashboard in a browser: preview, saving, revisions."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, Route, expect

from rowhook.dashboard.editor_form import fields_of
from rowhook.services import webhooks
from rowhook.services.webhook_documents import WebhookPatch, configuration_of
from tests.support.browser import needs_chromium, text_of, unfold
from tests.support.calls import ADMIN_KEY
from tests.support.dashboard_session import DashboardSession, open_dashboard
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio


async def replace_text(page: Page, label: str, text: str) -> None:
    """Replaces the text of an editor."""
    await page.get_by_role("textbox", name=label, exact=True).click()
    await page.keyboard.press("Control+a")
    await page.keyboard.insert_text(text)


async def open_page(dashboard: DashboardSession, path: str) -> Page:
    await dashboard.sign_in()
    await dashboard.choose_organization()
    await dashboard.open(path)
    return dashboard.page


async def commit_with_context(rig: Rig) -> None:
    """Creates a commit whose session has a context."""
    await rig.platform.run(
        "insert into rowhook.session values ('s', %s, '{\"tenant\": \"acme\"}')",
        rig.platform.organization,
    )
    await rig.platform.commit('{"email": "ada@example.com"}', session="s")


async def delay_preview(route: Route) -> None:
    """Delays a preview request for longer than the debounce of the form."""
    await asyncio.sleep(0.6)
    await route.continue_()


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_the_preview_follows_the_form_while_a_webhook_is_created(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        await dashboard.commit(name="Grace")
        page = await open_page(dashboard, "/webhooks/new")
        preview = page.locator("#preview")
        await unfold(page)
        await page.get_by_label("Name", exact=True).fill("CRM")
        await page.get_by_label("URL", exact=True).fill(f"{rig.receiver.url}/crm")
        await page.get_by_label("Headers").fill("X-Source: rowhook\nX-Name: {{data.name}}")
        await replace_text(page, "Body template", '{\n  "n": "{{data.nmae}}"\n}')
        await expect(preview).to_contain_text("line 2: data.nmae is not defined; did you mean")
        await expect(page.locator(".cm-lintRange-error")).to_have_text("data.nmae")
        await replace_text(page, "Body template", '{"n": "{{data.name}}"}')
        await expect(preview.get_by_label("body", exact=True)).to_contain_text('{"n": "Grace"}')
        await expect(preview.locator("tr", has_text="X-Name")).to_contain_text("Grace")
        await preview.get_by_text("Indented").click()
        await expect(preview.get_by_label("indented body")).to_contain_text('"n": "Grace"')
        await page.locator(".editing .stack > .api-call summary").click()
        await expect(page.locator("#save-call")).to_contain_text('"X-Source": "rowhook"')
        signature_row = preview.locator("tr", has_text="webhook-signature")
        await expect(signature_row).to_contain_text("added by Rowhook")
        await page.get_by_role("button", name="Create").click()
        secret = await text_of(page.get_by_label("the signing secret"))
        assert secret.startswith("whsec_")
        await page.get_by_role("link", name="Edit", exact=True).click()
        assert secret not in await page.content()
        (saved,) = (await webhooks.list_webhooks(rig.ctx)).items
        assert saved.headers == {"X-Source": "rowhook", "X-Name": "{{data.name}}"}
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_a_failed_preview_request_keeps_the_form_and_the_next_one_succeeds(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        page = await open_page(dashboard, "/webhooks/new?preset=json")
        (session,) = [
            cookie for cookie in await page.context.cookies() if "session" in cookie["name"]
        ]
        await page.context.clear_cookies(name=session["name"])
        await page.get_by_label("Name", exact=True).fill("CRM")
        interrupted = page.locator("#preview .lost")
        await expect(interrupted).to_contain_text("status 401")
        restored_cookie: Any = {
            "name": session["name"],
            "value": session["value"],
            "url": dashboard.url,
        }
        await page.context.add_cookies([restored_cookie])
        await page.get_by_label("URL", exact=True).fill(f"{rig.receiver.url}/crm")
        await expect(interrupted).to_have_count(0)
        await expect(page.locator("#preview")).to_contain_text("The delivery would be sent.")


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_a_rejected_save_marks_the_faults_and_keeps_the_input(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        page = await open_page(dashboard, "/webhooks/new?preset=json")
        await unfold(page)
        await page.get_by_label("Name", exact=True).fill("CRM")
        await page.get_by_label("URL", exact=True).fill("https://127.0.0.2.example/")
        await page.get_by_label("Retry schedule").fill("0, soon")
        await page.get_by_label("Timeout (seconds)").fill("99")
        await replace_text(page, "Body template", '{"a": {{data.name | upcase}}}')
        await replace_text(page, "JSON Schema", '{"type": "objekt"}')
        await page.get_by_role("button", name="Create").click()
        for message in ("Invalid delay 'soon'.", "from 1 to 30", "upcase", "Must match one of"):
            await expect(page.get_by_role("alert").filter(has_text=message).first).to_be_visible()
        await expect(page.locator(".cm-lintRange-error").first).to_have_text("upcase")
        assert await page.get_by_label("Retry schedule").input_value() == "0, soon"
        assert await rig.platform.value("select count(*) from rowhook.webhook") == 0


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_names_from_captured_data_and_secrets_are_completed(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        await commit_with_context(rig)
        page = await open_page(dashboard, f"/webhooks/{dashboard.webhooks['CRM']}/edit")
        await unfold(page)
        completion_list = page.locator(".cm-tooltip-autocomplete")
        for label, keys, completion in (
            ("Body template", "{{data.em", "data.email"),
            ("Body template", "{{secret:c", "secret:crm-token"),
            ("Condition", "context.", "context.tenant"),
            ("URL", "https://{{context.", "context.tenant"),
            ("Headers", "Authorization: Bearer {{secret:", "secret:crm-token"),
        ):
            await replace_text(page, label, "")
            await page.keyboard.type(keys)
            await expect(completion_list).to_contain_text(completion)
            await page.keyboard.press("Escape")
        linked = page.get_by_label("Sample event").locator("optgroup[label='Linked agent Ann']")
        await expect(linked).to_contain_text("job.succeeded · Ann")
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_an_operator_chooses_the_organization_in_the_form(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        await dashboard.sign_in()
        await dashboard.open("/webhooks/new?preset=json")
        page = dashboard.page
        await page.get_by_label("Name", exact=True).fill("ERP")
        await page.get_by_label("URL", exact=True).fill(f"{rig.receiver.url}/erp")
        await expect(page.locator("#preview")).to_contain_text(
            "Choose the organization of the webhook."
        )
        await page.route("**/webhooks/preview", delay_preview)
        await page.get_by_label("Organization").select_option(index=1)
        await expect(page.locator("#preview")).to_contain_text("The delivery would be sent.")
        await expect(page.get_by_label("Sample event")).to_contain_text("job.succeeded · Ann")
        await replace_text(page, "Body template", "")
        await page.keyboard.type("{{secret:c")
        await expect(page.locator(".cm-tooltip-autocomplete")).to_contain_text("secret:crm-token")
        await page.keyboard.press("Escape")
        await replace_text(page, "Body template", '{"name": "{{data.name}}"}')
        await page.get_by_role("button", name="Create").click()
        await expect(page.get_by_label("the signing secret")).to_contain_text("whsec_")
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


@pytest.mark.battery
@pytest.mark.browser
@needs_chromium
async def test_a_conflicting_save_is_reported_and_a_revision_is_restored(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        saved = await dashboard.webhook("CRM", "/crm", description="first")
        page = await open_page(dashboard, f"/webhooks/{saved.id}/edit")
        await webhooks.patch_webhook(rig.ctx, saved.id, WebhookPatch(description="theirs"))
        await unfold(page)
        await page.get_by_label("Description").fill("mine")
        await page.get_by_role("button", name="Save").click()
        await expect(
            page.get_by_text("Revision 2 was saved while you were editing")
        ).to_be_visible()
        assert await page.get_by_label("Description").input_value() == "mine"
        await page.get_by_role("button", name="Save").click()
        await page.wait_for_url("**/webhooks/*?done=saved")
        await dashboard.open(f"/webhooks/{saved.id}/revisions")
        newest = page.locator("[data-row]").first
        await expect(newest.locator(".minus")).to_have_text(["− description: theirs"])
        await expect(newest.locator(".plus")).to_have_text(["+ description: mine"])
        await expect(newest.get_by_role("heading")).to_contain_text("by key:ROWHOOK_ADMIN_KEY")
        await page.get_by_label("Compare revision").fill("1")
        await page.get_by_role("button", name="Compare").click()
        between = page.get_by_role("region", name="From revision 1 to 3")
        await expect(between.locator(".minus")).to_have_text(["− description: first"])
        await expect(between.locator(".plus")).to_have_text(["+ description: mine"])
        first = page.locator("[data-row]", has_text="Revision 1")
        await first.get_by_text("Restore…").click()
        await first.get_by_role("button", name="Restore").click()
        await page.wait_for_url("**/webhooks/*?done=saved")
        current = await webhooks.webhook_of(rig.ctx, saved.id)
        assert (current.description, current.revision) == ("first", 4)


@pytest.mark.long
@pytest.mark.browser
async def test_the_form_works_without_javascript(rig: Rig, chromium: Browser) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        saved = await dashboard.webhook("CRM", "/crm", schema={"a": 1.50}, headers={"X-A": "b"})
        async with httpx.AsyncClient(base_url=dashboard.url, follow_redirects=True) as visitor:
            page = await visitor.post("/sign-in", data={"key": ADMIN_KEY})
            csrf = page.text.split('name="csrf" value="')[1][:64]
            form: dict[str, Any] = fields_of(configuration_of(saved)) | {
                "csrf": csrf,
                "webhook_id": str(saved.id),
                "revision": "1",
                "description": "new",
            }
            del form["ordered"]
            preview = await visitor.post("/webhooks/preview", data=form)
            assert "The delivery would be sent." in preview.text
            answer = await visitor.post(f"/webhooks/{saved.id}/edit", data=form)
        assert answer.url.path == f"/webhooks/{saved.id}"
        current = configuration_of(await webhooks.webhook_of(rig.ctx, saved.id))
        assert current.description == "new"
        assert current.headers == {"X-A": "b"}
