from __future__ import annotations

from typing import Any

import pytest

from rowhook.schema.budget import Fault
from rowhook.schema.reader import parse_instance
from rowhook.schema.schema_compiler import compile_schema

CANARY = "canary-8c1f"
DRAFT_07 = "http://json-schema.org/draft-07/schema#"
DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema"
DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema"


def messages(schema: object, text: str) -> list[str]:
    return [str(fault) for fault in compile_schema(schema).faults(parse_instance(text))]


MESSAGES = [
    ({"type": "string"}, "1", "/: Must be of type string, but is of type integer. (type)"),
    ({"required": ["email"]}, "{}", "/: Required property 'email' is missing. (required)"),
    ({"properties": {"e": {"format": "email"}}}, '{"e":"x"}', "/e: Must be an email. (format)"),
    ({"items": {"minimum": 5}}, "[9,4]", "/1: Must be at least 5. (minimum)"),
    ({"exclusiveMaximum": 5}, "5.0", "/: Must be less than 5. (exclusiveMaximum)"),
    ({"enum": ["a", None]}, '"b"', '/: Must be one of "a", null. (enum)'),
    ({"const": {"a": 1}}, '{"a":2}', '/: Must be {"a": 1}. (const)'),
    ({"pattern": "^a$"}, '"b"', "/: Must match the pattern '^a$'. (pattern)"),
    ({"maxLength": 1}, '"ab"', "/: Must be at most 1 character long. (maxLength)"),
    ({"uniqueItems": True}, "[1,2,1.0]", "/2: Duplicates item 0. (uniqueItems)"),
    (
        {"properties": {"a": True}, "additionalProperties": False},
        '{"a":1,"b/~":2}',
        "/b~1~0: Property is not allowed by the schema. (additionalProperties)",
    ),
    (
        {"anyOf": [{"type": "null"}, {"required": ["a"]}]},
        "{}",
        "/: Must match one of the 2 alternatives: Must be of type null, but is of type object.",
    ),
    (
        {"oneOf": [True, True]},
        "1",
        "/: Must match exactly one of the 2 alternatives, but matches 2. (oneOf)",
    ),
    ({"not": {}}, "1", "/: Must not match the schema under not. (not)"),
    (
        {"propertyNames": {"maxLength": 1}},
        '{"ab":1}',
        "/ab: Invalid property name: Must be at most 1",
    ),
    ({"unevaluatedProperties": False}, '{"a":1}', "/a: Property is not allowed by the schema."),
    (
        {"contains": {"const": 1}},
        "[2]",
        "/: Must have at least 1 item that matches contains, but has 0.",
    ),
    (
        {"dependentRequired": {"a": ["b"]}},
        '{"a":1}',
        "/: Required property 'b' is missing. It is required with",
    ),
    (False, "1", "/: Value is not allowed by the schema. (false)"),
]


@pytest.mark.parametrize(("schema", "text", "message"), MESSAGES)
def test_a_fault_has_a_pointer_a_keyword_and_a_message(
    schema: object, text: str, message: str
) -> None:
    assert [fault[: len(message)] for fault in messages(schema, text)] == [message]


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "null"},
        {"enum": [1]},
        {"const": 1},
        {"properties": {"k": {"pattern": "^x$"}}},
        {"properties": {"k": {"format": "uuid"}}},
        {"properties": {"k": {"maxLength": 2}}},
        {"properties": {"k": {"not": True}}},
        {"properties": {"k": False}},
        {"properties": {"k": {"anyOf": [{"const": 1}, False]}}},
        {"maxProperties": 0},
        {"unevaluatedProperties": {"type": "null"}},
    ],
)
def test_a_fault_never_contains_the_value(schema: object) -> None:
    faults = compile_schema(schema).faults({"k": CANARY})
    assert faults
    assert CANARY not in "".join(map(str, faults))


def test_a_valid_instance_has_no_fault_and_a_fault_is_a_plain_record() -> None:
    schema = compile_schema({"type": "integer"})
    assert schema.faults(1) == ()
    assert schema.faults("x") == (
        Fault(
            pointer="", keyword="type", message="Must be of type integer, but is of type string."
        ),
    )


def test_at_most_twenty_faults_are_reported() -> None:
    assert len(compile_schema({"items": {"type": "null"}}).faults([1] * 100)) == 20


