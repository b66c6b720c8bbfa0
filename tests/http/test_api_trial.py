"""Test sends and previews: rendered, signed and sent as the worker does, off the schedule."""

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
from tests.support.world import Platform

pytestmark = pytest.mark.anyio
CANARY = "canary-4b1d-7f"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


async def made(api: Api, platform: Platform, receiver: Receiver, **fields: Any) -> dict[str, Any]:
    return await api.webhook(platform.organization, url=f"{receiver.url}/hook", **fields)


async def tried(api: Api, webhook: dict[str, Any], **sample: Any) -> dict[str, Any]:
    answered = await api.call("POST", f"/webhooks/{webhook['id']}/test", sample or None)
    assert answered.status_code == 200, answered.text
    found: dict[str, Any] = answered.json()
    return found


async def test_a_test_is_sent_signed_and_leaves_an_event_and_an_audit_row_alone(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    webhook = await made(api, platform, receiver)
    found = await tried(api, webhook)
    (request,) = receiver.requests
    assert (found["outcome"], found["response"]["status"], found["error"]) == (
        "delivered",
        200,
        None,
    )
    assert (request.header("idempotency-key") or "").startswith("test_")
    verify_with_libraries(request, webhook["signing_secret"])
    assert found["timings"]["total"] >= found["timings"]["first_byte"] > 0
    assert await platform.deliveries() == []
    (event,) = await platform.rows("select type, key from rowhook.event")
    assert event == {"type": "webhook.test", "key": request.header("idempotency-key")}
    noted = "select count(*) from rowhook.audit where action = 'webhook.tested'"
    assert await platform.value(noted) == 1


async def test_a_test_is_of_the_agent_or_goal_that_is_named(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    template = '{"who": "{{agent.name}} {{agent_version.name}}", "n": {{data.n}}}'
    webhook = await made(api, platform, receiver, body_template=template)
    await tried(api, webhook, agent_id=str(platform.agent), data={"n": 7})
    template = '{"goal": "{{goal.id}}", "of": "{{template.id}}", "who": "{{context.who}}"}'
    webhook = await made(api, platform, receiver, body_template=template)
    await tried(api, webhook, goal_id=platform.goal, context={"who": "Ada"})
    bodies = [one.body.decode() for one in receiver.requests]
    assert bodies[0] == '{"who": "Ann v1", "n": 7}'
    assert bodies[1] == f'{{"goal": "{platform.goal}", "of": "template_1", "who": "Ada"}}'


async def test_what_the_templates_need_is_made_up(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    webhook = await made(
        api,
        platform,
        receiver,
        body_template='{"mail": "{{data.customer.email}}", "n": {{data.total}},'
        ' "x": "{{context.id}}"}',
        condition="data.total > 0",
    )
    found = await tried(api, webhook)
    assert found["outcome"] == "delivered"
    body = b'{"mail": "ada@example.com", "n": 1, "x": "sample id"}'
    assert receiver.requests[0].body == body


async def test_no_answer_shows_a_secret_wherever_it_is_used_or_echoed(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    whose = {"organization_id": str(platform.organization)}
    await api.call("PUT", "/secrets/token", {"value": CANARY}, params=whose)
    receiver.script("/hook", answer(200, f"you said {CANARY}".encode(), (("X-Echo", CANARY),)))
    webhook = await made(
        api,
        platform,
        receiver,
        headers={"Authorization": "Bearer {{secret:token}}"},
        body_template='{"key": "{{secret:token}}"}',
    )
    for call in ("test", "preview"):
        answered = await api.call("POST", f"/webhooks/{webhook['id']}/{call}")
        assert answered.status_code == 200
        assert CANARY not in answered.text
        assert "[secret:token]" in answered.text
    assert CANARY.encode() in receiver.requests[0].body
    kept = await platform.rows("select row_to_json(e)::text as row from rowhook.event e")
    assert CANARY not in str(kept)


async def test_how_a_test_ends_is_an_outcome_and_never_an_error(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    receiver.script("/hook", answer(503), stall())
    refused = await tried(api, await made(api, platform, receiver))
    slow = await tried(api, await made(api, platform, receiver, timeout_s=1))
    assert (refused["outcome"], refused["response"]["status"]) == ("http_status", 503)
    assert (slow["outcome"], slow["response"]) == ("timeout", None)
    skipped = await tried(
        api, await made(api, platform, receiver, condition="data.n > 5"), data={"n": 1}
    )
    assert (skipped["outcome"], skipped["request"]) == ("skipped", None)
    broken = await made(api, platform, receiver, body_template='{"n": {{data.n}}}')
    failed = await tried(api, broken, data={})
    assert failed["outcome"] == "render_failed"
    assert "data.n is not defined" in failed["error"]


async def test_a_forbidden_target_is_refused_at_the_dial(api: Api, platform: Platform) -> None:
    webhook = await api.webhook(platform.organization, url="https://{{data.host}}/")
    found = await tried(api, webhook, data={"host": "printer.local"})
    assert (found["outcome"], found["response"]) == ("target_forbidden", None)


async def test_an_agent_and_a_goal_at_once_and_foreign_ones_are_refused(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    webhook = await made(api, platform, receiver)
    path = f"/webhooks/{webhook['id']}/test"
    both = {"agent_id": str(platform.agent), "goal_id": platform.goal}
    assert (await api.call("POST", path, both)).status_code == 422
    for stranger in ({"agent_id": str(uuid4())}, {"goal_id": "nope"}):
        assert (await api.call("POST", path, stranger)).status_code == 404
    frontend = await api.webhook(platform.organization, kind="frontend", url=None)
    answered = await api.call("POST", f"/webhooks/{frontend['id']}/test")
    assert (answered.status_code, receiver.requests) == (422, [])


async def test_ten_tests_a_minute_are_allowed_and_two_processes_share_the_limit(
    api: Api, platform: Platform, receiver: Receiver, dsn: str
) -> None:
    webhook = await made(api, platform, receiver)
    async with running_api(dsn, keyring=api.server_ctx.ctx.keyring) as other:
        answers: list[httpx.Response] = []
        while len(answers) < 40 and not (answers and answers[-1].status_code == 429):
            hand = (api, other)[len(answers) % 2]
            answers.append(await hand.call("POST", f"/webhooks/{webhook['id']}/test"))
    assert len(answers) > 10
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert len(receiver.requests) == len(answers) - 1


async def test_a_preview_renders_and_validates_and_sends_nothing(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    webhook = await made(
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
    whose = {"organization_id": str(platform.organization)}
    await api.call("PUT", "/secrets/hook-url", {"value": "https://example.com/x"}, params=whose)
    draft = {"name": "new", "url": "{{secret:hook-url}}/in", "sample": {"data": {"n": 1}}} | whose
    answered = await api.call("POST", "/preview", draft)
    found = answered.json()
    assert (found["valid"], found["request"]["url"]) == (True, "[secret:hook-url]/in")
    faulty = await api.call("POST", "/preview", draft | {"url": "https://10.0.0.1/"})
    assert (faulty.status_code, faulty.json()["errors"][0]["pointer"]) == (422, "/url")
    assert (await api.call("GET", "/webhooks")).json()["items"] == []


async def test_a_secret_in_the_url_is_in_no_answer_however_it_comes_back(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    whose = {"organization_id": str(platform.organization)}
    url = f"{receiver.url}/hook/{CANARY}"
    await api.call("PUT", "/secrets/hook", {"value": url}, params=whose)
    coded = b64encode(f"{{{url}}}".encode()) + quote(url, safe="").encode()
    receiver.script(f"/hook/{CANARY}", answer(400, coded, (("Location", url),)))
    webhook = await api.webhook(platform.organization, url="{{secret:hook}}")
    answered = await api.call("POST", f"/webhooks/{webhook['id']}/test")
    found = answered.json()
    assert (found["outcome"], found["request"]["url"]) == ("http_status", "[secret:hook]")
    assert "[secret:hook]" in found["response"]["body"]
    for hidden in (CANARY, b64encode(CANARY.encode()).decode().rstrip("=")[:-2]):
        assert hidden not in answered.text
    assert webhook["signing_secret"] not in answered.text


async def test_data_and_context_are_sent_digit_for_digit(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    webhook = await made(
        api, platform, receiver, raw_payload=True, headers={"X-Rate": "{{context.rate}}"}
    )
    data = b'{"price": 1.10,  "far": 1e400, "long": 12345678901234567890123}'
    body = b'{"data": ' + data + b', "context": {"rate": 2.50}}'
    answered = await api.call("POST", f"/webhooks/{webhook['id']}/test", content=body)
    assert answered.json()["outcome"] == "delivered"
    assert receiver.requests[0].body == data
    assert receiver.requests[0].header("x-rate") == "2.50"
    assert await platform.value("select data::text from rowhook.event") == data.decode()
    draft = b'{"name": "x", "url": "https://example.com", "raw_payload": true, "organization_id": "'
    draft += str(platform.organization).encode() + b'", "sample": {"data": ' + data + b"}}"
    answered = await api.call("POST", "/preview", content=draft)
    assert answered.json()["request"]["body"] == data.decode()


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "192.168.0.1"])
async def test_a_forbidden_address_is_said_so_by_test_and_preview(
    api: Api, platform: Platform, host: str
) -> None:
    webhook = await api.webhook(platform.organization, url="https://{{context.host}}/")
    for call in ("test", "preview"):
        path = f"/webhooks/{webhook['id']}/{call}"
        found = (await api.call("POST", path, {"context": {"host": host}})).json()
        assert (found["outcome"], found["request"]) == ("target_forbidden", None)
        assert host not in found["error"]


async def test_state_and_event_types_do_not_keep_a_test_back(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    webhook = await made(api, platform, receiver, event_types=["job.failed"])
    for state in ("paused", "disabled"):
        await platform.run("update rowhook.webhook set state = %s", state)
        assert (await tried(api, webhook))["outcome"] == "delivered"
    body = json.loads(receiver.requests[0].body)
    assert list(body) == ["timestamp", "agent", "agent_version", "job", "organization"]
    assert body["job"]["status"] == "succeeded"
    assert body["organization"] == {"id": str(platform.organization), "name": "Acme"}


async def test_an_operator_cannot_mix_two_organizations(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    other = Platform(platform.db)
    await other.set_up()
    webhook = await made(api, platform, receiver)
    for stranger in ({"agent_id": str(other.agent)}, {"goal_id": other.goal}):
        for call in ("test", "preview"):
            path = f"/webhooks/{webhook['id']}/{call}"
            assert (await api.call("POST", path, stranger)).status_code == 404
    draft = {"name": "x", "url": "https://example.com", "organization_id": str(uuid4())}
    answered = await api.call("POST", "/preview", draft)
    assert (answered.status_code, "Organization" in answered.json()["detail"]) == (404, True)
    assert await platform.value("select count(*) from rowhook.event") == 0


async def test_an_agent_is_shown_with_its_newest_version(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    await platform.run(
        "insert into rowhook.agent_version (agent_id, name) values (%s, 'v2')", platform.agent
    )
    webhook = await made(api, platform, receiver)
    await tried(api, webhook, agent_id=str(platform.agent))
    body = json.loads(receiver.requests[0].body)
    assert body["agent"] == {"id": str(platform.agent), "name": "Ann"}
    assert body["agent_version"]["name"] == "v2"


async def test_a_body_whose_fields_are_all_optional_may_be_empty(
    api: Api, platform: Platform, receiver: Receiver
) -> None:
    webhook = await made(api, platform, receiver)
    document = (await api.client.get("/schema/openapi.json")).json()
    for call in ("test", "preview", "rotate-secret"):
        for content in (None, b"{}", b""):
            path = f"/webhooks/{webhook['id']}/{call}"
            assert (await api.call("POST", path, content=content)).status_code == 200
        operation = document["paths"][f"/v1/webhooks/{{webhook_id}}/{call}"]["post"]
        assert operation["requestBody"]["required"] is False
    assert document["paths"]["/v1/preview"]["post"]["requestBody"]["required"] is True
    assert (await api.call("POST", "/preview", content=b"")).status_code == 400


async def test_what_a_page_would_get_is_previewed_too(api: Api, platform: Platform) -> None:
    webhook = await api.webhook(
        platform.organization, kind="frontend", url=None, body_template='{"n": {{data.n}}}'
    )
    answered = await api.call("POST", f"/webhooks/{webhook['id']}/preview", {"data": {"n": 7}})
    assert (answered.json()["outcome"], answered.json()["request"]["body"]) == (
        "rendered",
        '{"n": 7}',
    )
