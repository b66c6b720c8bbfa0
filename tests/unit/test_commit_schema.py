from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from rowhook.commit_schema import Output, commit_schema
from rowhook.commit_schema.commit_tool import commit_tool
from rowhook.commit_schema.data_schema import derive_requirements
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


def plain_schema(*outputs: Output) -> dict[str, Any]:
    """Returns the schema without its annotations."""
    document = schema_of(*outputs)
    text = json.dumps(
        {
            keyword_: document[keyword_]
            for keyword_ in document
            if keyword_ not in ("$schema", "title")
        }
    )
    stripped: dict[str, Any] = json.loads(text, object_hook=_without_annotations)
    return stripped


def _without_annotations(node: dict[str, Any]) -> dict[str, Any]:
    return {
        keyword_: value
        for keyword_, value in node.items()
        if keyword_ not in ("description", "x-rowhook")
    }


def untransferred(webhook_output: Output) -> list[tuple[str, str]]:
    return [(each.location, each.reason) for each in webhook_output.requirements.not_enforced]


def object_schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def test_a_plain_mapping_transfers_the_schema_to_the_data() -> None:
    webhook_output = output(
        body_template='{"name": "{{data.name}}"}', schema=object_schema(name=EMAIL)
    )
    assert plain_schema(webhook_output) == object_schema(name=EMAIL)
    assert untransferred(webhook_output) == []


