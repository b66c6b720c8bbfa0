"""Excerpts of long bodies on pages: the displayed part, the omitted lines, every fault."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from rowhook.dashboard.code_snippets import as_curl
from rowhook.dashboard.display_format import MAX_CHARACTERS, MAX_LINES, excerpt, indented
from rowhook.services.previews import PreviewFault
from tests.browser.test_dashboard_sign_in import sign_in
from tests.support.calls import running_api
from tests.support.certificates import trust
from tests.support.worker_rig import Rig

LINES = "{\n" + ",\n".join(f'  "key{n}": "{n}"' for n in range(8_000)) + "\n}"


@pytest.fixture
async def visitor(rig: Rig) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of an API with the keyring of the rig."""
    async with (
        running_api(rig.dsn, keyring=rig.keyring) as api,
        httpx.AsyncClient(verify=trust(), base_url=api.url) as client,
    ):
        yield client


def make_fault(line: int | None, column: int | None = 1) -> PreviewFault:
    return PreviewFault(at="body", pointer="/a", message="wrong", line=line, column=column)


def test_a_short_text_is_displayed_completely_with_its_faults() -> None:
    result = excerpt("a\nb\nc", [make_fault(2), make_fault(None)])
    assert result.is_whole
    assert [(line.number, line.text, len(line.faults)) for line in result.lines] == [
        (1, "a", 0),
        (2, "b", 1),
        (3, "c", 0),
    ]
    assert result.elsewhere == []


@pytest.mark.parametrize("line", [None, 3, 5_000, 8_002])
def test_a_long_text_is_cut_around_the_first_fault_and_keeps_every_fault(
    line: int | None,
) -> None:
    faults = [make_fault(line), make_fault(8_001)]
    result = excerpt(LINES, faults)
    assert len(result.lines) <= MAX_LINES
    assert result.before + len(result.lines) + result.after == LINES.count("\n") + 1
    shown_faults = [make_fault for row in result.lines for make_fault in row.faults]
    assert [make_fault.line for make_fault in shown_faults + result.elsewhere] == sorted(
        make_fault.line for make_fault in faults if make_fault.line
    )
    assert not line or result.lines[0].number <= line <= result.lines[-1].number


def test_a_long_line_is_cut_shortly_before_its_fault() -> None:
    text = "x" * 700_000 + "WRONG" + "y" * 300_000
    (line,) = excerpt("first\n" + text, [make_fault(2, 700_001)]).lines[-1:]
    assert len(line.text) <= MAX_CHARACTERS
    assert "WRONG" in line.text[:300]
    assert line.before + len(line.text) + line.after == len(text)
    assert excerpt(text).lines[0].text == text[:MAX_CHARACTERS]


def test_lines_before_a_fault_are_dropped_if_they_are_too_long() -> None:
    result = excerpt(f"{'x' * 100_000}\nWRONG", [make_fault(2)])
    assert [line.text for line in result.lines] == ["WRONG"]


def test_only_short_and_flat_json_is_indented() -> None:
    assert indented('{"a":1.50}') == '{\n  "a": 1.50\n}'
    for text in ("no JSON", "[" * 5_000 + "]" * 5_000, json.dumps(["x" * MAX_CHARACTERS])):
        assert indented(text) == text


def test_a_long_body_is_read_from_a_file_by_curl() -> None:
    request = {"method": "POST", "url": "https://a.example/", "headers": [], "body": "x" * 100_000}
    command = as_curl(request)
    assert len(command) < 300
    assert command.startswith(
        "# Save the body (100,000 characters) in a file named body first.\ncurl"
    )


@pytest.mark.long
@pytest.mark.anyio
async def test_the_preview_of_a_long_body_is_truncated(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    form = {
        "csrf": await sign_in(visitor),
        "name": "x",
        "url": rig.receiver.url,
        "body": "raw",
        "organization": str(rig.platform.organization),
        "retry_schedule_s": "0",
    }
    event = await rig.platform.commit(LINES)
    event_id = await rig.platform.value("select id from rowhook.event where key = %s", event)
    page = await visitor.post("/webhooks/preview", data=form | {"sample": f"event:{event_id}"})
    assert "The delivery would be sent." in page.text
    assert "… 7,602 lines after" in page.text
    assert len(page.text) < 200_000


@pytest.mark.long
@pytest.mark.anyio
async def test_a_page_of_long_held_deliveries_is_truncated_and_lists_every_fault(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    texts = {f"key{n}": {"type": "number"} for n in range(1_000, 8_000, 1_000)}
    webhook = await rig.webhook(raw_payload=True, schema={"properties": texts})
    for _ in range(4):
        await rig.platform.commit(LINES)
    async with rig.worker():
        await rig.reaches("held", count=4)
    await sign_in(visitor)
    page = (await visitor.get(f"/held/{webhook.id}")).text
    assert page.count("line 7002, /key7000:") == 4
    assert len(page) < 400_000
