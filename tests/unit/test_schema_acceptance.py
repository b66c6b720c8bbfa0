from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rowhook.schema.acceptance import integer_text
from rowhook.schema.reader import parse_instance
from rowhook.schema.schema_compiler import Schema, SchemaRejected, compile_schema

DIALECTS = (
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
)
NAMES = st.sampled_from(["a", "b", "c", "id"])
TEXTS = st.sampled_from(["", "a", "ab", "abc\n", "é", "2026-01-01", "x@example.com", "\ud800", "1"])
INTEGERS = st.integers(-3, 12) | st.sampled_from([10**17, -(10**18), 10**18, 10**40, 10**3000])
DECIMALS = st.sampled_from(["1.0", "1E0", "0.5", "-0.0", "1E400", "3." + "1" * 200]).map(Decimal)
SCALARS = st.none() | st.booleans() | INTEGERS | DECIMALS | TEXTS
INSTANCES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
SIZES = st.integers(0, 4) | st.just(2.0)
TYPES = st.sampled_from(["object", "array", "string", "integer", "number", "boolean", "null"])
BOUNDS = st.integers(-2, 10) | st.sampled_from([0.5, 1.0, 10**18, 1e300])
FORMATS = st.sampled_from(["date", "email", "uuid", "regex", "duration", "date-time", "unknown"])
SCHEMA_SCALARS = st.none() | st.booleans() | INTEGERS | TEXTS.filter(str.isascii) | st.just(1.0)


def keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Returns schemas with some keywords, compiled ones and others."""
    sizes = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
    bounds = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
            "enum": st.lists(SCHEMA_SCALARS, min_size=1, max_size=4, unique_by=repr),
            "const": SCHEMA_SCALARS,
            "required": st.lists(NAMES, max_size=2, unique=True),
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "additionalProperties": inner,
            "items": inner,
            "pattern": st.sampled_from(["^a", "b$", "^[a-z]*$", "."]),
            "format": FORMATS,
            "multipleOf": st.sampled_from([1, 2, 0.5]),
            "uniqueItems": st.booleans(),
            "patternProperties": st.dictionaries(st.just("^a"), inner, max_size=1),
            "propertyNames": inner,
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "contains": inner,
            "title": st.just("A title"),
            **dict.fromkeys(sizes, SIZES),
            **dict.fromkeys(bounds, BOUNDS),
        },
    )


SCHEMAS = st.recursive(st.booleans() | keywords(st.booleans()), keywords, max_leaves=6)


@settings(max_examples=100)
@given(schema=SCHEMAS, dialect=st.sampled_from(DIALECTS), instances=st.lists(INSTANCES, max_size=8))
@example(schema={"enum": [1]}, dialect=DIALECTS[0], instances=[True, 1, Decimal("1.0")])
@example(schema={"const": False}, dialect=DIALECTS[0], instances=[0, False])
@example(schema={"items": {"type": "null"}}, dialect=DIALECTS[2], instances=[[None] * 60_000])
def test_the_shortcut_accepts_only_values_that_the_validation_accepts(
    schema: Any, dialect: str, instances: list[Any]
) -> None:
    document = {"$schema": dialect, **schema} if isinstance(schema, dict) else schema
    try:
        compiled = compile_schema(document)
    except SchemaRejected:
        return
    for instance in instances:
        assert compiled.faults(instance) == compiled.validate(instance)


def test_numbers_of_one_hash_do_not_collide_in_an_enum() -> None:
    numbers = [(2**61 - 1) * factor for factor in range(1_000)]
    assert len({hash(number) for number in numbers}) == 1
    assert len({hash(integer_text(number)) for number in numbers}) == len(numbers)


ORDER = {
    "type": "object",
    "required": ["id", "lines"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": "^o_[0-9]+$", "maxLength": 20},
        "at": {"type": "string", "format": "date-time"},
        "total": {"type": "number", "minimum": 0},
        "state": {"enum": ["open", "paid", None]},
        "lines": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "properties": {"count": {"type": "integer"}}},
        },
    },
}


class _Unused(Schema):
    """A schema whose validation must not be needed."""

    __slots__ = ()

    def validate(self, instance: object) -> Any:
        raise AssertionError(instance)


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "o_1", "lines": [{"count": 1}]}',
        '{"id": "o_2", "at": "2026-01-01T00:00:00Z", "total": 19.99, "state": null, "lines": [{}]}',
    ],
)
def test_an_ordinary_valid_body_takes_the_shortcut(text: str) -> None:
    compiled = compile_schema(ORDER)
    assert _Unused(compiled.plan).faults(parse_instance(text)) == ()