SHAPES = {
    "outside quotes": (
        '{"n": {{ data.n }}}',
        object_schema(n={"type": "integer", "minimum": 1}),
        object_schema(n={"type": "integer", "minimum": 1}),
    ),
    "renamed": (
        '{"mail": "{{data.person.email}}"}',
        object_schema(mail=EMAIL),
        object_schema(person=object_schema(email=EMAIL)),
    ),
    "nested": (
        '{"a": {"b": [1, "{{data.x}}"]}}',
        object_schema(a=object_schema(b={"prefixItems": [{}, EMAIL], "type": "array"})),
        object_schema(x=EMAIL),
    ),
    "every item": (
        '{"tags": ["{{data.a}}", "{{data.b}}"]}',
        object_schema(tags={"items": {"enum": ["x", "y"]}}),
        object_schema(
            a={"type": "string", "enum": ["x", "y"]}, b={"type": "string", "enum": ["x", "y"]}
        ),
    ),
    "a whole part": (
        '{"all": {{ data.all | tojson }}}',
        object_schema(all=object_schema(x={"const": 1})),
        object_schema(all=object_schema(x={"const": 1})),
    ),
    "all of it": ("{{ data }}", object_schema(x={"const": 1}), object_schema(x={"const": 1})),
    "a reference": (
        '{"x": "{{data.x}}"}',
        object_schema(x={"$ref": "#/$defs/mail"}) | {"$defs": {"mail": EMAIL}},
        object_schema(x=EMAIL),
    ),
    "a reference with escapes": (
        '{"x": "{{data.x}}"}',
        object_schema(x={"$ref": "#/$defs/e~1mail%20address"})
        | {"$defs": {"e/mail address": EMAIL}},
        object_schema(x=EMAIL),
    ),
    "a reference with more": (
        '{"x": {{data.x}}}',
        object_schema(x={"$ref": "#/$defs/n", "maximum": 9}) | {"$defs": {"n": {"minimum": 1}}},
        object_schema(x={"minimum": 1, "maximum": 9}),
    ),
    "allOf": (
        '{"x": {{data.x}}}',
        {"allOf": [object_schema(x={"minimum": 1}), object_schema(x={"maximum": 9})]},
        object_schema(x={"minimum": 1, "maximum": 9}),
    ),
    "additional": (
        '{"x": {{data.x}}}',
        {"additionalProperties": {"type": "boolean"}},
        object_schema(x={"type": "boolean"}),
    ),
    "a position": (
        '{"x": {{data.l[1]}}}',
        object_schema(x={"type": "null"}),
        object_schema(
            l={
                "type": ["array", "string"],
                "prefixItems": [{}, {"type": "null"}],
                "minItems": 2,
                "minLength": 2,
            }
        ),
    ),
    "an odd key": (
        '{"x": {{data["a b"]}}}',
        object_schema(x={"type": "null"}),
        object_schema(**{"a b": {"type": "null"}}),
    ),
    "no schema": ('{"x": "{{data.x}} {{data.y | upper}}"}', None, object_schema(x={}, y={})),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_schema_is_transferred_through(name: str) -> None:
    template, schema, expected = SHAPES[name]
    webhook_output = output(body_template=template, schema=schema)
    assert plain_schema(webhook_output) == expected
    assert untransferred(webhook_output) == []


def test_a_value_with_a_default_is_optional_and_checked_if_present() -> None:
    template = '{"x": {{ data.x | default(1) }}, "y": "{{ data.y | default("n/a") }}"}'
    webhook_output = output(
        body_template=template, schema=object_schema(x={"type": "integer"}, y={"maxLength": 9})
    )
    schema = plain_schema(webhook_output)
    assert "required" not in schema
    assert schema["properties"] == {
        "x": {"type": "integer"},
        "y": {"maxLength": 9},
    }


def test_raw_and_default_payloads_transfer_the_schema_of_the_data() -> None:
    assert plain_schema(output(raw_payload=True, schema=object_schema(x=EMAIL))) == object_schema(
        x=EMAIL
    )
    payload = object_schema(data=object_schema(x=EMAIL), commit_id={"type": "string"})
    webhook_output = output(schema=payload)
    assert plain_schema(webhook_output) == object_schema(x=EMAIL)
    assert untransferred(webhook_output) == [("body/commit_id", "The value is set by Rowhook.")]


LOST = {
    "made of more": (
        '{"x": "Hi {{data.x}}"}',
        object_schema(x=EMAIL),
        "body/x",
        "The string is composed of data.x.",
    ),
    "computed": (
        '{"x": "{{data.x | upper}}"}',
        object_schema(x=EMAIL),
        "body/x",
        "Not a plain path",
    ),
    "a secret": (
        '{"x": "{{secret:k}}"}',
        object_schema(x=EMAIL),
        "body/x",
        "Not a plain path into the data: a secret.",
    ),
    "a default that breaks it": (
        '{"x": "{{data.x | default("n/a")}}"}',
        object_schema(x=EMAIL),
        "body/x",
        "The default of data.x",
    ),
    "an if": (
        '{"x": {% if data.x %}1{% else %}2{% endif %}}',
        object_schema(x={"const": 1}),
        "body/x",
        "An if tag decides the value.",
    ),
    "a loop with an if": (
        '{"x": [{% for i in data.l %}{% if i %}1{% else %}2{% endif %},{% endfor %}0]}',
        object_schema(x={"items": EMAIL}),
        "body/x",
        "decides the items",
    ),
    "members by an if": (
        '{"x": 1{% if data.y %}, "y": 2{% endif %}}',
        object_schema(x={"const": 1}),
        "body",
        "depends on a tag",
    ),
    "anyOf": (
        '{"x": {{data.x}}}',
        {"anyOf": [object_schema(x=EMAIL), object_schema(y=EMAIL)]},
        "body",
        "anyOf",
    ),
    "never there": ('{"x": 1}', object_schema(y=EMAIL), "body/y", "the template does not write it"),
    "never allowed": (
        '{"x": {{data.x}}}',
        {"additionalProperties": False},
        "body/x",
        "does not allow it",
    ),
    "a text for a number": (
        '{"x": "{{data.x}}"}',
        object_schema(x={"type": "integer"}),
        "body/x",
        "does not allow",
    ),
    "a key from data": (
        '{"{{data.k}}": {{data.x}}}',
        object_schema(x=EMAIL),
        "body",
        "A key of the object",
    ),
}


@pytest.mark.parametrize("name", LOST)
def test_constraints_that_cannot_be_transferred_are_listed(name: str) -> None:
    template, schema, place, reason = LOST[name]
    webhook_output = output(body_template=template, schema=schema)
    ((result, message),) = untransferred(webhook_output)
    assert result == place
    assert reason in message
    constrained = [
        item for item in webhook_output.requirements.items if item.location.startswith("body/")
    ]
    assert constrained == []


def test_each_requirement_names_its_output() -> None:
    first = output("CRM", body_template='{"m": "{{data.m}}"}', schema=object_schema(m=EMAIL))
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


def test_requirements_of_two_outputs_for_one_path_are_combined() -> None:
    first = output("A", body_template='{"x": {{data.x}}}', schema=object_schema(x={"minimum": 1}))
    other = output("B", body_template='{"y": {{data.x}}}', schema=object_schema(y={"maximum": 9}))
    assert plain_schema(first, other) == object_schema(x={"minimum": 1, "maximum": 9})


def test_a_condition_is_listed_as_not_transferable() -> None:
    webhook_output = output(condition="data.kind == 'a'", body_template='{"x": {{data.x}}}')
    assert [place for place, _ in untransferred(webhook_output)] == ["/condition"]
    assert plain_schema(webhook_output)["required"] == ["kind"]


def test_a_value_in_a_url_or_header_is_constrained_to_its_place() -> None:
    webhook_output = output(
        url="https://{{data.t}}.example.com/{{data.id}}", headers={"X-A": "{{data.a}}"}
    )
    properties = plain_schema(webhook_output)["properties"]
    wrong: list[tuple[str, object]] = [("id", [1]), ("a", {}), ("a", "é"), ("a", "x\ny")]
    for name, value in wrong:
        assert compile_schema(properties[name]).faults(value)
    assert not compile_schema(properties["id"]).faults("x/y")
    assert untransferred(webhook_output) == [
        ("/url", "data.t must result in a host that is allowed.")
    ]


@pytest.mark.parametrize(
    ("form", "key"),
    [("anthropic", "input_schema"), ("mcp", "inputSchema"), ("openai", "parameters")],
)
def test_the_tool_accepts_the_data_as_its_arguments(form: Any, key: str) -> None:
    schema = schema_of(output(body_template='{"m": "{{data.m}}"}', schema=object_schema(m=EMAIL)))
    tool = commit_tool("goal_1", schema, form)
    tool = tool.get("function", tool)
    assert tool["name"] == "commit_goal_1"
    assert tool[key]["properties"]["m"]["format"] == "email"
    assert not {"$schema", "x-rowhook"} & tool[key].keys()


def test_a_tool_for_data_other_than_an_object_wraps_it_in_a_property() -> None:
    schema = schema_of(output(raw_payload=True, schema={"type": "array", "items": EMAIL}))
    tool = commit_tool("goal 1/ä", schema, "mcp")
    assert tool["inputSchema"]["required"] == ["data"]
    assert tool["name"] != commit_tool("goal 1/ö", schema, "mcp")["name"]
    assert tool["name"].replace("_", "").isalnum()
    assert tool["name"].isascii()


def test_a_goal_without_outputs_has_no_requirements() -> None:
    assert plain_schema() == {}
    assert commit_tool("g", schema_of(), "mcp")["inputSchema"] == {
        "type": "object",
        "properties": {},
    }
