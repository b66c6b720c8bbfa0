"""Test sends and previews over REST."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from tests.engine.test_worker import verify_with_libraries
from tests.support.calls import Api, running_api
from tests.support.receiver import Receiver, answer, stall
from tests.support.sample_platform import Platform, other_platform

pytestmark = pytest.mark.anyio
CANARY = "canary-4b1d-7f"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


async def create_webhook(
    api: Api, platform: Platform, receiver: Receiver, **fields: Any
) -> dict[str, Any]:
    return await api.webhook(platform.organization, url=f"{receiver.url}/hook", **fields)


async def send_test(api: Api, webhook: dict[str, Any], **sample: Any) -> dict[str, Any]:
    response = await api.call("POST", f"/webhooks/{webhook['id']}/test", sample or None)
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


async def test_a_test_is_signed_and_creates_only_an_event_and_an_audit_row(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    webhook = await create_webhook(api, platform, receiver)
    result = await send_test(api, webhook)
    (request,) = receiver.requests
    assert (result["outcome"], result["response"]["status"], result["error"]) == (
        "delivered",
        200,
        None,
    )
    assert (request.header("idempotency-key") or "").startswith("test_")
    verify_with_libraries(request, webhook["signing_secret"])
    assert result["timings"]["total"] >= result["timings"]["first_byte"] > 0
    assert await platform.deliveries() == []
    (event,) = await platform.rows("select type, key from rowhook.event")
    assert event == {"type": "webhook.test", "key": request.header("idempotency-key")}
    query = "select count(*) from rowhook.audit where action = 'webhook.tested'"
    assert await platform.value(query) == 1


async def test_a_test_uses_the_named_agent_or_goal(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    template = '{"who": "{{agent.name}} {{agent_version.name}}", "n": {{data.n}}}'
    webhook = await create_webhook(api, platform, receiver, body_template=template)
    await send_test(api, webhook, agent_id=str(platform.agent), data={"n": 7})
    template = '{"goal": "{{goal.id}}", "of": "{{template.id}}", "who": "{{context.who}}"}'
    webhook = await create_webhook(api, platform, receiver, body_template=template)
    await send_test(api, webhook, goal_id=platform.goal, context={"who": "Ada"})
    bodies = [request.body.decode() for request in receiver.requests]
    assert bodies[0] == '{"who": "Ann v1", "n": 7}'
    assert bodies[1] == f'{{"goal": "{platform.goal}", "of": "template_1", "who": "Ada"}}'


async def test_sample_data_is_generated_from_the_templates(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    webhook = await create_webhook(
        api,
        platform,
        receiver,
        body_template='{"mail": "{{data.customer.email}}", "n": {{data.total}},'
        ' "x": "{{context.id}}"}',
        condition="data.total > 0",
    )
    result = await send_test(api, webhook)
    assert result["outcome"] == "delivered"
    body = b'{"mail": "ada@example.com", "n": 1, "x": "sample id"}'
    assert receiver.requests[0].body == body


async def test_secrets_are_redacted_in_requests_and_echoed_responses(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    owner = {"organization_id": str(platform.organization)}
    await api.call("PUT", "/secrets/token", {"value": CANARY}, params=owner)
    receiver.script("/hook", answer(200, f"you said {CANARY}".encode(), (("X-Echo", CANARY),)))
    webhook = await create_webhook(
        api,
        platform,
        receiver,
        headers={"Authorization": "Bearer {{secret:token}}"},
        body_template='{"key": "{{secret:token}}"}',
    )
    for call in ("test", "preview"):
        response = await api.call("POST", f"/webhooks/{webhook['id']}/{call}")
        assert response.status_code == 200
        assert CANARY not in response.text
        assert "[secret:token]" in response.text
    assert CANARY.encode() in receiver.requests[0].body
    rows = await platform.rows("select row_to_json(e)::text as row from rowhook.event e")
    assert CANARY not in str(rows)


async def test_a_failed_test_is_an_outcome_and_not_an_error(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    receiver.script("/hook", answer(503), stall())
    refused = await send_test(api, await create_webhook(api, platform, receiver))
    slow = await send_test(api, await create_webhook(api, platform, receiver, timeout_s=1))
    assert (refused["outcome"], refused["response"]["status"]) == ("http_status", 503)
    assert (slow["outcome"], slow["response"]) == ("timeout", None)
    skipped = await send_test(
        api, await create_webhook(api, platform, receiver, condition="data.n > 5"), data={"n": 1}
    )
    assert (skipped["outcome"], skipped["request"]) == ("skipped", None)
    broken = await create_webhook(api, platform, receiver, body_template='{"n": {{data.n}}}')
    failed = await send_test(api, broken, data={})
    assert failed["outcome"] == "render_failed"
    assert "data.n is not defined" in failed["error"]


async def test_a_test_of_a_forbidden_target_is_not_sent(api: Api, platform: Platform) -> None:
    webhook = await api.webhook(platform.organization, url="https://{{data.host}}/")
    result = await send_test(api, webhook, data={"host": "printer.local"})
    assert (result["outcome"], result["response"]) == ("target_forbidden", None)


async def test_a_test_with_both_or_with_unknown_agent_and_goal_is_refused(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    webhook = await create_webhook(api, platform, receiver)
    path = f"/webhooks/{webhook['id']}/test"
    both = {"agent_id": str(platform.agent), "goal_id": platform.goal}
    assert (await api.call("POST", path, both)).status_code == 422
    for stranger in ({"agent_id": str(uuid4())}, {"goal_id": "nope"}):
        assert (await api.call("POST", path, stranger)).status_code == 404
    frontend = await api.webhook(platform.organization, kind="frontend", url=None)
    response = await api.call("POST", f"/webhooks/{frontend['id']}/test")
    assert (response.status_code, receiver.requests) == (422, [])


async def test_ten_tests_a_minute_are_allowed_across_processes(
    api: Api, platform: Platform, receiver: Receiver, dsn: str
) -> None:
    webhook = await create_webhook(api, platform, receiver)
    async with running_api(dsn, keyring=api.server_ctx.ctx.keyring) as other:
        responses: list[httpx.Response] = []
        while len(responses) < 40 and not (responses and responses[-1].status_code == 429):
            instance = (api, other)[len(responses) % 2]
            responses.append(await instance.call("POST", f"/webhooks/{webhook['id']}/test"))
    assert len(responses) > 10
    assert responses[-1].status_code == 429
    assert int(responses[-1].headers["retry-after"]) >= 1
    assert len(receiver.requests) == len(responses) - 1


async def test_a_preview_renders_and_validates_and_sends_nothing(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    webhook = await create_webhook(
        api,
        platform,
        receiver,
        body_template='{"n": {{data.n}}}',
        schema={"properties": {"n": {"type": "integer"}}},
    )
    path = f"/webhooks/{webhook['id']}/preview"
    good = (await api.call("POST", path, {"data": {"n": 7}})).json()
    assert (good["valid"], good["outcome"], good["request"]["body"]) == (
        True,
        "rendered",
        '{"n": 7}',
    )
    bad = (await api.call("POST", path, {"data": {"n": "seven"}})).json()
    assert (bad["valid"], bad["outcome"]) == (False, "schema_failed")
    assert "/n" in bad["error"]
    assert receiver.requests == []
    assert await platform.value("select count(*) from rowhook.event") == 0


async def test_a_draft_is_previewed_without_being_saved(api: Api, platform: Platform) -> None:
    owner = {"organization_id": str(platform.organization)}
    await api.call("PUT", "/secrets/hook-url", {"value": "https://example.com/x"}, params=owner)
    draft = {"name": "new", "url": "{{secret:hook-url}}/in", "sample": {"data": {"n": 1}}} | owner
    response = await api.call("POST", "/preview", draft)
    result = response.json()
    assert (result["valid"], result["request"]["url"]) == (True, "[secret:hook-url]/in")
    faulty = await api.call("POST", "/preview", draft | {"url": "https://10.0.0.1/"})
    assert (faulty.status_code, faulty.json()["errors"][0]["pointer"]) == (422, "/url")
    assert (await api.call("GET", "/webhooks")).json()["items"] == []


async def test_a_secret_url_is_redacted_in_every_encoding(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    owner = {"organization_id": str(platform.organization)}
    url = f"{receiver.url}/hook/{CANARY}"
    await api.call("PUT", "/secrets/hook", {"value": url}, params=owner)
    encoded = b64encode(f"{{{url}}}".encode()) + quote(url, safe="").encode()
    receiver.script(f"/hook/{CANARY}", answer(400, encoded, (("Location", url),)))
    webhook = await api.webhook(platform.organization, url="{{secret:hook}}")
    response = await api.call("POST", f"/webhooks/{webhook['id']}/test")
    result = response.json()
    assert (result["outcome"], result["request"]["url"]) == ("http_status", "[secret:hook]")
    assert "[secret:hook]" in result["response"]["body"]
    for hidden in (CANARY, b64encode(CANARY.encode()).decode().rstrip("=")[:-2]):
        assert hidden not in response.text
    assert webhook["signing_secret"] not in response.text


async def test_test_data_and_context_keep_every_digit(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    webhook = await create_webhook(
        api, platform, receiver, raw_payload=True, headers={"X-Rate": "{{context.rate}}"}
    )
    data = b'{"price": 1.10,  "far": 1e400, "long": 12345678901234567890123}'
    body = b'{"data": ' + data + b', "context": {"rate": 2.50}}'
    response = await api.call("POST", f"/webhooks/{webhook['id']}/test", content=body)
    assert response.json()["outcome"] == "delivered"
    assert receiver.requests[0].body == data
    assert receiver.requests[0].header("x-rate") == "2.50"
    assert await platform.value("select data::text from rowhook.event") == data.decode()
    draft = b'{"name": "x", "url": "https://example.com", "raw_payload": true, "organization_id": "'
    draft += str(platform.organization).encode() + b'", "sample": {"data": ' + data + b"}}"
    response = await api.call("POST", "/preview", content=draft)
    assert response.json()["request"]["body"] == data.decode()


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "192.168.0.1"])
async def test_a_forbidden_address_is_reported_by_test_and_preview(
    api: Api, platform: Platform, host: str
) -> None:
    webhook = await api.webhook(platform.organization, url="https://{{context.host}}/")
    for call in ("test", "preview"):
        path = f"/webhooks/{webhook['id']}/{call}"
        result = (await api.call("POST", path, {"context": {"host": host}})).json()
        assert (result["outcome"], result["request"]) == ("target_forbidden", None)
        assert host not in result["error"]


async def test_a_test_is_sent_regardless_of_state_and_event_types(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    webhook = await create_webhook(api, platform, receiver, event_types=["job.failed"])
    for state in ("paused", "disabled"):
        await platform.run("update rowhook.webhook set state = %s", state)
        assert (await send_test(api, webhook))["outcome"] == "delivered"
    body = json.loads(receiver.requests[0].body)
    assert list(body) == ["timestamp", "agent", "agent_version", "job", "organization"]
    assert body["job"]["status"] == "succeeded"
    assert body["organization"] == {"id": str(platform.organization), "name": "Acme"}


async def test_an_operator_cannot_mix_two_organizations(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    other = await other_platform(platform)
    webhook = await create_webhook(api, platform, receiver)
    for stranger in ({"agent_id": str(other.agent)}, {"goal_id": other.goal}):
        for call in ("test", "preview"):
            path = f"/webhooks/{webhook['id']}/{call}"
            assert (await api.call("POST", path, stranger)).status_code == 404
    draft = {"name": "x", "url": "https://example.com", "organization_id": str(uuid4())}
    response = await api.call("POST", "/preview", draft)
    assert (response.status_code, "Organization" in response.json()["detail"]) == (404, True)
    assert await platform.value("select count(*) from rowhook.event") == 0


async def test_a_test_uses_the_newest_version_of_an_agent(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    await platform.run(
        "insert into rowhook.agent_version (agent_id, name) values (%s, 'v2')", platform.agent
    )
    webhook = await create_webhook(api, platform, receiver)
    await send_test(api, webhook, agent_id=str(platform.agent))
    body = json.loads(receiver.requests[0].body)
    assert body["agent"] == {"id": str(platform.agent), "name": "Ann"}
    assert body["agent_version"]["name"] == "v2"


async def test_a_body_whose_fields_are_all_optional_may_be_empty(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    webhook = await create_webhook(api, platform, receiver)
    document = (await api.client.get("/schema/openapi.json")).json()
    for call in ("test", "preview", "rotate-secret"):
        for content in (None, b"{}", b""):
            path = f"/webhooks/{webhook['id']}/{call}"
            assert (await api.call("POST", path, content=content)).status_code == 200
        operation = document["paths"][f"/v1/webhooks/{{webhook_id}}/{call}"]["post"]
        assert operation["requestBody"]["required"] is False
    assert document["paths"]["/v1/preview"]["post"]["requestBody"]["required"] is True
    assert (await api.call("POST", "/preview", content=b"")).status_code == 400


async def test_a_frontend_webhook_can_be_previewed(api: Api, platform: Platform) -> None:
    webhook = await api.webhook(
        platform.organization, kind="frontend", url=None, body_template='{"n": {{data.n}}}'
    )
    response = await api.call("POST", f"/webhooks/{webhook['id']}/preview", {"data": {"n": 7}})
    assert (response.json()["outcome"], response.json()["request"]["body"]) == (
        "rendered",
        '{"n": 7}',
    )
