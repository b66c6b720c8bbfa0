"""Faults, focus and highlighting of the editor in Chromium."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.browser.test_assets_editor import BODY, append_text, editor, field, wait_for_value
from tests.support.axe import serious_violations
from tests.support.bare_page import open_bare_page
from tests.support.browser import needs_chromium

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]
FAULT: dict[str, Any] = {"line": 3, "column": 14, "message": "data.emial: did you mean data.email?"}
# The colour of the innermost element is that of the text.
COLOUR = """(element) => {
  while (element.firstElementChild) element = element.firstElementChild;
  return getComputedStyle(element).color;
}"""
FOCUSED = "document.activeElement.id || document.activeElement.textContent"


async def wait_until_underlined(page: Page, text: str) -> None:
    """Waits until exactly this text is underlined as a fault; highlighting may split it."""
    await page.wait_for_function(
        """(text) => text === [...document.querySelectorAll(".cm-lintRange-error")]
          .map((mark) => mark.textContent).join("")""",
        arg=text,
    )


@pytest.mark.long
async def test_a_fault_is_underlined_and_its_message_appears_on_hover(chromium: Browser) -> None:
    async with open_bare_page(chromium, field(BODY, faults=[FAULT])) as bare_page:
        await wait_until_underlined(bare_page.page, "data.emial")
        await bare_page.page.locator(".cm-lintRange-error").first.hover()
        await bare_page.page.get_by_text(FAULT["message"]).wait_for()
        assert await bare_page.page.locator(".cm-lint-marker-error").count() == 1


@pytest.mark.battery
@pytest.mark.parametrize(
    ("line", "column", "underlined_text"),
    [(2, None, '"name": "{{data.name}}",'), (99, None, "}"), (4, 99, ""), (None, None, "{")],
)
async def test_a_fault_without_a_valid_position_is_still_marked(
    line: int | None, column: int | None, underlined_text: str, chromium: Browser
) -> None:
    fault = {"line": line, "column": column, "message": "no"}
    async with open_bare_page(chromium, field(BODY, faults=[fault])) as bare_page:
        await wait_until_underlined(bare_page.page, underlined_text)
        await bare_page.page.locator(".cm-lint-marker-error").wait_for()


@pytest.mark.battery
async def test_a_fault_at_a_quoted_string_marks_the_whole_string(chromium: Browser) -> None:
    fault = {"line": 2, "column": 3, "message": "no"}
    async with open_bare_page(chromium, field(BODY, faults=[fault])) as bare_page:
        await wait_until_underlined(bare_page.page, '"name"')


@pytest.mark.battery
async def test_faults_change_with_the_attribute_and_with_the_event(chromium: Browser) -> None:
    async with open_bare_page(chromium, field(BODY, faults=[FAULT])) as bare_page:
        await bare_page.page.evaluate("document.querySelector('#body').dataset.faults = '[]'")
        await wait_until_underlined(bare_page.page, "")
        await bare_page.page.evaluate(
            "(detail) => document.querySelector('#body')"
            ".dispatchEvent(new CustomEvent('rowhook:faults', {detail}))",
            [FAULT],
        )
        await wait_until_underlined(bare_page.page, "data.emial")
        await bare_page.page.evaluate(
            "(text) => { document.querySelector('#body').dataset.faults = text; }",
            json.dumps([FAULT | {"line": 1, "column": 1}]),
        )
        await wait_until_underlined(bare_page.page, "{")


@pytest.mark.battery
async def test_markup_in_a_fault_message_is_displayed_as_text(chromium: Browser) -> None:
    message = "<img src=x onerror=alert(1)>"
    async with open_bare_page(
        chromium, field(BODY, faults=[FAULT | {"message": message}])
    ) as bare_page:
        await bare_page.page.locator(".cm-lintRange-error").first.hover()
        await bare_page.page.get_by_text(message).wait_for()
        assert await bare_page.page.locator("img").count() == 0


@pytest.mark.battery
async def test_tab_and_shift_tab_enter_and_leave_the_editor(chromium: Browser) -> None:
    async with open_bare_page(chromium, field(BODY)) as bare_page:
        await bare_page.page.get_by_role("link", name="Before").focus()
        await bare_page.page.keyboard.press("Tab")
        assert await editor(bare_page.page).evaluate(
            "(element) => element === document.activeElement"
        )
        await bare_page.page.keyboard.press("Tab")
        assert await bare_page.page.evaluate(FOCUSED) == "after"
        await bare_page.page.keyboard.press("Shift+Tab")
        await bare_page.page.keyboard.press("Shift+Tab")
        assert await bare_page.page.evaluate(FOCUSED) == "Before"
        assert await bare_page.page.locator("#body").input_value() == BODY


@pytest.mark.battery
async def test_the_focused_editor_has_an_outline(chromium: Browser) -> None:
    async with open_bare_page(chromium, field(BODY)) as bare_page:
        await bare_page.page.get_by_text("Body template").click()
        assert await editor(bare_page.page).evaluate(
            "(element) => element === document.activeElement"
        )
        frame = bare_page.page.locator(".cm-editor")
        assert (
            await frame.evaluate("(element) => getComputedStyle(element).outlineStyle") == "solid"
        )


@pytest.mark.battery
async def test_undo_and_reset_update_the_textarea(chromium: Browser) -> None:
    async with open_bare_page(chromium, field("{")) as bare_page:
        await append_text(bare_page.page, "}")
        await bare_page.page.keyboard.press("Control+z")
        await wait_for_value(bare_page.page, "{")
        await append_text(bare_page.page, "}}")
        await bare_page.page.get_by_role("button", name="Reset").click()
        await bare_page.page.locator(".cm-line").get_by_text("{", exact=True).wait_for()
        await wait_for_value(bare_page.page, "{")


@pytest.mark.battery
async def test_a_value_written_into_the_textarea_appears_in_the_editor(
    chromium: Browser,
) -> None:
    async with open_bare_page(chromium, field("{")) as bare_page:
        await bare_page.page.locator("#body").evaluate(
            "(element) => { element.value = '[]'; element.dispatchEvent(new Event('change')); }"
        )
        await bare_page.page.locator(".cm-line").get_by_text("[]", exact=True).wait_for()


@pytest.mark.battery
async def test_an_empty_required_field_focuses_the_editor(chromium: Browser) -> None:
    async with open_bare_page(chromium, field(rest="required")) as bare_page:
        await bare_page.page.get_by_role("button", name="Save").click()
        assert await editor(bare_page.page).evaluate(
            "(element) => element === document.activeElement"
        )


@pytest.mark.battery
async def test_a_readonly_field_cannot_be_edited(chromium: Browser) -> None:
    async with open_bare_page(chromium, field("{", rest="readonly")) as bare_page:
        await append_text(bare_page.page, "}")
        await bare_page.page.keyboard.press("Tab")
        assert await bare_page.page.locator("#body").input_value() == "{"


@pytest.mark.battery
async def test_a_swap_replaces_the_new_textarea_with_an_editor(chromium: Browser) -> None:
    swap = '<button hx-get="/fragment" hx-target="#place">Later</button>'
    first = f'{swap}<div id="place">{field("old")}</div>'
    async with open_bare_page(chromium, first, fragment=field("new")) as bare_page:
        await bare_page.page.get_by_role("button", name="Later").click()
        await bare_page.page.locator(".cm-line", has_text="new").wait_for()
        assert await bare_page.page.locator(".cm-editor").count() == 1


@pytest.mark.battery
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_template_syntax_is_highlighted_inside_json(scheme: str, chromium: Browser) -> None:
    text = '{"a": "{{ data.name | default(\'x\') }}", "b": {{secret:crm}}}'
    async with open_bare_page(chromium, field(text)) as bare_page:
        await bare_page.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for kind, tone in (
            ("name", "name"),
            ("secret", "name"),
            ("filter", "keyword"),
            ("brace", "keyword"),
            ("string", "string"),
        ):
            probe = (
                "(tone) => { const probe = document.createElement('i');"
                " document.body.append(probe); probe.style.color = `var(--code-${tone})`;"
                " const colour = getComputedStyle(probe).color;"
                " probe.remove(); return colour; }"
            )
            colour = await bare_page.page.locator(f".rh-{kind}").first.evaluate(COLOUR)
            assert colour == await bare_page.page.evaluate(probe, tone)


@pytest.mark.battery
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_reports_no_serious_violation_in_an_editor(
    scheme: str, chromium: Browser
) -> None:
    async with open_bare_page(chromium, field(BODY, faults=[FAULT])) as bare_page:
        await bare_page.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        await append_text(bare_page.page, " {{data.")
        await bare_page.page.get_by_role("option").first.wait_for()
        assert await serious_violations(bare_page.page) == []
