"""The editor in Chromium, under the dashboard's policy."""

from __future__ import annotations

import asyncio
import html
import json
from contextlib import suppress
from typing import Any

import pytest
from playwright.async_api import Browser, Error, Page, expect

from tests.support.bare_page import open_bare_page
from tests.support.browser import needs_chromium
from tests.support.deadline import DEADLINE_S
from tests.support.worker_rig import until

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]
BODY = '{\n  "name": "{{data.name}}",\n  "email": {{data.emial}}\n}'
COMPLETIONS = {
    "names": ["data.email", "data.name", "context.tenant", "secret:crm-token", "job.id"],
    "filters": ["default", "date", "upper"],
}
# Records the events of the textarea that reach the form.
RECORD_EVENTS = """() => {
  window.events = [];
  for (const name of ["input", "change"]) document.querySelector("form").addEventListener(
    name, (event) => events.push([name, event.target.id, event.target.value]));
}"""


def field(
    text: str = "", *, kind: str = "template", rest: str = "", faults: Any = (), **overrides: Any
) -> str:
    """HTML of a form with one editor between two links."""
    completions = html.escape(json.dumps(COMPLETIONS | overrides))
    fault_data = html.escape(json.dumps(faults))
    return (
        '<form><a href="#before">Before</a> <label for="body">Body template</label>'
        f'<textarea id="body" name="body" rows="6" data-editor="{kind}" {rest}'
        f' data-completions="{completions}" data-faults="{fault_data}">\n'
        f"{html.escape(text)}</textarea>"
        '<a href="#after" id="after">After</a> <button type="reset">Reset</button>'
        '<button type="submit">Save</button></form>'
    )


def editor(page: Page) -> Any:
    return page.get_by_role("textbox", name="Body template")


async def append_text(page: Page, text: str) -> None:
    """Types text at the end of the editor."""
    await editor(page).click()
    await page.keyboard.press("Control+End")
    await page.keyboard.type(text)


async def wait_for_value(page: Page, text: str) -> None:
    """Waits until the textarea has this value."""
    await page.wait_for_function(
        "(text) => document.querySelector('#body').value === text", arg=text
    )


async def accept_completion(page: Page) -> None:
    """Clicks the first completion until the list closes: a click during an update has no effect."""
    options = page.get_by_role("option")

    async def is_accepted() -> bool:
        if await options.count():
            with suppress(Error):
                await options.first.click(timeout=500)
        return await options.count() == 0

    await until(is_accepted, description="a completion")


@pytest.mark.battery
@pytest.mark.parametrize("kind", ["template", "lines", "json", "schema", "expression"])
async def test_the_editor_replaces_the_textarea_and_keeps_its_text_and_label(
    kind: str, chromium: Browser
) -> None:
    async with open_bare_page(chromium, field(BODY, kind=kind)) as bare_page:
        assert await editor(bare_page.page).count() == 1
        assert not await bare_page.page.locator("textarea").is_visible()
        assert await bare_page.page.locator(".cm-line").all_inner_texts() == BODY.split("\n")
        assert await bare_page.page.locator("textarea").input_value() == BODY


@pytest.mark.long
async def test_the_textarea_follows_the_editor_and_fires_input_and_change(
    chromium: Browser,
) -> None:
    async with open_bare_page(chromium, field("{")) as bare_page:
        await bare_page.page.evaluate(RECORD_EVENTS)
        await append_text(bare_page.page, "}")
        await wait_for_value(bare_page.page, "{}")
        await bare_page.page.get_by_role("button", name="Save").focus()
        events = await bare_page.page.evaluate("events")
        assert events == [["input", "body", "{}"], ["change", "body", "{}"]]


@pytest.mark.battery
async def test_typing_replaces_a_highlighted_selection_without_violating_the_policy(
    chromium: Browser,
) -> None:
    async with open_bare_page(chromium, field('{"name": {{data.em}} }')) as bare_page:
        first = bare_page.page.locator(".cm-line span").first
        await first.dblclick()
        assert await bare_page.page.evaluate("getSelection().toString()") == '{"'
        await bare_page.page.keyboard.type("[")
        await wait_for_value(bare_page.page, '[name": {{data.em}} }')
        await bare_page.page.locator(".cm-line span", has_text="data").last.dblclick()
        await bare_page.page.keyboard.type("con")
        await expect(bare_page.page.get_by_role("option")).to_have_text(["context.tenant"])
        await bare_page.page.keyboard.press("Escape")
        await bare_page.page.keyboard.press("Control+z")
        await wait_for_value(bare_page.page, '[name": {{data.em}} }')


@pytest.mark.battery
async def test_htmx_submits_the_form_when_the_editor_changes(chromium: Browser) -> None:
    form = field("{", faults=()).replace(
        "<form>",
        '<form hx-get="/fragment" hx-target="#after"'
        ' hx-trigger="input changed delay:300ms" hx-sync="this:replace">',
    )
    async with open_bare_page(chromium, form, fragment="previewed") as bare_page:
        await append_text(bare_page.page, "}")
        await bare_page.page.locator("#after", has_text="previewed").wait_for()


