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
OFFERED = {
    "names": ["data.email", "data.name", "context.tenant", "secret:crm-token", "job.id"],
    "filters": ["default", "date", "upper"],
}
# Notes the textarea's own events, as a form hears them.
HEARING = """() => {
  window.heard = [];
  for (const name of ["input", "change"]) document.querySelector("form").addEventListener(
    name, (event) => heard.push([name, event.target.id, event.target.value]));
}"""


def field(
    text: str = "", *, kind: str = "template", rest: str = "", faults: Any = (), **offered: Any
) -> str:
    """HTML of a form with one editor between two links."""
    given = html.escape(json.dumps(OFFERED | offered))
    found = html.escape(json.dumps(faults))
    return (
        '<form><a href="#before">Before</a> <label for="body">Body template</label>'
        f'<textarea id="body" name="body" rows="6" data-editor="{kind}" {rest}'
        f' data-completions="{given}" data-faults="{found}">\n{html.escape(text)}</textarea>'
        '<a href="#after" id="after">After</a> <button type="reset">Reset</button>'
        '<button type="submit">Save</button></form>'
    )


def editor(page: Page) -> Any:
    return page.get_by_role("textbox", name="Body template")


async def write(page: Page, text: str) -> None:
    """At the end, key by key."""
    await editor(page).click()
    await page.keyboard.press("Control+End")
    await page.keyboard.type(text)


async def holds(page: Page, text: str) -> None:
    """Waits until the form's field has this text."""
    await page.wait_for_function(
        "(text) => document.querySelector('#body').value === text", arg=text
    )


async def take_offer(page: Page) -> None:
    """Clicks the offer until it is taken: while the list is made anew, a click does nothing."""
    offers = page.get_by_role("option")

    async def taken() -> bool:
        if await offers.count():
            with suppress(Error):
                await offers.first.click(timeout=500)
        return await offers.count() == 0

    await until(taken, description="a completion")


@pytest.mark.battery
@pytest.mark.parametrize("kind", ["template", "lines", "json", "schema", "expression"])
async def test_the_editor_takes_the_place_of_the_textarea_its_text_and_its_name(
    kind: str, chromium: Browser
) -> None:
    async with open_bare_page(chromium, field(BODY, kind=kind)) as made:
        assert await editor(made.page).count() == 1
        assert not await made.page.locator("textarea").is_visible()
        assert await made.page.locator(".cm-line").all_inner_texts() == BODY.split("\n")
        assert await made.page.locator("textarea").input_value() == BODY


@pytest.mark.long
async def test_the_textarea_is_kept_in_step_and_says_so_to_its_form(chromium: Browser) -> None:
    async with open_bare_page(chromium, field("{")) as made:
        await made.page.evaluate(HEARING)
        await write(made.page, "}")
        await holds(made.page, "{}")
        await made.page.get_by_role("button", name="Save").focus()
        heard = await made.page.evaluate("heard")
        assert heard == [["input", "body", "{}"], ["change", "body", "{}"]]


@pytest.mark.battery
async def test_what_is_typed_over_a_coloured_selection_takes_its_place_and_breaks_no_policy(
    chromium: Browser,
) -> None:
    async with open_bare_page(chromium, field('{"name": {{data.em}} }')) as made:
        first = made.page.locator(".cm-line span").first
        await first.dblclick()
        assert await made.page.evaluate("getSelection().toString()") == '{"'
        await made.page.keyboard.type("[")
        await holds(made.page, '[name": {{data.em}} }')
        await made.page.locator(".cm-line span", has_text="data").last.dblclick()
        await made.page.keyboard.type("con")
        await expect(made.page.get_by_role("option")).to_have_text(["context.tenant"])
        await made.page.keyboard.press("Escape")
        await made.page.keyboard.press("Control+z")
        await holds(made.page, '[name": {{data.em}} }')


@pytest.mark.battery
async def test_htmx_sends_the_form_when_the_editor_changes(chromium: Browser) -> None:
    form = field("{", faults=()).replace(
        "<form>",
        '<form hx-get="/piece" hx-target="#after"'
        ' hx-trigger="input changed delay:300ms" hx-sync="this:replace">',
    )
    async with open_bare_page(chromium, form, piece="previewed") as made:
        await write(made.page, "}")
        await made.page.locator("#after", has_text="previewed").wait_for()