LOCAL = [
    {"$ref": "#/$defs/n", "$defs": {"n": {"type": "null"}}},
    {"$ref": "#n", "$defs": {"x": {"$anchor": "n", "type": "null"}}},
    {"$dynamicRef": "#n", "$defs": {"x": {"$dynamicAnchor": "n", "type": "null"}}},
    {"$ref": "n.json", "$defs": {"x": {"$id": "n.json", "type": "null"}}},
    {"$id": "http://h/s", "$ref": "http://h/s#/$defs/n", "$defs": {"n": {"type": "null"}}},
    {"$ref": "#/x/y/0", "x": {"y": [{"type": "null"}]}},
    {"$ref": "#/$defs/a~1b%25", "$defs": {"a/b%": {"type": "null"}}},
    {"$schema": DRAFT_07, "$ref": "#n", "definitions": {"x": {"$id": "#n", "type": "null"}}},
    {"$schema": DRAFT_2019, "items": {"$recursiveRef": "#"}, "type": ["null", "array"]},
    {"$schema": DRAFT_07.rstrip("#"), "type": "null"},
]


@pytest.mark.parametrize("schema", LOCAL)
def test_a_reference_inside_the_document_is_followed(schema: dict[str, Any]) -> None:
    compiled = compile_schema(schema)
    assert compiled.faults(None) == ()
    assert compiled.faults("x") != ()


def test_names_and_data_that_look_like_references_are_not_references() -> None:
    schema = compile_schema(
        {
            "properties": {"$ref": {"const": {"$ref": "http://h/"}}, "$schema": {"type": "string"}},
            "default": {"$ref": "http://h/"},
        }
    )
    assert schema.faults({"$ref": {"$ref": "http://h/"}, "$schema": "x"}) == ()


def test_a_later_change_of_the_passed_schema_has_no_effect() -> None:
    document: dict[str, Any] = {"properties": {"a": {"type": "string"}}}
    schema = compile_schema(document)
    document["properties"]["a"]["type"] = "null"
    assert schema.faults({"a": "x"}) == ()


DRAFTS = [
    (DRAFT_07, {"dependencies": {"a": ["b"]}}, {"a": 1}, 1),
    (DRAFT_07, {"$ref": "#/definitions/n", "type": "null", "definitions": {"n": {}}}, 1, 0),
    (DRAFT_2020, {"$ref": "#/$defs/n", "type": "null", "$defs": {"n": {}}}, 1, 1),
    (DRAFT_07, {"items": [{"type": "null"}], "additionalItems": False}, [None, 1], 1),
    (DRAFT_2020, {"prefixItems": [{"type": "null"}], "items": False}, [None, 1], 1),
    (DRAFT_07, {"prefixItems": [{"type": "null"}]}, [1], 0),
    (DRAFT_07, {"unevaluatedProperties": False}, {"a": 1}, 0),
    (DRAFT_2019, {"unevaluatedProperties": False}, {"a": 1}, 1),
    (DRAFT_2019, {"contains": {}, "unevaluatedItems": False}, [1], 1),
    (DRAFT_2020, {"contains": {}, "unevaluatedItems": False}, [1], 0),
    (DRAFT_07, {"contains": {"const": 1}, "minContains": 0}, [], 1),
    (DRAFT_2019, {"contains": {"const": 1}, "minContains": 0}, [], 0),
]


@pytest.mark.parametrize(("draft", "schema", "instance", "count"), DRAFTS)
def test_each_draft_has_its_own_keywords(
    draft: str, schema: dict[str, Any], instance: object, count: int
) -> None:
    assert len(compile_schema({"$schema": draft, **schema}).faults(instance)) == count


@pytest.mark.parametrize(
    ("schema", "branches"),
    [
        ({"type": "object", "properties": {"a": {"minimum": 1}}}, False),
        ({"properties": {"a": {"items": {"anyOf": [{}, {}]}}}}, True),
        ({"$defs": {"a": {}}, "$ref": "#/$defs/a"}, True),
        ({"unevaluatedProperties": False}, True),
        (True, False),
    ],
)
def test_a_schema_reports_whether_small_instances_can_be_costly(
    schema: object,
    branches: bool,  # noqa: FBT001  # a column of the table
) -> None:
    assert compile_schema(schema).branches is branches
