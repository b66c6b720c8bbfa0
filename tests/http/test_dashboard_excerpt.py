"""Long bodies on pages: the part that matters, how much more there is, and every fault."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from rowhook.dashboard.curl import as_curl
from rowhook.dashboard.display_format import MAX_CHARACTERS, MAX_LINES, excerpt, indented
from rowhook.services.previews import PreviewFault
from tests.browser.test_dashboard_sign_in import enter
from tests.support.calls import running_api
from tests.support.worker_rig import Rig

LINES = "{\n" + ",\n".join(f'  "key{place}": "{place}"' for place in range(8_000)) + "\n}"


@pytest.fixture
async def visitor(rig: Rig) -> AsyncIterator[httpx.AsyncClient]:
    """Without JavaScript, of an API that can open what the rig sealed."""
    async with (
        running_api(rig.dsn, keyring=rig.keyring) as api,
        httpx.AsyncClient(base_url=api.url) as client,
    ):
        yield client


def fault(line: int | None, column: int | None = 1) -> PreviewFault:
    return PreviewFault(at="body", pointer="/a", message="wrong", line=line, column=column)


def test_a_short_text_is_whole_with_its_faults_at_their_lines() -> None:
    found = excerpt("a\nb\nc", [fault(2), fault(None)])
    assert found.is_whole
    assert [(one.number, one.text, len(one.faults)) for one in found.lines] == [
        (1, "a", 0),
        (2, "b", 1),
        (3, "c", 0),
    ]
    assert found.elsewhere == []


@pytest.mark.parametrize("line", [None, 3, 5_000, 8_002])
def test_of_many_lines_those_around_the_first_fault_are_shown_and_no_fault_is_lost(
    line: int | None,
) -> None:
    faults = [fault(line), fault(8_001)]
    found = excerpt(LINES, faults)
    assert len(found.lines) <= MAX_LINES
    assert found.before + len(found.lines) + found.after == LINES.count("\n") + 1
    shown = [one for each in found.lines for one in each.faults]
    assert [one.line for one in shown + found.elsewhere] == sorted(
        one.line for one in faults if one.line
    )
    assert not line or found.lines[0].number <= line <= found.lines[-1].number


def test_a_long_line_begins_a_little_before_its_fault() -> None:
    text = "x" * 700_000 + "WRONG" + "y" * 300_000
    (line,) = excerpt("first\n" + text, [fault(2, 700_001)]).lines[-1:]
    assert len(line.text) <= MAX_CHARACTERS
    assert "WRONG" in line.text[:300]
    assert line.before + len(line.text) + line.after == len(text)
    assert excerpt(text).lines[0].text == text[:MAX_CHARACTERS]


def test_lines_before_a_fault_leave_it_room() -> None:
    found = excerpt(f"{'x' * 100_000}\nWRONG", [fault(2)])
    assert [one.text for one in found.lines] == ["WRONG"]


def test_only_what_is_short_and_flat_enough_is_laid_out() -> None:
    assert indented('{"a":1.50}') == '{\n  "a": 1.50\n}'
    for text in ("no JSON", "[" * 5_000 + "]" * 5_000, json.dumps(["x" * MAX_CHARACTERS])):
        assert indented(text) == text


def test_a_long_body_is_no_argument_of_a_command() -> None:
    request = {"method": "POST", "url": "https://a.example/", "headers": [], "body": "x" * 100_000}
    command = as_curl(request)
    assert len(command) < 300
    assert command.startswith(
        "# Save the body (100,000 characters) in a file named body first.\ncurl"
    )


@pytest.mark.long
@pytest.mark.anyio
async def test_a_preview_of_a_long_body_is_a_short_page(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    form = {
        "csrf": await enter(visitor),
        "name": "x",
        "url": rig.receiver.url,
        "body": "raw",
        "organization": str(rig.platform.organization),
        "retry_schedule_s": "0",
    }
    event = await rig.platform.commit(LINES)
    found = await rig.platform.value("select id from rowhook.event where key = %s", event)
    page = await visitor.post("/webhooks/preview", data=form | {"sample": f"event:{found}"})
    assert "The delivery would be sent." in page.text
    assert "… 7,602 lines after" in page.text
    assert len(page.text) < 200_000


@pytest.mark.long
@pytest.mark.anyio
async def test_a_page_of_long_held_deliveries_is_a_short_page_and_lists_every_fault(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    texts = {f"key{place}": {"type": "number"} for place in range(1_000, 8_000, 1_000)}
    webhook = await rig.webhook(raw_payload=True, schema={"properties": texts})
    for _ in range(4):
        await rig.platform.commit(LINES)
    async with rig.worker():
        await rig.reaches("held", count=4)
    await enter(visitor)
    page = (await visitor.get(f"/held/{webhook.id}")).text
    assert page.count("line 7002, /key7000:") == 4
    assert len(page) < 400_000