@pytest.mark.battery
@pytest.mark.parametrize(
    ("text", "typed", "offered"),
    [
        ("", "{{data.em", "data.email"),
        ("", "{{ sec", "secret:crm-token"),
        ("", "{{secret:c", "secret:crm-token"),
        ("", "{% if con", "context.tenant"),
        ("{{data.name ", "| de", "default"),
        ('{"name": "{{ data.name }}", "id": ', "{{job.", "job.id"),
    ],
)
async def test_what_the_page_offers_completes_what_is_written(
    text: str, typed: str, offered: str, chromium: Browser
) -> None:
    async with open_bare_page(chromium, field(text)) as made:
        begun = typed.rstrip("abcdefghijklmnopqrstuvwxyz.:")
        await write(made.page, typed)
        # The list is made anew after a key: the one that is for all of them offers this alone.
        await expect(made.page.get_by_role("option")).to_have_text([offered])
        await take_offer(made.page)
        await holds(made.page, text + begun + offered)


@pytest.mark.battery
@pytest.mark.parametrize("kind", ["line", "lines"])
async def test_a_text_that_is_no_json_is_completed_within_its_holes(
    kind: str, chromium: Browser
) -> None:
    async with open_bare_page(chromium, field("https://a.example/", kind=kind)) as made:
        await write(made.page, "data.")
        await made.page.keyboard.type("{{context.")
        await expect(made.page.get_by_role("option")).to_have_text(["context.tenant"])
        await take_offer(made.page)
        await holds(made.page, "https://a.example/data.{{context.tenant")


@pytest.mark.battery
async def test_an_editor_of_a_line_stays_one_and_is_filled_by_its_label_as_an_input_is(
    chromium: Browser,
) -> None:
    async with open_bare_page(chromium, field("old", kind="line")) as made:
        labelled = made.page.get_by_label("Body template", exact=True)
        await labelled.fill("https://a.example/")
        await holds(made.page, "https://a.example/")
        await write(made.page, "b")
        await made.page.keyboard.press("Enter")
        await made.page.keyboard.insert_text("c\nd\ne")
        await holds(made.page, "https://a.example/bcde")
        await made.page.get_by_text("Body template", exact=True).click()
        await expect(labelled).to_be_focused()


@pytest.mark.battery
async def test_in_a_condition_all_is_expression(chromium: Browser) -> None:
    async with open_bare_page(chromium, field(kind="expression")) as made:
        await write(made.page, "data.em")
        await expect(made.page.get_by_role("option")).to_have_text(["data.email"])
        await take_offer(made.page)
        await holds(made.page, "data.email")


@pytest.mark.battery
async def test_outside_a_hole_nothing_is_offered(chromium: Browser) -> None:
    async with open_bare_page(chromium, field("{{data.name}} ")) as made:
        await write(made.page, "data.")
        await made.page.keyboard.press("Control+Space")
        # A list opens 0.2 s after a key, by timers of the page: this one comes after them.
        await made.page.evaluate("new Promise(resolve => setTimeout(resolve, 600))")
        assert await made.page.get_by_role("option").count() == 0
        await made.page.keyboard.type("{{")
        await made.page.get_by_role("option").first.wait_for()


@pytest.mark.battery
async def test_what_is_offered_changes_with_the_attribute(chromium: Browser) -> None:
    async with open_bare_page(chromium, field()) as made:
        await made.page.evaluate(
            "document.querySelector('#body').dataset.completions = '{\"names\": [\"data.phone\"]}'"
        )
        await write(made.page, "{{data.")
        await made.page.get_by_role("option", name="data.phone").wait_for()
        assert await made.page.get_by_role("option").count() == 1


@pytest.mark.battery
async def test_the_arrow_and_enter_choose_what_is_offered(chromium: Browser) -> None:
    async with open_bare_page(chromium, field()) as made:
        await write(made.page, "{{data.")
        await made.page.get_by_role("option").first.wait_for()
        chosen = made.page.locator("[role=option][aria-selected=true]", has_text="data.name")
        async with asyncio.timeout(DEADLINE_S):
            while not await chosen.count():
                # A list that has just opened does not take the next key yet.
                await made.page.keyboard.press("ArrowDown")
        await made.page.keyboard.press("Enter")
        await holds(made.page, "{{data.name")
