from __future__ import annotations

import sys
from typing import Any

import pytest

from rowhook.schema.schema_compiler import SchemaRejected, compile_schema

DRAFT_07 = "http://json-schema.org/draft-07/schema#"
DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema"


def rejected(schema: object) -> dict[str, str]:
    with pytest.raises(SchemaRejected) as refused:
        compile_schema(schema)
    return dict(refused.value.faults)


REFUSED = [
    ({"pattern": "(?=a)b"}, "/pattern", "Look-around and back-references are not supported"),
    ({"pattern": "(?<!a)b"}, "/pattern", "Look-around and back-references are not supported"),
    ({"pattern": "(a)\\1"}, "/pattern", "Look-around and back-references are not supported"),
    ({"pattern": "(["}, "/pattern", "RE2 cannot run the pattern"),
    ({"pattern": "\ud800"}, "/pattern", "half of a surrogate pair"),
    ({"pattern": "\\pL{0,200}" * 9}, "/pattern", "pattern too large"),
    ({"patternProperties": {"(?!a)/": {}}}, "/patternProperties/(?!a)~1", "Look-around"),
    ({"propertyNames": {"pattern": "(?!a)"}}, "/propertyNames/pattern", "Look-around"),
    ({"$ref": "https://example.com/s.json"}, "/$ref", "points outside the schema"),
    ({"$ref": "file:///etc/passwd"}, "/$ref", "points outside the schema"),
    ({"$ref": "other.json"}, "/$ref", "points outside the schema"),
    ({"$ref": DRAFT_2020}, "/$ref", "points outside the schema"),
    ({"items": {"$ref": "#/$defs/a"}}, "/items/$ref", "does not exist in the schema"),
    ({"$ref": "#nowhere"}, "/$ref", "does not exist in the schema"),
    ({"const": 12, "$ref": "#/const/x"}, "/$ref", "does not exist in the schema"),
    ({"$dynamicRef": "https://example.com/#x"}, "/$dynamicRef", "points outside the schema"),
    ({"$ref": "#/x", "x": {"$ref": "http://h/"}}, "/x/$ref", "points outside the schema"),
    ({"$ref": "#/x", "x": {"type": "strin"}}, "/x/type", "Must match one of the 2 alternatives"),
    ({"$ref": "#/x", "x": 12}, "/x", "Must be of type object or boolean"),
    ({"$schema": "https://example.com/mine"}, "/$schema", "Unknown dialect"),
    ({"$schema": "http://json-schema.org/draft-04/schema#"}, "/$schema", "Unknown dialect"),
    ({"$schema": 7}, "/$schema", "Unknown dialect"),
    ({"items": {"$schema": DRAFT_07}}, "/items/$schema", "Must be the dialect of the whole schema"),
    ({"type": "strin"}, "/type", "Must match one of the 2 alternatives"),
    ({"required": "a"}, "/required", "Must be of type array"),
    ({"minLength": -1}, "/minLength", "Must be at least 0"),
    ({"multipleOf": 0}, "/multipleOf", "Must be greater than 0"),
    ({"$id": 12}, "/$id", "Must be of type string"),
    ({"properties": {"a": {"$ref": 1}}}, "/properties/a/$ref", "Must be of type string"),
    (12, "", "Must be of type object or boolean"),
    (None, "", "Must be of type object or boolean"),
    ({"a": {1, 2}}, "", "is not JSON"),
    ({1: 2}, "", "is not JSON"),
    ({"minimum": float("nan")}, "", "NaN"),
    ({"minimum": int("9" * 4000)}, "", "more than 1,000 digits"),
    ({"properties": {f"k{n}": {} for n in range(100_000)}}, "", "more than 10,000 values"),
    ({"const": "x" * 300_000}, "", "more than 262,144 characters"),
]


@pytest.mark.parametrize(("schema", "pointer", "message"), REFUSED)
def test_an_invalid_schema_is_rejected_with_its_position(
    schema: object, pointer: str, message: str
) -> None:
    assert message in rejected(schema)[pointer]


def test_all_faults_of_a_schema_are_reported_together() -> None:
    schema = {"type": 1, "properties": {"a": {"pattern": "(?=x)"}, "b": {"minLength": "x"}}}
    assert set(rejected(schema)) == {
        "/type",
        "/properties/a/pattern",
        "/properties/b/minLength",
    }


def test_a_schema_nested_too_deeply_is_rejected() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5000):
        schema = {"not": schema}
    assert "nested deeper" in rejected(schema)[""]


def test_a_schema_never_opens_a_socket_or_a_file() -> None:
    opened: list[str] = []
    on = [True]

    def watch(event: str, args: tuple[Any, ...]) -> None:
        if on[0] and (event.startswith("socket.") or event == "open"):
            opened.append(f"{event} {args[:1]}")

    compile_schema({"type": "object"})
    sys.addaudithook(watch)
    for target in ("http://127.0.0.1:1/s", "file:///etc/passwd", "//host/s", "ftp://h/"):
        for schema in ({"$ref": target}, {"$id": target, "$ref": "x"}, {"$schema": target}):
            with pytest.raises(SchemaRejected):
                compile_schema(schema)
    on[0] = False
    assert opened == []


@pytest.mark.parametrize("document", ["x", 5, [], {"items": 5}, {"properties": {"a": "b"}}])
def test_a_fault_is_reported_once(document: object) -> None:
    with pytest.raises(SchemaRejected) as refused:
        compile_schema(document)
    assert len(refused.value.faults) == 1
