"""Tests and previews with an event that was captured, instead of one that is made up."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.calls import Api
from tests.support.receiver import Receiver
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
DATA = '{"price": 1.10, "far": 1e400,  "a": 1, "a": 2}'


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


async def made(api: Api, platform: Platform, receiver: Receiver, **fields: Any) -> dict[str, Any]:
    return await api.webhook(platform.organization, url=f"{receiver.url}/hook", **fields)


async def asked(api: Api, webhook: dict[str, Any], call: str, **sample: Any) -> httpx.Response:
    return await api.call("POST", f"/webhooks/{webhook['id']}/{call}", sample)


async def captured(platform: Platform) -> dict[str, Any]:
    """The event of a commit."""
    await platform.commit(DATA)
    (found,) = await platform.rows(
        "select id, type, key, rowhook.event_snapshot(e) as snapshot from rowhook.event e"
        " order by id desc limit 1"
    )
    return found


async def test_a_preview_of_an_event_is_that_event_digit_for_digit(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    event = await captured(platform)
    template = '{"id": {{event.id}}, "type": "{{event.type}}", "at": "{{committed_at}}"}'
    webhook = await made(api, platform, receiver, body_template=template)
    found = (await asked(api, webhook, "preview", event_id=event["id"])).json()["request"]
    at = json.loads(event["snapshot"])["committed_at"]
    body = f'{{"id": {event["id"]}, "type": "goal.committed", "at": "{at}"}}'
    assert found["body"] == body
    assert ["Idempotency-Key", event["key"]] in found["headers"]
    raw = await made(api, platform, receiver, raw_payload=True)
    answer = await asked(api, raw, "preview", event_id=event["id"])
    assert answer.json()["request"]["body"] == DATA


async def test_a_test_of_an_event_is_a_test_with_what_it_was_about(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    event = await captured(platform)
    webhook = await made(api, platform, receiver, raw_payload=True)
    answer = await asked(api, webhook, "test", event_id=event["id"])
    assert answer.json()["outcome"] == "delivered"
    assert receiver.requests[0].body == DATA.encode()
    assert (receiver.requests[0].header("idempotency-key") or "").startswith("test_")
    (left,) = await platform.rows(
        "select type, goal_id, snapshot::text from rowhook.event where type = 'webhook.test'"
    )
    assert (left["goal_id"], left["snapshot"]) == (platform.goal, event["snapshot"])


async def test_data_given_beside_an_event_wins(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    event = await captured(platform)
    webhook = await made(
        api, platform, receiver, body_template='{"goal": "{{goal.id}}", "n": {{data.n}}}'
    )
    answer = await asked(api, webhook, "preview", event_id=event["id"], data={"n": 7})
    assert answer.json()["request"]["body"] == f'{{"goal": "{platform.goal}", "n": 7}}'


async def test_an_event_that_was_too_large_is_tried_with_other_data_alone(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    event = await captured(platform)
    await platform.run("update rowhook.event set data = null, oversize_bytes = 2000000")
    webhook = await made(api, platform, receiver, raw_payload=True)
    found = (await asked(api, webhook, "preview", event_id=event["id"])).json()
    assert (found["outcome"], "2000000 bytes" in found["error"]) == ("render_failed", True)
    answer = await asked(api, webhook, "preview", event_id=event["id"], data=1, context={})
    assert answer.json()["request"]["body"] == "1"


async def test_another_organizations_event_is_not_there(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    other = Platform(platform.db)
    await other.set_up()
    theirs = await captured(other)
    webhook = await made(api, platform, receiver)
    for unknown in (theirs["id"], theirs["id"] + 1, 0, -1, 2**70):
        for call in ("test", "preview"):
            answer = await asked(api, webhook, call, event_id=unknown)
            assert answer.status_code == 404, (unknown, answer.text)
            assert answer.json()["detail"] == f"Event {unknown} does not exist."


@pytest.mark.parametrize("named", ["agent_id", "goal_id"])
async def test_an_event_beside_an_agent_or_a_goal_is_refused(
    api: Api, platform: Platform, receiver: Receiver, named: str
) -> None:
    webhook = await made(api, platform, receiver)
    for call in ("test", "preview"):
        other = {named: str(platform.agent)}
        answer = await asked(api, webhook, call, event_id=1, **other)
        assert answer.status_code == 422
        assert [one["pointer"] for one in answer.json()["errors"]] == ["/event_id"]
