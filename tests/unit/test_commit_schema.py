from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from rowhook.commit_schema.data_schema import derive_requirements
from rowhook.commit_schema.merged_schema import Output, commit_schema, commit_tool
from rowhook.render.configuration import Configuration
from rowhook.render.webhook_compiler import compile_webhook
from rowhook.schema.schema_compiler import compile_schema

IDENTITY = {"id": UUID(int=1), "organization_id": UUID(int=2), "revision": 1, "secrets_version": 0}
EMAIL = {"type": "string", "format": "email"}


def output(name: str = "CRM", **fields: Any) -> Output:
    configuration = Configuration(**{"name": name, "url": "https://crm.example.com/", **fields})
    compiled = compile_webhook(configuration, identity=IDENTITY, brand="Roxels")
    return Output(name.lower(), name, derive_requirements(configuration, compiled))


def schema_of(*outputs: Output) -> dict[str, Any]:
    document = commit_schema("goal_1", outputs)
    compile_schema(
        {keyword_: entry for keyword_, entry in document.items() if keyword_ != "x-rowhook"}
    )
    return document


def asked(*outputs: Output) -> dict[str, Any]:
    """The schema without what is only said about it."""
    document = schema_of(*outputs)
    text = json.dumps(
        {
            keyword_: document[keyword_]
            for keyword_ in document
            if keyword_ not in ("$schema", "title")
        }
    )
    stripped: dict[str, Any] = json.loads(text, object_hook=_without_notes)
    return stripped


def _without_notes(node: dict[str, Any]) -> dict[str, Any]:
    return {
        keyword_: value
        for keyword_, value in node.items()
        if keyword_ not in ("description", "x-rowhook")
    }


def lost(webhook_output: Output) -> list[tuple[str, str]]:
    return [(each.location, each.reason) for each in webhook_output.requirements.not_enforced]


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def test_a_plain_mapping_brings_the_schema_back_to_the_data() -> None:
    webhook_output = output(body_template='{"name": "{{data.name}}"}', schema=of(name=EMAIL))
    assert asked(webhook_output) == of(name=EMAIL)
    assert lost(webhook_output) == []


