"""A commit is judged before it is made: exactly as the worker would."""

from __future__ import annotations

import json
import random
from functools import partial
from typing import Any

import pytest
from msgspec import Raw

from rowhook.schema.schema_compiler import compile_schema
from rowhook.services.commits import Proposal, goal_schema, validate_commit
from tests.support.calls import Api
from tests.support.sample_platform import Platform
from tests.support.tenants import tenant
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio
EMAIL = {"type": "string", "format": "email"}
CUSTOMER: dict[str, Any] = {
    "type": "object",
    "required": ["mail", "plan"],
    "properties": {"mail": EMAIL, "plan": {"enum": ["free", "pro"]}, "age": {"minimum": 18}},
}


async def linked(api: Api, platform: Platform, **fields: Any) -> str:
    made = await api.webhook(platform.organization, **fields)
    answer = await api.call("PUT", f"/webhooks/{made['id']}/goals/{platform.goal}")
    assert answer.status_code == 204
    return str(made["id"])


async def judged(api: Api, platform: Platform, data: Any, **more: Any) -> dict[str, Any]:
    asked = {"data": data, **more}
    answer = await api.call("POST", f"/goals/{platform.goal}/validate", asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def faults(verdict: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (one["pointer"], one["message"]) for each in verdict["outputs"] for one in each["errors"]
    ]


async def test_faults_of_the_body_lead_into_the_data(api: Api, platform: Platform) -> None:
    template = '{"mail": "{{data.person.email}}", "plan": "{{data.plan}}", "age": {{data.age}}}'
    webhook = await linked(api, platform, body_template=template, schema=CUSTOMER)
    found = await judged(api, platform, {"person": {"email": "ada@"}, "plan": "x", "age": 3})
    assert (found["valid"], found["outputs"][0]["webhook_id"]) == (False, webhook)
    assert {pointer for pointer, _ in faults(found)} == {"/person/email", "/plan", "/age"}
    assert all(one["hint"] for one in found["outputs"][0]["errors"])
    assert "ada@" not in json.dumps(found)
    right = {"person": {"email": "ada@example.com"}, "plan": "pro", "age": 30}
    assert (await judged(api, platform, right))["valid"]


async def test_every_path_that_is_missing_is_told_at_once(api: Api, platform: Platform) -> None:
    await linked(api, platform, body_template='{"a": "{{data.name}}", "b": "{{data.to.mail}}"}')
    await linked(api, platform, url="https://crm.example.com/{{data.id}}")
    found = await judged(api, platform, {"nmae": "Ada"})
    told = dict(faults(found))
    assert set(told) == {"/name", "/to/mail", "/id"}
    assert "did you mean data.nmae?" in told["/name"]
    assert found["outputs"][0]["errors"][0]["hint"] == "Add data.name."


@pytest.mark.parametrize(
    ("fields", "data", "pointer"),
    [
        (
            {"raw_payload": True, "schema": {"properties": {"a": {"items": EMAIL}}}},
            {"a": ["x@example.com", "x"]},
            "/a/1",
        ),
        ({"schema": {"properties": {"data": {"required": ["b"]}}}}, {}, ""),
        (
            {"schema": {"properties": {"data": {"properties": {"a~/b": EMAIL}}}}},
            {"a~/b": "x"},
            "/a~0~1b",
        ),
        (
            {"body_template": '{"x": {{data.l[-1]}}}', "schema": {"properties": {"x": EMAIL}}},
            {"l": ["a", "b"]},
            "/l/1",
        ),
        (
            {
                "body_template": '{"x": "Hi {{data.a}}"}',
                "schema": {"properties": {"x": {"maxLength": 4}}},
            },
            {"a": "Ada"},
            "/a",
        ),
        ({"headers": {"X-Name": "{{data.a}}"}}, {"a": "a\nb"}, "/a"),
        ({"body_template": '{"x": "{{data.a | date}}"}'}, {"a": "no date"}, "/a"),
        ({"url": "https://{{data.host}}.example.com/"}, {"host": "a.b"}, "/host"),
    ],
)
async def test_a_pointer_leads_to_the_value(
    api: Api, platform: Platform, fields: dict[str, Any], data: Any, pointer: str
) -> None:
    await linked(api, platform, **fields)
    assert [one for one, _ in faults(await judged(api, platform, data))] == [pointer]


async def test_what_no_value_decides_is_told_without_a_pointer(
    api: Api, platform: Platform
) -> None:
    await linked(api, platform, body_template='{"x": 1}', schema={"required": ["y"]})
    await linked(api, platform, body_template='{"x": "{{context.who}}"}')
    found = await judged(api, platform, {})
    said = [one for each in found["outputs"] for one in each["errors"]]
    assert [one["pointer"] for one in said] == ["", ""]
    assert "Contact the owner of the webhook" in said[0]["hint"]
    assert "context of the session" in said[1]["hint"]
    assert (await judged(api, platform, {}, context={"who": "Ada"}))["outputs"][1]["valid"]


async def test_the_session_that_is_named_gives_its_context(api: Api, platform: Platform) -> None:
    await linked(
        api,
        platform,
        body_template='{"x": "{{context.who}} in {{session.id}}"}',
        schema={"properties": {"x": {"const": "Ada in s1"}}},
    )
    await platform.run(
        "insert into rowhook.session (id, organization_id, context) values ('s1', %s, %s)",
        platform.organization,
        '{"who": "Ada"}',
    )
    assert (await judged(api, platform, {}, session_id="s1"))["valid"]
    asked = {"data": {}, "session_id": "nobody's"}
    answer = await api.call("POST", f"/goals/{platform.goal}/validate", asked)
    assert answer.status_code == 404


async def test_outputs_that_would_send_nothing_are_valid(api: Api, platform: Platform) -> None:
    await linked(api, platform, condition="data.go", body_template='{"x": "{{data.gone}}"}')
    disabled = await linked(api, platform, body_template='{"x": "{{data.gone}}"}')
    await linked(api, platform, event_types=["job.failed"], body_template='{"x": "{{data.no}}"}')
    await platform.run("update rowhook.webhook set state = 'disabled' where id = %s", disabled)
    found = await judged(api, platform, {"go": False})
    assert [one["outcome"] for one in found["outputs"]] == ["skipped", "disabled"]
    assert found["valid"]


async def test_another_organization_s_goal_does_not_exist(api: Api, platform: Platform) -> None:
    other = await tenant(api, platform.db)
    key = await api.key_of(other.organization)
    for call, path in (("GET", "schema"), ("GET", "commit-tool"), ("POST", "validate")):
        asked: dict[str, Any] | None = {"data": {}} if call == "POST" else None
        answer = await api.call(call, f"/goals/{platform.goal}/{path}", asked, key=key)
        assert answer.status_code == 404, path


async def test_a_body_without_data_is_told_what_it_lacks(api: Api, platform: Platform) -> None:
    lacking: list[dict[str, Any]] = [{}, {"data": 1, "contxt": {}}]
    for asked in lacking:
        answer = await api.call("POST", f"/goals/{platform.goal}/validate", asked)
        assert answer.status_code == 422
    assert "context" in answer.json()["errors"][0]["message"]


async def test_the_schema_and_the_tool_are_served(api: Api, platform: Platform) -> None:
    await linked(
        api, platform, body_template='{"mail": "{{data.m}}", "plan": "pro"}', schema=CUSTOMER
    )
    schema = (await api.call("GET", f"/goals/{platform.goal}/schema")).json()
    assert schema["properties"]["m"]["format"] == "email"
    assert (await api.call("GET", f"/goals/{platform.goal}/outputs")).json()["items"][0]["url"]
    for form, key in (("anthropic", "input_schema"), ("mcp", "inputSchema"), ("openai", "type")):
        answer = await api.call("GET", f"/goals/{platform.goal}/commit-tool?format={form}")
        assert key in answer.json()
    answer = await api.call("GET", f"/goals/{platform.goal}/commit-tool?format=other")
    assert answer.status_code == 400


TEMPLATES: list[dict[str, Any]] = [
    {
        "body_template": '{"mail": "{{data.mail}}", "plan": "{{data.plan}}", "age": {{data.age}}}',
        "schema": CUSTOMER,
    },
    {
        "body_template": '{"n": {{data.n | default(1)}}, "l": {{data.l[0]}}}',
        "schema": {"properties": {"n": {"type": "integer"}, "l": {"type": ["string", "null"]}}},
    },
    {"raw_payload": True, "schema": {"type": "object", "properties": {"n": {"maximum": 5}}}},
    {"schema": {"properties": {"data": {"required": ["mail"]}}}},
    {"condition": "data.age > 20", "headers": {"X-Mail": "{{data.mail}}"}},
    {"path": "/{{data.plan}}/x"},
    {"body_template": '[{% for one in data.l %}{"x": "{{one | upper}}"},{% endfor %} 0]'},
]
VALUES: list[Any] = [
    "ada@example.com",
    "free",
    "pro",
    "x",
    "é\n",
    "..",
    "",
    0,
    3,
    30,
    1.5,
    1e300,
    None,
    True,
    [],
    ["a"],
    [None, 1],
    {},
    {"a": 1},
    {"mail": "x"},
]


def documents(count: int) -> list[Any]:
    dice = random.Random(20261123)  # noqa: S311  # a repeatable sample
    names = ("mail", "plan", "age", "n", "l")
    good = {"mail": "ada@example.com", "plan": "pro", "age": 30, "n": 2, "l": ["a"]}
    found: list[Any] = [good]
    while len(found) < count:
        one: Any = dict(good)
        for name in dice.sample(names, dice.randrange(0, 4)):
            one[name] = dice.choice(VALUES)
        for name in dice.sample(names, dice.choice([0, 0, 1])):
            one.pop(name, None)
        found.append(dice.choice(VALUES) if dice.random() < 0.05 else one)
    return found


async def nothing_waits(rig: Rig) -> bool:
    query = "select count(*) from rowhook.outbox where status in ('pending', 'sending')"
    return bool(await rig.platform.value(query) == 0)


async def test_the_verdict_is_what_the_worker_does(rig: Rig) -> None:
    webhooks = {
        (await rig.webhook(**{"path": f"/{n}", "retry_schedule_s": [0], **fields})).id: n
        for n, fields in enumerate(TEMPLATES)
    }
    proposed = [json.dumps(one) for one in documents(150)]
    said: dict[tuple[str, int], bool] = {}
    for text in proposed:
        commit = await rig.platform.commit(text)
        verdict = await validate_commit(rig.ctx, rig.platform.goal, proposal(text))
        said |= {(commit, webhooks[one.webhook_id]): one.valid for one in verdict.outputs}
    async with rig.worker():
        await until(partial(nothing_waits, rig), what="no delivery waits")
    rows = await rig.platform.rows("select commit_id, webhook_id, status from rowhook.delivery")
    sent = {
        (row["commit_id"], webhooks[row["webhook_id"]]): row["status"] != "held" for row in rows
    }
    assert len(sent) == 150 * len(TEMPLATES)
    assert {key: (said[key], sent[key]) for key in sent if said[key] is not sent[key]} == {}
    shares = [sum(ok for (_, n), ok in sent.items() if n == which) for which in webhooks.values()]
    assert all(0 < share < 150 for share in shares), shares


def proposal(text: str) -> Proposal:
    return Proposal(data=Raw(text.encode()))


async def test_data_that_meets_the_schema_is_sent_unless_it_says_what_it_lost(rig: Rig) -> None:
    for n, fields in enumerate(TEMPLATES[:4]):
        await rig.webhook(**{"path": f"/{n}", **fields})
    schema = await goal_schema(rig.ctx, rig.platform.goal)
    assert [one["reason"] for one in schema["x-rowhook"]["not_enforced"]] == []
    compiled = compile_schema({word: one for word, one in schema.items() if word != "x-rowhook"})
    met = [one for one in documents(400) if not compiled.faults(one)]
    assert 20 < len(met) < 400
    for one in met:
        verdict = await validate_commit(rig.ctx, rig.platform.goal, proposal(json.dumps(one)))
        assert verdict.valid, (one, verdict)
