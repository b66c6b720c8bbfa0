"""`rowhook test` and `rowhook preview`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import CommandLine
from tests.support.receiver import Receiver, answer
from tests.support.sample_platform import Platform

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("platform")]
LOOPBACK = {"ROWHOOK_ALLOW_NETWORKS": "127.0.0.0/8"}
TEMPLATE = '{"n": {{data.n}}}'


@pytest.fixture
def hands(folder: Path, dsn: str) -> CommandLine:
    return CommandLine(folder=folder, dsn=dsn)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


async def create_webhook(hands: CommandLine, receiver: Receiver, *options: str) -> str:
    """Creates a webhook that calls the receiver; returns its id."""
    create = ("webhooks", "create", "--name", "CRM", "--url", f"{receiver.url}/hook")
    webhook: dict[str, Any] = await hands.json(*create, *options, **LOOPBACK)
    return str(webhook["id"])


async def test_a_test_prints_the_request_the_response_and_timings(
    hands: CommandLine, receiver: Receiver, platform: Platform
) -> None:
    webhook = await create_webhook(hands, receiver, "--body-template", TEMPLATE)
    output = await hands.ok("test", webhook, "--data", '{"n": 7}', **LOOPBACK)
    for line in (f"> POST {receiver.url}/hook", '> {"n": 7}', "< 200", "delivered", "first byte"):
        assert line in output
    (arrived,) = receiver.requests
    assert arrived.body == b'{"n": 7}'
    assert await platform.deliveries() == []


async def test_a_test_that_is_not_delivered_exits_1(hands: CommandLine, receiver: Receiver) -> None:
    receiver.script("/hook", answer(503))
    webhook = await create_webhook(hands, receiver)
    result = await hands.type("test", webhook, **LOOPBACK)
    assert result.code == 1
    assert "< 503" in result.out
    result = await hands.type("test", webhook, "--json")
    assert result.code == 1
    assert '"outcome": "target_forbidden"' in result.out


async def test_a_preview_sends_nothing_and_reports_faults(
    hands: CommandLine, receiver: Receiver, platform: Platform
) -> None:
    schema = hands.folder / "schema.json"
    schema.write_text('{"properties": {"n": {"type": "integer"}}}')
    webhook = await create_webhook(
        hands, receiver, "--body-template", TEMPLATE, "--schema-file", str(schema)
    )
    preview = ("preview", webhook, "--goal", platform.goal)
    output = await hands.ok(*preview, "--data", '{"n": 7}', **LOOPBACK)
    assert '> {"n": 7}' in output
    assert "Nothing was sent" in output
    data = hands.folder / "data.json"
    data.write_text('{"n": "seven"}')
    result = await hands.type(*preview, "--data-file", str(data), **LOOPBACK)
    assert result.code == 1
    assert "Invalid (schema_failed): /n" in result.out
    assert receiver.requests == []


async def test_a_captured_event_can_be_previewed(
    hands: CommandLine, receiver: Receiver, platform: Platform
) -> None:
    webhook = await create_webhook(hands, receiver, "--body-template", "{{data}}")
    await platform.commit('{"price":1.10}')
    (event,) = await platform.rows("select id from rowhook.event")
    output = await hands.ok("preview", webhook, "--event", str(event["id"]), **LOOPBACK)
    assert '> {"price":1.10}' in output
    await hands.ok("test", webhook, "--event", str(event["id"]), **LOOPBACK)
    assert receiver.requests[0].body == b'{"price":1.10}'
    result = await hands.type("preview", webhook, "--event", "4242", **LOOPBACK)
    assert result.code == 1
    assert "4242" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "{"], "Invalid JSON"),
        (["--data", "1", "--data-file", "-"], "--data or --data-file, not both"),
        (["--event", "1", "--goal", "g"], "--event or --goal, not both"),
        (["--goal", "g", "--agent", "0b7c3a4e-7f1e-4d8e-8b4b-3a1f0c9d2e5f"], "not both"),
    ],
)
async def test_an_invalid_sample_exits_2(
    hands: CommandLine, receiver: Receiver, arguments: list[str], message: str
) -> None:
    webhook = await create_webhook(hands, receiver)
    (await hands.type("preview", webhook, *arguments)).refused(2, message)