SHAPES = {
    "outside quotes": (
        '{"n": {{ data.n }}}',
        of(n={"type": "integer", "minimum": 1}),
        of(n={"type": "integer", "minimum": 1}),
    ),
    "renamed": ('{"mail": "{{data.person.email}}"}', of(mail=EMAIL), of(person=of(email=EMAIL))),
    "nested": (
        '{"a": {"b": [1, "{{data.x}}"]}}',
        of(a=of(b={"prefixItems": [{}, {"minLength": 2}], "type": "array"})),
        of(x={"type": "string", "minLength": 2}),
    ),
    "every item": (
        '{"tags": ["{{data.a}}", "{{data.b}}"]}',
        of(tags={"items": {"enum": ["x", "y"]}}),
        of(a={"type": "string", "enum": ["x", "y"]}, b={"type": "string", "enum": ["x", "y"]}),
    ),
    "a whole part": (
        '{"all": {{ data.all | tojson }}}',
        of(all=of(x={"const": 1})),
        of(all=of(x={"const": 1})),
    ),
    "all of it": ("{{ data }}", of(x={"const": 1}), of(x={"const": 1})),
    "a reference": (
        '{"x": "{{data.x}}"}',
        of(x={"$ref": "#/$defs/mail"}) | {"$defs": {"mail": EMAIL}},
        of(x=EMAIL),
    ),
    "a reference with escapes": (
        '{"x": "{{data.x}}"}',
        of(x={"$ref": "#/$defs/e~1mail%20address"}) | {"$defs": {"e/mail address": EMAIL}},
        of(x=EMAIL),
    ),
    "a reference with more": (
        '{"x": {{data.x}}}',
        of(x={"$ref": "#/$defs/n", "maximum": 9}) | {"$defs": {"n": {"minimum": 1}}},
        of(x={"allOf": [{"minimum": 1}, {"maximum": 9}]}),
    ),
    "allOf": (
        '{"x": {{data.x}}}',
        {"allOf": [of(x={"minimum": 1}), of(x={"maximum": 9})]},
        of(x={"allOf": [{"minimum": 1}, {"maximum": 9}]}),
    ),
    "additional": (
        '{"x": {{data.x}}}',
        {"additionalProperties": {"type": "boolean"}},
        of(x={"type": "boolean"}),
    ),
    "a position": (
        '{"x": {{data.l[1]}}}',
        of(x={"type": "null"}),
        of(l={"type": "array", "prefixItems": [{}, {"type": "null"}], "minItems": 2}),
    ),
    "an odd key": (
        '{"x": {{data["a b"]}}}',
        of(x={"type": "null"}),
        of(**{"a b": {"type": "null"}}),
    ),
    "no schema": ('{"x": "{{data.x}} {{data.y | upper}}"}', None, of(x={}, y={})),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_schema_comes_back_through(name: str) -> None:
    template, schema, expected = SHAPES[name]
    webhook_output = output(body_template=template, schema=schema)
    assert asked(webhook_output) == expected
    assert lost(webhook_output) == []


def test_what_has_a_default_may_be_left_out_and_is_checked_if_it_is_there() -> None:
    template = '{"x": {{ data.x | default(1) }}, "y": "{{ data.y | default("n/a") }}"}'
    webhook_output = output(
        body_template=template, schema=of(x={"type": "integer"}, y={"maxLength": 9})
    )
    schema = asked(webhook_output)
    assert "required" not in schema
    assert schema["properties"] == {
        "x": {"type": "integer"},
        "y": {"type": "string", "maxLength": 9},
    }


def test_raw_and_default_payloads_bring_back_what_the_schema_says_of_the_data() -> None:
    assert asked(output(raw_payload=True, schema=of(x=EMAIL))) == of(x=EMAIL)
    payload = of(data=of(x=EMAIL), commit_id={"type": "string"})
    webhook_output = output(schema=payload)
    assert asked(webhook_output) == of(x=EMAIL)
    assert lost(webhook_output) == [("body/commit_id", "The value is set by Rowhook.")]


LOST = {
    "made of more": (
        '{"x": "Hi {{data.x}}"}',
        of(x=EMAIL),
        "body/x",
        "The string is composed of data.x.",
    ),
    "computed": ('{"x": "{{data.x | upper}}"}', of(x=EMAIL), "body/x", "Not a plain path"),
    "a secret": (
        '{"x": "{{secret:k}}"}',
        of(x=EMAIL),
        "body/x",
        "Not a plain path into the data: a secret.",
    ),
    "a default that breaks it": (
        '{"x": "{{data.x | default("n/a")}}"}',
        of(x=EMAIL),
        "body/x",
        "The default of data.x",
    ),
    "an if": (
        '{"x": {% if data.x %}1{% else %}2{% endif %}}',
        of(x={"const": 1}),
        "body/x",
        "An if tag decides the value.",
    ),
    "a loop": (
        '{"x": [{% for i in data.l %}{{ i }},{% endfor %}0]}',
        of(x={"items": EMAIL}),
        "body/x",
        "decides the items",
    ),
    "members by an if": (
        '{"x": 1{% if data.y %}, "y": 2{% endif %}}',
        of(x={"const": 1}),
        "body",
        "depends on a tag",
    ),
    "anyOf": ('{"x": {{data.x}}}', {"anyOf": [of(x=EMAIL), of(y=EMAIL)]}, "body", "anyOf"),
    "recursion": (
        '{"x": {{data.x}}}',
        of(x={"$ref": "#/$defs/t"}) | {"$defs": {"t": {"items": {"$ref": "#/$defs/t"}}}},
        "body/x",
        "refers to itself",
    ),
    "never there": ('{"x": 1}', of(y=EMAIL), "body/y", "the template does not write it"),
    "never allowed": (
        '{"x": {{data.x}}}',
        {"additionalProperties": False},
        "body/x",
        "does not allow it",
    ),
    "a text for a number": (
        '{"x": "{{data.x}}"}',
        of(x={"type": "integer"}),
        "body/x",
        "does not allow",
    ),
    "a key from data": ('{"{{data.k}}": {{data.x}}}', of(x=EMAIL), "body", "A key of the object"),
}


@pytest.mark.parametrize("name", LOST)
def test_what_cannot_be_brought_back_is_said_and_not_guessed(name: str) -> None:
    template, schema, place, reason = LOST[name]
    webhook_output = output(body_template=template, schema=schema)
    ((result, message),) = lost(webhook_output)
    assert result == place
    assert reason in message
    constrained = [item for item in webhook_output.requirements.items if item.schema is not None]
    assert constrained == []


def test_each_requirement_says_which_output_asks_for_it() -> None:
    first = output("CRM", body_template='{"m": "{{data.m}}"}', schema=of(m=EMAIL))
    other = output(
        "Mail",
        headers={"X-To": "{{data.m}}"},
        body_template="{{context.who}}",
        url="https://x.example.com/{{data.id}}",
    )
    requirements = schema_of(first, other)["x-rowhook"]["requirements"]
    by_path = {
        line["path"]: [asking["name"] for asking in line["used_by"]] for line in requirements
    }
    assert by_path == {"context.who": ["Mail"], "data.id": ["Mail"], "data.m": ["CRM", "Mail"]}
    assert all(line["required"] for line in requirements)
    assert {line["pointer"] for line in requirements} == {"/who", "/id", "/m"}


def test_what_two_outputs_ask_of_one_path_holds_together() -> None:
    first = output("A", body_template='{"x": {{data.x}}}', schema=of(x={"minimum": 1}))
    other = output("B", body_template='{"y": {{data.x}}}', schema=of(y={"maximum": 9}))
    assert asked(first, other) == of(x={"allOf": [{"minimum": 1}, {"maximum": 9}]})


def test_a_condition_is_told_as_what_could_not_be_brought_back() -> None:
    webhook_output = output(condition="data.kind == 'a'", body_template='{"x": {{data.x}}}')
    assert [place for place, _ in lost(webhook_output)] == ["/condition"]
    assert set(asked(webhook_output)["required"]) == {"kind", "x"}


def test_a_value_in_a_url_or_header_is_one_that_can_stand_there() -> None:
    webhook_output = output(
        url="https://{{data.t}}.example.com/{{data.id}}", headers={"X-A": "{{data.a}}"}
    )
    properties = asked(webhook_output)["properties"]
    wrong: list[tuple[str, object]] = [("id", [1]), ("a", {}), ("a", "é"), ("a", "x\ny")]
    for name, value in wrong:
        assert compile_schema(properties[name]).faults(value)
    assert not compile_schema(properties["id"]).faults("x/y")
    assert lost(webhook_output) == [("/url", "data.t must result in a host that is allowed.")]


@pytest.mark.parametrize(
    ("form", "key"),
    [("anthropic", "input_schema"), ("mcp", "inputSchema"), ("openai", "parameters")],
)
def test_the_tool_takes_the_data_itself(form: Any, key: str) -> None:
    schema = schema_of(output(body_template='{"m": "{{data.m}}"}', schema=of(m=EMAIL)))
    tool = commit_tool("goal_1", schema, form)
    tool = tool.get("function", tool)
    assert tool["name"] == "commit_goal_1"
    assert tool[key]["properties"]["m"]["format"] == "email"
    assert not {"$schema", "x-rowhook"} & tool[key].keys()


def test_a_tool_for_data_that_is_no_object_takes_it_as_a_member() -> None:
    schema = schema_of(output(raw_payload=True, schema={"type": "array", "items": EMAIL}))
    tool = commit_tool("goal 1/ä", schema, "mcp")
    assert tool["inputSchema"]["required"] == ["data"]
    assert tool["name"] != commit_tool("goal 1/ö", schema, "mcp")["name"]
    assert tool["name"].replace("_", "").isalnum()
    assert tool["name"].isascii()


def test_a_goal_without_outputs_asks_for_nothing() -> None:
    assert asked() == {}
    assert commit_tool("g", schema_of(), "mcp")["inputSchema"] == {
        "type": "object",
        "properties": {},
        "title": "Commit for goal_1",
    }
