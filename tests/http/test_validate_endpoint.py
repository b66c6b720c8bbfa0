"""Validation of a commit before it is made, compared with the result of the worker."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from msgspec import Raw

from rowhook.schema.schema_compiler import compile_schema
from rowhook.services.commits import Proposal, goal_schema, validate_commit
from tests.support.calls import Api
from tests.support.sample_platform import Platform
from tests.support.tenants import tenant
from tests.support.tool_rules import broken_rules
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio
EMAIL = {"type": "string", "format": "email"}
CUSTOMER: dict[str, Any] = {
    "type": "object",
    "required": ["mail", "plan"],
    "properties": {"mail": EMAIL, "plan": {"enum": ["free", "pro"]}, "age": {"minimum": 18}},
}


async def link_webhook(api: Api, platform: Platform, **fields: Any) -> str:
    webhook = await api.webhook(platform.organization, **fields)
    response = await api.call("PUT", f"/webhooks/{webhook['id']}/goals/{platform.goal}")
    assert response.status_code == 204
    return str(webhook["id"])


async def validate(api: Api, platform: Platform, data: Any, **options: Any) -> dict[str, Any]:
    body = {"data": data, **options}
    response = await api.call("POST", f"/goals/{platform.goal}/validate", body)
    assert response.status_code == 200, response.text
    verdict: dict[str, Any] = response.json()
    return verdict


def faults(verdict: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (error["pointer"], error["message"])
        for output in verdict["outputs"]
        for error in output["errors"]
    ]


async def test_schema_faults_of_the_body_point_into_the_data(api: Api, platform: Platform) -> None:
    template = '{"mail": "{{data.person.email}}", "plan": "{{data.plan}}", "age": {{data.age}}}'
    webhook = await link_webhook(api, platform, body_template=template, schema=CUSTOMER)
    verdict = await validate(api, platform, {"person": {"email": "ada@"}, "plan": "x", "age": 3})
    assert (verdict["valid"], verdict["outputs"][0]["webhook_id"]) == (False, webhook)
    assert {pointer for pointer, _ in faults(verdict)} == {"/person/email", "/plan", "/age"}
    assert all(error["hint"] for error in verdict["outputs"][0]["errors"])
    assert "ada@" not in json.dumps(verdict)
    valid_data = {"person": {"email": "ada@example.com"}, "plan": "pro", "age": 30}
    assert (await validate(api, platform, valid_data))["valid"]


async def test_all_missing_paths_are_reported_at_once(api: Api, platform: Platform) -> None:
    await link_webhook(
        api, platform, body_template='{"a": "{{data.name}}", "b": "{{data.to.mail}}"}'
    )
    await link_webhook(api, platform, url="https://crm.example.com/{{data.id}}")
    verdict = await validate(api, platform, {"nmae": "Ada"})
    messages = dict(faults(verdict))
    assert set(messages) == {"/name", "/to/mail", "/id"}
    assert "did you mean data.nmae?" in messages["/name"]
    assert verdict["outputs"][0]["errors"][0]["hint"] == "Add data.name."


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
async def test_a_fault_points_to_the_value_in_the_data(
    api: Api, platform: Platform, fields: dict[str, Any], data: Any, pointer: str
) -> None:
    await link_webhook(api, platform, **fields)
    assert [actual for actual, _ in faults(await validate(api, platform, data))] == [pointer]


LINES = (
    '{"lines": [{% for line in data.lines %}{"qty": {{ line.qty }}, "to": "{{ line.to | upper }}"}'
    '{{ "," if not loop.last }}{% endfor %}]}'
)
LINE = {"qty": {"type": "integer", "minimum": 1, "multipleOf": 2}, "to": {"maxLength": 2}}
NESTED = (
    '{"lines": [{% for a in data.groups %}{% for b in a.lines %}{% if b.on %}'
    '{% if not loop.first %}, {% endif %}{"qty": {{ b.qty }}}{% endif %}{% endfor %}'
    "{% if not loop.last %},{% endif %}{% endfor %}]}"
)
PAIRS = (
    '{"lines": [{% for k, v in data.x.items() %}{% set it = v.y %}{"{{ k }}": {{ it.qty }}}'
    "{% if not loop.last %},{% endif %}{% endfor %}]}"
)
FILTERED = '{"lines": [{% for l in data.lines if l.on %}{"qty": {{ l.qty }}}{% endfor %}]}'
QTY_2, OFF = {"on": True, "qty": 2}, {"on": False}
IN_LOOPS: list[tuple[str, Any, Any, list[str]]] = [
    (
        LINES,
        LINE,
        {"lines": [{"qty": 2, "to": "a"}, {"qty": 0.5, "to": "abc"}]},
        ["/lines/1/qty", "/lines/1/qty", "/lines/1/qty", "/lines/1/to"],
    ),
    (
        LINES,
        None,
        {"lines": [{"qty": 1, "to": "a"}, {"qty": 1}, {"to": "a"}, {}]},
        ["/lines/1/to", "/lines/2/qty", "/lines/3/qty", "/lines/3/to"],
    ),
    (LINES, None, {"lines": [{"qty": 1, "to": "a"}, 7]}, ["/lines/1/qty", "/lines/1/to"]),
    (
        NESTED,
        LINE,
        {"groups": [{"lines": [QTY_2, OFF]}, {"lines": [QTY_2, {"on": True, "qty": 1}]}]},
        ["/groups/1/lines/1/qty"],
    ),
    (
        PAIRS,
        LINE,
        {"x": {"to": {"y": {"qty": "a"}}, "qty": {"y": {"qty": 0}}}},
        ["/x/qty/y/qty"],
    ),
    (FILTERED, LINE, {"lines": [OFF, {"on": True, "qty": 1}]}, ["/lines"]),
]


@pytest.mark.parametrize(("template", "line", "data", "pointers"), IN_LOOPS)
async def test_faults_in_loops_point_to_the_items(
    api: Api, platform: Platform, template: str, line: Any, data: Any, pointers: list[str]
) -> None:
    schema = {"properties": {"lines": {"items": {"properties": line}}}} if line else None
    await link_webhook(api, platform, body_template=template, schema=schema)
    verdict = await validate(api, platform, data)
    assert sorted(pointer for pointer, _ in faults(verdict)) == sorted(pointers)
    assert not verdict["valid"]


COMMA = '{{ "," if not loop.last }}'
MADE_BY_LOOPS = [
    ('{"l": [{% for i in data.lines %}{{ i }}COMMA{% endfor %}]}', "/lines"),
    ('{"l": [{% for i in data.lines if i %}{{ i }}COMMA{% endfor %}]}', "/lines"),
    ('{"l": [{% for i in data.lines | unique %}{{ i }}COMMA{% endfor %}]}', "/lines"),
    ('{"l": { {% for k, v in data.lines.items() %}"{{ k }}": {{ v }}{% endfor %} } }', "/lines"),
    ('{"x": ["[", {"l": 1}], "l": [{% for i in data.lines %}{{ i }}COMMA{% endfor %}]}', "/lines"),
    ('{"l": [1{% for i in data.lines %}, {{ i }}{% endfor %}]}', "/lines"),
]


@pytest.mark.parametrize(("template", "pointer"), MADE_BY_LOOPS)
async def test_a_fault_of_a_list_that_a_loop_writes_points_to_the_iterated_list(
    api: Api, platform: Platform, template: str, pointer: str
) -> None:
    schema = {"properties": {"l": {"minItems": 2, "minProperties": 1}}}
    await link_webhook(api, platform, body_template=template.replace("COMMA", COMMA), schema=schema)
    verdict = await validate(api, platform, {"lines": {} if "items()" in template else []})
    assert [actual for actual, _ in faults(verdict)] == [pointer]
    assert verdict["outputs"][0]["errors"][0]["hint"] == "Change the value to satisfy the schema."


async def test_a_fault_of_a_list_in_a_loop_points_to_the_inner_list(
    api: Api, platform: Platform
) -> None:
    template = (
        '{"l": [{% for g in data.groups %}[{% for i in g.lines %}{{ i }}COMMA{% endfor %}]'
        '{{ "," if not loop.last }}{% endfor %}]}'
    )
    schema = {"properties": {"l": {"items": {"minItems": 1}}}}
    await link_webhook(api, platform, body_template=template.replace("COMMA", COMMA), schema=schema)
    verdict = await validate(api, platform, {"groups": [{"lines": [1]}, {"lines": []}]})
    assert [actual for actual, _ in faults(verdict)] == ["/groups/1/lines"]


async def test_a_member_that_a_tag_leaves_out_names_the_data_that_decides(
    api: Api, platform: Platform
) -> None:
    template = '{"a": "{{ data.a }}"{% if data.b %}, "b": {{ data.b.n }}{% endif %}}'
    await link_webhook(api, platform, body_template=template, schema={"required": ["b"]})
    verdict = await validate(api, platform, {"a": 1})
    (error,) = verdict["outputs"][0]["errors"]
    assert error["hint"].endswith("It depends on: data.b, data.b.n.")


async def test_several_faults_of_one_value_are_reported_each(api: Api, platform: Platform) -> None:
    schema = {"properties": {"a": {"minLength": 3, "pattern": "^x", "format": "email"}}}
    await link_webhook(api, platform, body_template='{"a": "{{ data.a }}"}', schema=schema)
    verdict = await validate(api, platform, {"a": "b"})
    assert [pointer for pointer, _ in faults(verdict)] == ["/a"] * 3
    assert len({message for _, message in faults(verdict)}) == 3


async def test_every_value_that_cannot_be_written_is_reported(api: Api, platform: Platform) -> None:
    template = '{"a": "{{ data.a | date }}", "b": "{{ data.b | date }}", "c": "{{ data.c }}"}'
    await link_webhook(api, platform, body_template=template)
    verdict = await validate(api, platform, {"a": "no date", "b": "none"})
    assert {pointer for pointer, _ in faults(verdict)} == {"/a", "/b", "/c"}


async def test_a_fault_that_no_value_causes_has_no_pointer(api: Api, platform: Platform) -> None:
    await link_webhook(api, platform, body_template='{"x": 1}', schema={"required": ["y"]})
    await link_webhook(api, platform, body_template='{"x": "{{context.who}}"}')
    verdict = await validate(api, platform, {})
    errors = [error for output in verdict["outputs"] for error in output["errors"]]
    assert [error["pointer"] for error in errors] == ["", ""]
    assert "Contact the owner of the webhook" in errors[0]["hint"]
    assert "context of the session" in errors[1]["hint"]
    assert (await validate(api, platform, {}, context={"who": "Ada"}))["outputs"][1]["valid"]


async def test_the_context_of_the_named_session_is_used(api: Api, platform: Platform) -> None:
    await link_webhook(
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
    assert (await validate(api, platform, {}, session_id="s1"))["valid"]
    body = {"data": {}, "session_id": "nobody's"}
    response = await api.call("POST", f"/goals/{platform.goal}/validate", body)
    assert response.status_code == 404


async def test_outputs_that_would_not_be_sent_are_valid(api: Api, platform: Platform) -> None:
    await link_webhook(api, platform, condition="data.go", body_template='{"x": "{{data.gone}}"}')
    disabled = await link_webhook(api, platform, body_template='{"x": "{{data.gone}}"}')
    await link_webhook(
        api, platform, event_types=["job.failed"], body_template='{"x": "{{data.no}}"}'
    )
    await platform.run("update rowhook.webhook set state = 'disabled' where id = %s", disabled)
    verdict = await validate(api, platform, {"go": False})
    assert [output["outcome"] for output in verdict["outputs"]] == ["skipped", "disabled"]
    assert verdict["valid"]


async def test_a_goal_of_another_organization_does_not_exist(api: Api, platform: Platform) -> None:
    other = await tenant(api, platform.db)
    key = await api.key_of(other.organization)
    for call, path in (("GET", "schema"), ("GET", "commit-tool"), ("POST", "validate")):
        body: dict[str, Any] | None = {"data": {}} if call == "POST" else None
        response = await api.call(call, f"/goals/{platform.goal}/{path}", body, key=key)
        assert response.status_code == 404, path


async def test_a_validate_body_without_data_is_refused(api: Api, platform: Platform) -> None:
    invalid_bodies: list[dict[str, Any]] = [{}, {"data": 1, "contxt": {}}]
    for body in invalid_bodies:
        response = await api.call("POST", f"/goals/{platform.goal}/validate", body)
        assert response.status_code == 422
    assert "context" in response.json()["errors"][0]["message"]


async def test_the_schema_and_the_tool_are_served(api: Api, platform: Platform) -> None:
    await link_webhook(
        api, platform, body_template='{"mail": "{{data.m}}", "plan": "pro"}', schema=CUSTOMER
    )
    schema = (await api.call("GET", f"/goals/{platform.goal}/schema")).json()
    assert schema["properties"]["m"]["format"] == "email"
    assert (await api.call("GET", f"/goals/{platform.goal}/outputs")).json()["items"][0]["url"]
    for form, key in (("anthropic", "input_schema"), ("mcp", "inputSchema"), ("openai", "type")):
        response = await api.call("GET", f"/goals/{platform.goal}/commit-tool?format={form}")
        assert key in response.json()
    response = await api.call("GET", f"/goals/{platform.goal}/commit-tool?format=other")
    assert response.status_code == 400


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
    {"body_template": '[{% for line in data.l %}{"x": "{{line | upper}}"},{% endfor %} 0]'},
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
    rng = random.Random(20261123)  # noqa: S311  # reproducible
    names = ("mail", "plan", "age", "n", "l")
    good = {"mail": "ada@example.com", "plan": "pro", "age": 30, "n": 2, "l": ["a"]}
    samples: list[Any] = [good]
    while len(samples) < count:
        sample: Any = dict(good)
        for name in rng.sample(names, rng.randrange(0, 4)):
            sample[name] = rng.choice(VALUES)
        for name in rng.sample(names, rng.choice([0, 0, 1])):
            sample.pop(name, None)
        samples.append(rng.choice(VALUES) if rng.random() < 0.05 else sample)
    return samples


async def test_the_verdict_matches_the_result_of_the_worker(rig: Rig) -> None:
    webhooks = {
        (await rig.webhook(**{"path": f"/{n}", "retry_schedule_s": [0], **fields})).id: n
        for n, fields in enumerate(TEMPLATES)
    }
    proposed = [json.dumps(document) for document in documents(150)]
    predicted: dict[tuple[str, int], bool] = {}
    for text in proposed:
        commit = await rig.platform.commit(text)
        verdict = await validate_commit(rig.ctx, rig.platform.goal, proposal(text))
        predicted |= {
            (commit, webhooks[output.webhook_id]): output.valid for output in verdict.outputs
        }
    async with rig.worker():
        await until(rig.nothing_waits, description="all deliveries finished")
    rows = await rig.platform.rows("select commit_id, webhook_id, status from rowhook.delivery")
    observed = {
        (row["commit_id"], webhooks[row["webhook_id"]]): row["status"] != "held" for row in rows
    }
    assert len(observed) == 150 * len(TEMPLATES)
    assert {
        key: (predicted[key], observed[key])
        for key in observed
        if predicted[key] is not observed[key]
    } == {}
    shares = [
        sum(ok for (_, n), ok in observed.items() if n == which) for which in webhooks.values()
    ]
    assert all(0 < share < 150 for share in shares), shares


def proposal(text: str) -> Proposal:
    return Proposal(data=Raw(text.encode()))


async def test_data_that_is_valid_against_the_goal_schema_is_valid_for_every_output(
    rig: Rig,
) -> None:
    for n, fields in enumerate(TEMPLATES[:4]):
        await rig.webhook(**{"path": f"/{n}", **fields})
    schema = await goal_schema(rig.ctx, rig.platform.goal)
    assert [entry["reason"] for entry in schema["x-rowhook"]["not_enforced"]] == []
    compiled = compile_schema(
        {keyword: value for keyword, value in schema.items() if keyword != "x-rowhook"}
    )
    valid = [document for document in documents(400) if not compiled.faults(document)]
    assert 20 < len(valid) < 400
    for document in valid:
        verdict = await validate_commit(rig.ctx, rig.platform.goal, proposal(json.dumps(document)))
        assert verdict.valid, (document, verdict)


async def test_the_tool_is_one_that_the_named_api_accepts(api: Api, platform: Platform) -> None:
    await link_webhook(
        api, platform, body_template='{"m": "{{data.m}}"}', schema=object_with_mail()
    )
    await link_webhook(
        api, platform, name="A\nB", schema={"properties": {"data": object_with_mail("b c")}}
    )
    path = f"/goals/{platform.goal}/commit-tool"
    for form in ("anthropic", "openai", "mcp"):
        tool = (await api.call("GET", f"{path}?format={form}")).json()
        assert broken_rules(tool, form) == []
    tool = (await api.call("GET", f"{path}?format=openai&strict=true")).json()
    assert broken_rules(tool, "openai", strict=True) == []
    assert (await api.call("GET", f"{path}?format=mcp&strict=true")).status_code == 422


def object_with_mail(name: str = "m") -> dict[str, Any]:
    return {"type": "object", "properties": {name: EMAIL}, "required": [name]}
