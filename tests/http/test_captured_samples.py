"""Tests and previews with a captured event."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.calls import Api
from tests.support.receiver import Receiver
from tests.support.sample_platform import Platform, other_platform

pytestmark = pytest.mark.anyio
DATA = '{"price": 1.10, "far": 1e400,  "a": 1, "a": 2}'


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


async def create_webhook(
    api: Api, platform: Platform, receiver: Receiver, **fields: Any
) -> dict[str, Any]:
    return await api.webhook(platform.organization, url=f"{receiver.url}/hook", **fields)


async def call_with_sample(
    api: Api, webhook: dict[str, Any], call: str, **sample: Any
) -> httpx.Response:
    return await api.call("POST", f"/webhooks/{webhook['id']}/{call}", sample)


async def capture_event(platform: Platform) -> dict[str, Any]:
    """Creates a commit and returns its event."""
    await platform.commit(DATA)
    (event,) = await platform.rows(
        "select id, type, key, rowhook.event_snapshot(e) as snapshot from rowhook.event e"
        " order by id desc limit 1"
    )
    return event


async def test_a_preview_of_an_event_keeps_every_digit(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    event = await capture_event(platform)
    template = '{"id": {{event.id}}, "type": "{{event.type}}", "at": "{{committed_at}}"}'
    webhook = await create_webhook(api, platform, receiver, body_template=template)
    result = (await call_with_sample(api, webhook, "preview", event_id=event["id"])).json()[
        "request"
    ]
    at = json.loads(event["snapshot"])["committed_at"]
    body = f'{{"id": {event["id"]}, "type": "goal.committed", "at": "{at}"}}'
    assert result["body"] == body
    assert ["Idempotency-Key", event["key"]] in result["headers"]
    raw = await create_webhook(api, platform, receiver, raw_payload=True)
    response = await call_with_sample(api, raw, "preview", event_id=event["id"])
    assert response.json()["request"]["body"] == DATA


async def test_a_test_of_an_event_uses_its_data_and_snapshot(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    event = await capture_event(platform)
    webhook = await create_webhook(api, platform, receiver, raw_payload=True)
    response = await call_with_sample(api, webhook, "test", event_id=event["id"])
    assert response.json()["outcome"] == "delivered"
    assert receiver.requests[0].body == DATA.encode()
    assert (receiver.requests[0].header("idempotency-key") or "").startswith("test_")
    (test_event,) = await platform.rows(
        "select type, goal_id, snapshot::text from rowhook.event where type = 'webhook.test'"
    )
    assert (test_event["goal_id"], test_event["snapshot"]) == (platform.goal, event["snapshot"])


async def test_explicit_data_overrides_the_data_of_an_event(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    event = await capture_event(platform)
    webhook = await create_webhook(
        api, platform, receiver, body_template='{"goal": "{{goal.id}}", "n": {{data.n}}}'
    )
    response = await call_with_sample(api, webhook, "preview", event_id=event["id"], data={"n": 7})
    assert response.json()["request"]["body"] == f'{{"goal": "{platform.goal}", "n": 7}}'


async def test_an_oversized_event_can_only_be_previewed_with_other_data(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    event = await capture_event(platform)
    await platform.run("update rowhook.event set data = null, oversize_bytes = 2000000")
    webhook = await create_webhook(api, platform, receiver, raw_payload=True)
    result = (await call_with_sample(api, webhook, "preview", event_id=event["id"])).json()
    assert (result["outcome"], "2000000 bytes" in result["error"]) == ("render_failed", True)
    response = await call_with_sample(
        api, webhook, "preview", event_id=event["id"], data=1, context={}
    )
    assert response.json()["request"]["body"] == "1"


async def test_an_event_of_another_organization_does_not_exist(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    other = await other_platform(platform)
    foreign_event = await capture_event(other)
    webhook = await create_webhook(api, platform, receiver)
    for unknown in (foreign_event["id"], foreign_event["id"] + 1, 0, -1, 2**70):
        for call in ("test", "preview"):
            response = await call_with_sample(api, webhook, call, event_id=unknown)
            assert response.status_code == 404, (unknown, response.text)
            assert response.json()["detail"] == f"Event {unknown} does not exist."


@pytest.mark.parametrize("field", ["agent_id", "goal_id"])
async def test_an_event_together_with_an_agent_or_a_goal_is_refused(
    api: Api, platform: Platform, receiver: Receiver, field: str
) -> None:
    webhook = await create_webhook(api, platform, receiver)
    for call in ("test", "preview"):
        other = {field: str(platform.agent)}
        response = await call_with_sample(api, webhook, call, event_id=1, **other)
        assert response.status_code == 422
        assert [error["pointer"] for error in response.json()["errors"]] == ["/event_id"]
