"""The files that a page loads before anybody touches it."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser import needs_chromium
from tests.support.calls import ADMIN_KEY, running_api
from tests.support.deadline import DEADLINE_MS
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio
TEXT = '{"name": "{{data.name}}"}'


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_the_code_editor_is_loaded_at_the_first_key_and_continues_the_text(
    rig: Rig, chromium: Browser
) -> None:
    context = await chromium.new_context()
    context.set_default_timeout(DEADLINE_MS)
    requested: list[str] = []
    context.on("request", lambda request: requested.append(request.url))
    async with running_api(rig.dsn, size=2, keyring=rig.keyring) as api, context:
        await context.request.post(f"{api.url}/sign-in", form={"key": ADMIN_KEY})
        page = await context.new_page()
        await page.goto(f"{api.url}/webhooks/new")
        await page.wait_for_load_state("networkidle")
        assert any("/vendor/inter.woff2" in url for url in requested)
        assert not [url for url in requested if "/vendor/editor.js" in url or "-latin" in url]
        await page.locator("#body_template").focus()
        await page.keyboard.type(TEXT)
        editor = page.get_by_role("textbox", name="Body template")
        await expect(page.locator("#body_template")).to_be_hidden()
        await expect(editor).to_have_text(TEXT)
        await expect(editor).to_be_focused()
        await page.keyboard.type("\n")
        await expect(page.locator("#body_template")).to_have_value(TEXT + "\n")


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_a_form_submitted_before_the_code_editor_is_loaded_keeps_its_text_and_focus(
    rig: Rig, chromium: Browser
) -> None:
    context = await chromium.new_context()
    context.set_default_timeout(DEADLINE_MS)
    errors: list[str] = []
    async with running_api(rig.dsn, size=2, keyring=rig.keyring) as api, context:
        await context.request.post(f"{api.url}/sign-in", form={"key": ADMIN_KEY})
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(f"{api.url}/webhooks/new")
        template = page.locator("#body_template")
        await page.evaluate(
            """() => {
              const form = document.querySelector("form.editing");
              form.elements.organization.selectedIndex = 1;
              form.elements.name.value = "CRM";
              form.elements.url.value = "https://crm.example.com/in";
              form.elements.body_template.value = "{{ data.name | uper }}";
              form.querySelector("input[name=body][value=template]").checked = true;
            }"""
        )
        async with page.expect_navigation():
            await page.evaluate("document.querySelector('form.editing').submit()")
        await expect(page.locator(".fault.of-draft")).to_be_visible()
        await expect(template).to_have_value("{{ data.name | uper }}")
        await expect(template).to_be_focused()
        await page.keyboard.press("End")
        editor = page.get_by_role("textbox", name="Body template")
        await expect(template).to_be_hidden()
        await expect(editor).to_be_focused()
        await expect(page.locator(".cm-lint-marker-error")).to_be_visible()
    assert errors == []
