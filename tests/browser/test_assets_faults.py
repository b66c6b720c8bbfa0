"""The editor's faults, its way in and out, and its colours, in Chromium."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.browser.test_assets_editor import BODY, editor, field, holds, write
from tests.support.axe import serious_faults
from tests.support.bare_page import open_bare_page
from tests.support.browser import needs_chromium

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]
MEANT: dict[str, Any] = {"line": 3, "column": 14, "message": "data.emial: did you mean data.email?"}
# Of the innermost element: that is the colour of the text itself.
COLOUR = """(one) => {
  while (one.firstElementChild) one = one.firstElementChild;
  return getComputedStyle(one).color;
}"""
FOCUSED = "document.activeElement.id || document.activeElement.textContent"


async def underlined(page: Page, text: str) -> None:
    """Waits until this and no more is marked as a fault; colours may split it."""
    await page.wait_for_function(
        """(text) => text === [...document.querySelectorAll(".cm-lintRange-error")]
          .map((one) => one.textContent).join("")""",
        arg=text,
    )


@pytest.mark.long
async def test_a_fault_is_shown_at_its_place_and_told_on_hover(chromium: Browser) -> None:
    async with open_bare_page(chromium, field(BODY, faults=[MEANT])) as made:
        await underlined(made.page, "data.emial")
        await made.page.locator(".cm-lintRange-error").first.hover()
        await made.page.get_by_text(MEANT["message"]).wait_for()
        assert await made.page.locator(".cm-lint-marker-error").count() == 1


@pytest.mark.battery
@pytest.mark.parametrize(
    ("line", "column", "marked"),
    [(2, None, '"name": "{{data.name}}",'), (99, None, "}"), (4, 99, ""), (None, None, "{")],
)
async def test_a_fault_without_a_column_has_the_line_and_none_is_lost(
    line: int | None, column: int | None, marked: str, chromium: Browser
) -> None:
    fault = {"line": line, "column": column, "message": "no"}
    async with open_bare_page(chromium, field(BODY, faults=[fault])) as made:
        await underlined(made.page, marked)
        await made.page.locator(".cm-lint-marker-error").wait_for()


@pytest.mark.battery
async def test_of_a_quoted_text_all_is_marked(chromium: Browser) -> None:
    fault = {"line": 2, "column": 3, "message": "no"}
    async with open_bare_page(chromium, field(BODY, faults=[fault])) as made:
        await underlined(made.page, '"name"')


@pytest.mark.battery
async def test_faults_change_with_the_attribute_and_with_the_event(chromium: Browser) -> None:
    async with open_bare_page(chromium, field(BODY, faults=[MEANT])) as made:
        await made.page.evaluate("document.querySelector('#body').dataset.faults = '[]'")
        await underlined(made.page, "")
        await made.page.evaluate(
            "(detail) => document.querySelector('#body')"
            ".dispatchEvent(new CustomEvent('rowhook:faults', {detail}))",
            [MEANT],
        )
        await underlined(made.page, "data.emial")
        await made.page.evaluate(
            "(text) => { document.querySelector('#body').dataset.faults = text; }",
            json.dumps([MEANT | {"line": 1, "column": 1}]),
        )
        await underlined(made.page, "{")


@pytest.mark.battery
async def test_foreign_text_in_a_fault_stays_text(chromium: Browser) -> None:
    message = "<img src=x onerror=alert(1)>"
    async with open_bare_page(chromium, field(BODY, faults=[MEANT | {"message": message}])) as made:
        await made.page.locator(".cm-lintRange-error").first.hover()
        await made.page.get_by_text(message).wait_for()
        assert await made.page.locator("img").count() == 0


@pytest.mark.battery
async def test_tab_goes_in_and_out_of_the_editor_both_ways(chromium: Browser) -> None:
    async with open_bare_page(chromium, field(BODY)) as made:
        await made.page.get_by_role("link", name="Before").focus()
        await made.page.keyboard.press("Tab")
        assert await editor(made.page).evaluate("(one) => one === document.activeElement")
        await made.page.keyboard.press("Tab")
        assert await made.page.evaluate(FOCUSED) == "after"
        await made.page.keyboard.press("Shift+Tab")
        await made.page.keyboard.press("Shift+Tab")
        assert await made.page.evaluate(FOCUSED) == "Before"
        assert await made.page.locator("#body").input_value() == BODY


@pytest.mark.battery
async def test_the_editor_shows_that_it_has_the_focus(chromium: Browser) -> None:
    async with open_bare_page(chromium, field(BODY)) as made:
        await made.page.get_by_text("Body template").click()
        assert await editor(made.page).evaluate("(one) => one === document.activeElement")
        frame = made.page.locator(".cm-editor")
        assert await frame.evaluate("(one) => getComputedStyle(one).outlineStyle") == "solid"


@pytest.mark.battery
async def test_what_is_undone_and_reset_reaches_the_field(chromium: Browser) -> None:
    async with open_bare_page(chromium, field("{")) as made:
        await write(made.page, "}")
        await made.page.keyboard.press("Control+z")
        await holds(made.page, "{")
        await write(made.page, "}}")
        await made.page.get_by_role("button", name="Reset").click()
        await made.page.locator(".cm-line").get_by_text("{", exact=True).wait_for()
        await holds(made.page, "{")


@pytest.mark.battery
async def test_a_preset_that_the_page_writes_into_the_field_is_in_the_editor(
    chromium: Browser,
) -> None:
    async with open_bare_page(chromium, field("{")) as made:
        await made.page.locator("#body").evaluate(
            "(one) => { one.value = '[]'; one.dispatchEvent(new Event('change')); }"
        )
        await made.page.locator(".cm-line").get_by_text("[]", exact=True).wait_for()


@pytest.mark.battery
async def test_a_field_that_must_be_filled_calls_for_it_in_the_editor(chromium: Browser) -> None:
    async with open_bare_page(chromium, field(rest="required")) as made:
        await made.page.get_by_role("button", name="Save").click()
        assert await editor(made.page).evaluate("(one) => one === document.activeElement")


@pytest.mark.battery
async def test_a_field_that_is_only_read_is_not_written(chromium: Browser) -> None:
    async with open_bare_page(chromium, field("{", rest="readonly")) as made:
        await write(made.page, "}")
        await made.page.keyboard.press("Tab")
        assert await made.page.locator("#body").input_value() == "{"


@pytest.mark.battery
async def test_a_swap_puts_an_editor_in_the_place_of_the_new_textarea(chromium: Browser) -> None:
    swap = '<button hx-get="/piece" hx-target="#place">Later</button>'
    first = f'{swap}<div id="place">{field("old")}</div>'
    async with open_bare_page(chromium, first, piece=field("new")) as made:
        await made.page.get_by_role("button", name="Later").click()
        await made.page.locator(".cm-line", has_text="new").wait_for()
        assert await made.page.locator(".cm-editor").count() == 1


@pytest.mark.battery
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_language_has_the_colours_of_the_page_inside_json(
    scheme: str, chromium: Browser
) -> None:
    text = '{"a": "{{ data.name | default(\'x\') }}", "b": {{secret:crm}}}'
    async with open_bare_page(chromium, field(text)) as made:
        await made.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for kind, tone in (
            ("name", "name"),
            ("secret", "name"),
            ("filter", "keyword"),
            ("brace", "keyword"),
            ("string", "string"),
        ):
            probe = (
                "(tone) => { const one = document.createElement('i'); document.body.append(one);"
                " one.style.color = `var(--code-${tone})`; const it = getComputedStyle(one).color;"
                " one.remove(); return it; }"
            )
            found = await made.page.locator(f".rh-{kind}").first.evaluate(COLOUR)
            assert found == await made.page.evaluate(probe, tone)


@pytest.mark.battery
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious_in_an_editor(scheme: str, chromium: Browser) -> None:
    async with open_bare_page(chromium, field(BODY, faults=[MEANT])) as made:
        await made.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        await write(made.page, " {{data.")
        await made.page.get_by_role("option").first.wait_for()
        assert await serious_faults(made.page) == []