@pytest.mark.battery
@pytest.mark.parametrize(
    ("text", "keys", "completion"),
    [
        ("", "{{data.em", "data.email"),
        ("", "{{ sec", "secret:crm-token"),
        ("", "{{secret:c", "secret:crm-token"),
        ("", "{% if con", "context.tenant"),
        ("{{data.name ", "| de", "default"),
        ('{"name": "{{ data.name }}", "id": ', "{{job.", "job.id"),
    ],
)
async def test_completions_of_the_page_complete_the_typed_text(
    text: str, keys: str, completion: str, chromium: Browser
) -> None:
    async with open_bare_page(chromium, field(text)) as bare_page:
        prefix = keys.rstrip("abcdefghijklmnopqrstuvwxyz.:")
        await append_text(bare_page.page, keys)
        # The list is updated after each key; once it has caught up, a single option remains.
        await expect(bare_page.page.get_by_role("option")).to_have_text([completion])
        await accept_completion(bare_page.page)
        await wait_for_value(bare_page.page, text + prefix + completion)


@pytest.mark.battery
@pytest.mark.parametrize("kind", ["line", "lines"])
async def test_text_that_is_not_json_is_completed_inside_expressions(
    kind: str, chromium: Browser
) -> None:
    async with open_bare_page(chromium, field("https://a.example/", kind=kind)) as bare_page:
        await append_text(bare_page.page, "data.")
        await bare_page.page.keyboard.type("{{context.")
        await expect(bare_page.page.get_by_role("option")).to_have_text(["context.tenant"])
        await accept_completion(bare_page.page)
        await wait_for_value(bare_page.page, "https://a.example/data.{{context.tenant")


@pytest.mark.battery
async def test_a_single_line_editor_stays_on_one_line_and_is_filled_by_its_label(
    chromium: Browser,
) -> None:
    async with open_bare_page(chromium, field("old", kind="line")) as bare_page:
        textbox = bare_page.page.get_by_label("Body template", exact=True)
        await textbox.fill("https://a.example/")
        await wait_for_value(bare_page.page, "https://a.example/")
        await append_text(bare_page.page, "b")
        await bare_page.page.keyboard.press("Enter")
        await bare_page.page.keyboard.insert_text("c\nd\ne")
        await wait_for_value(bare_page.page, "https://a.example/bcde")
        await bare_page.page.get_by_text("Body template", exact=True).click()
        await expect(textbox).to_be_focused()


@pytest.mark.battery
async def test_the_whole_text_of_a_condition_is_an_expression(chromium: Browser) -> None:
    async with open_bare_page(chromium, field(kind="expression")) as bare_page:
        await append_text(bare_page.page, "data.em")
        await expect(bare_page.page.get_by_role("option")).to_have_text(["data.email"])
        await accept_completion(bare_page.page)
        await wait_for_value(bare_page.page, "data.email")


@pytest.mark.battery
async def test_no_completions_are_offered_outside_an_expression(chromium: Browser) -> None:
    async with open_bare_page(chromium, field("{{data.name}} ")) as bare_page:
        await append_text(bare_page.page, "data.")
        await bare_page.page.keyboard.press("Control+Space")
        # A list opens 0.2 s after a key, by timers of the page. This timer fires after them.
        await bare_page.page.evaluate("new Promise(resolve => setTimeout(resolve, 600))")
        assert await bare_page.page.get_by_role("option").count() == 0
        await bare_page.page.keyboard.type("{{")
        await bare_page.page.get_by_role("option").first.wait_for()


@pytest.mark.battery
async def test_completions_change_with_the_attribute(chromium: Browser) -> None:
    async with open_bare_page(chromium, field()) as bare_page:
        await bare_page.page.evaluate(
            "document.querySelector('#body').dataset.completions = '{\"names\": [\"data.phone\"]}'"
        )
        await append_text(bare_page.page, "{{data.")
        await bare_page.page.get_by_role("option", name="data.phone").wait_for()
        assert await bare_page.page.get_by_role("option").count() == 1


@pytest.mark.battery
async def test_arrow_down_and_enter_choose_a_completion(chromium: Browser) -> None:
    async with open_bare_page(chromium, field()) as bare_page:
        await append_text(bare_page.page, "{{data.")
        await bare_page.page.get_by_role("option").first.wait_for()
        chosen = bare_page.page.locator("[role=option][aria-selected=true]", has_text="data.name")
        async with asyncio.timeout(DEADLINE_S):
            while not await chosen.count():
                # A list that has just opened ignores keys for a moment.
                await bare_page.page.keyboard.press("ArrowDown")
        await bare_page.page.keyboard.press("Enter")
        await wait_for_value(bare_page.page, "{{data.name")
