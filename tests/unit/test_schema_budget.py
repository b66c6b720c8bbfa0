from __future__ import annotations

import random
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowhook.schema.schema_compiler import SchemaRejected, compile_schema
from tests.support.cpu_cost import cpu_loops

# CPU, in loops of tests.support.cpu_cost. The whole step budget took at most 43.
MOST_LOOPS = 100


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def doubling(depth: int, keyword: str, times: int = 2) -> dict[str, Any]:
    named: dict[str, Any] = {
        f"d{n}": {keyword: [{"$ref": f"#/$defs/d{n + 1}"}] * times} for n in range(depth)
    }
    return {"$defs": {**named, f"d{depth}": {"type": "null"}}, "$ref": "#/$defs/d0"}


def unevaluated(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(depth):
        schema = {"allOf": [schema], "unevaluatedProperties": False, "properties": {"p": True}}
    return schema


def properties(count: int) -> dict[str, int]:
    return {f"k{n}": n for n in range(count)}


CHANCE = random.Random(7)  # noqa: S311 - test data
BITS = f"{CHANCE.getrandbits(300_000):0300000b}"
DYNAMIC: dict[str, Any] = {
    "$dynamicAnchor": "n",
    "properties": {"a": {"anyOf": [{"$dynamicRef": "#n"}] * 2}},
}
COSTLY: dict[str, tuple[Any, Any]] = {
    "exponential anyOf": (doubling(30, "anyOf"), 1),
    "exponential oneOf": (doubling(15, "oneOf", 3), 1),
    "exponential allOf": (doubling(30, "allOf"), None),
    "a reference to itself": ({"$ref": "#"}, 1),
    "self references in anyOf": ({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, 1),
    "not itself": ({"not": {"$ref": "#"}}, 1),
    "exponential dynamic references": (DYNAMIC | {"type": "object"}, nested(60)),
    "nested unevaluated": (unevaluated(20), {"p": 1}),
    "100k properties, each described": (
        {"additionalProperties": {"type": "integer"}},
        properties(100_000),
    ),
    "100k property names": ({"propertyNames": {"pattern": "^k"}}, properties(100_000)),
    "2,000 patterns for 20,000 objects": (
        {"items": {"patternProperties": {f"r{n}": True for n in range(2000)}}},
        [{"zz": 1}] * 20_000,
    ),
    "depth 6,000": ({"properties": {"a": {"$ref": "#"}}}, nested(6000)),
    "depth 6,000 in const": ({"const": 1}, nested(6000)),
    "100k unique numbers": ({"uniqueItems": True}, list(range(100_000))),
    "a pattern that outgrows its automaton": ({"pattern": "[01]*1[01]{200}x"}, BITS),
    "3,000 alternatives for 1 MiB": ({"anyOf": [{"const": "a"}] * 1500}, "x" * 1_000_000),
    "a number of 1,000,000 digits": ({"multipleOf": Decimal("0.01")}, Decimal("1" * 1_000_000)),
    "5,000 required names": (
        {"items": {"not": {"required": [f"r{n}" for n in range(5000)]}}},
        [{}] * 9000,
    ),
    "300 contains": ({"allOf": [{"contains": {"type": "string"}}] * 300}, [1] * 100_000),
}


@pytest.mark.parametrize("name", COSTLY)
def test_a_validation_above_the_budget_is_a_fault(name: str) -> None:
    schema, instance = COSTLY[name]
    faults = compile_schema(schema).faults(instance)
    assert faults
    assert all("too expensive" in fault.message for fault in faults if fault.keyword == "cost")


AT_EASE: dict[str, tuple[Any, Any]] = {
    "10k different objects": ({"uniqueItems": True}, [{"a": n, "b": [n]} for n in range(10_000)]),
    "10k numbers of one hash": ({"uniqueItems": True}, [(2**61 - 1) * n for n in range(10_000)]),
    "10k rows": (
        {"items": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}},
        [{"a": n} for n in range(10_000)],
    ),
    "9k choices for 9k items": ({"items": {"enum": list(range(9000))}}, list(range(9000))),
    "100k free properties": ({"properties": {"a": True}}, properties(100_000)),
    "a catastrophic pattern": ({"pattern": "^(a+)+$"}, "a" * 100_000),
    "500k items of any kind": ({"items": True}, [1] * 500_000),
    "a string of 1 MiB": ({"maxLength": 2_000_000, "pattern": "^x"}, "x" * 1_000_000),
    "depth 90 through a reference": ({"properties": {"a": {"$ref": "#"}}}, nested(90)),
    "1e100000 of 1e-300": ({"multipleOf": 1e-300}, Decimal("1e100000")),
    "3,000 date-times": ({"items": {"format": "date-time"}}, ["2026-05-23T12:34:56Z"] * 3000),
}


@pytest.mark.parametrize("name", AT_EASE)
def test_large_ordinary_data_is_valid(name: str) -> None:
    schema, instance = AT_EASE[name]
    assert compile_schema(schema).faults(instance) == ()


@pytest.mark.battery
@pytest.mark.hazards
@pytest.mark.parametrize("name", [*COSTLY, *AT_EASE])
def test_every_check_has_bounded_cpu_time(name: str) -> None:
    schema, instance = (COSTLY | AT_EASE)[name]
    compiled = compile_schema(schema)
    assert cpu_loops(lambda: compiled.faults(instance)) < MOST_LOOPS


HOSTILE_FORMATS = ["a" * 50_000, "a." * 25_000, "a@" * 25_000, "é" * 50_000, "(((a+)+)+)+" * 4000]
HOSTILE_FORMATS += [
    "http://" + "a" * 50_000 + " ",
    "P" + "1Y" * 25_000,
    "{a}" * 16_000,
    ":" * 50_000,
]


@pytest.mark.battery
@pytest.mark.hazards
@pytest.mark.parametrize("text", HOSTILE_FORMATS, ids=lambda text: text[:9])
@pytest.mark.parametrize(
    "name", ["regex", "iri", "uri", "email", "idn-email", "duration", "uri-template", "hostname"]
)
def test_every_format_check_has_bounded_cpu_time(name: str, text: str) -> None:
    schema = compile_schema({"format": name})
    assert cpu_loops(lambda: schema.faults(text)) < MOST_LOOPS


LARGE_SCHEMAS: dict[str, Any] = {
    "3,000 references": {"$defs": {"a": {}}, "anyOf": [{"$ref": "#/$defs/a"}] * 3000},
    "1,500 anchors": {
        "$defs": {f"a{n}": {"$anchor": f"a{n}"} for n in range(1500)},
        "anyOf": [{"$ref": f"#a{n}"} for n in range(1500)],
    },
    "1,500 missing anchors": {"anyOf": [{"$ref": f"#a{n}"} for n in range(1500)]},
    "1,500 ids": {
        "$defs": {f"a{n}": {"$id": f"a{n}"} for n in range(1500)},
        "anyOf": [{"$ref": f"a{n}"} for n in range(1500)],
    },
    "4,000 patterns": {"patternProperties": {f"^x{n}$": True for n in range(4000)}},
    "3,000 large patterns": {
        "patternProperties": {"\\pL{0,20}" * 2 + str(n): True for n in range(3000)}
    },
    "3,000 look-aheads": {"patternProperties": {f"(?=a){n}": True for n in range(3000)}},
    "9,000 properties": {"properties": {f"k{n}": True for n in range(9000)}},
    "100,000 properties": {"properties": {f"k{n}": {} for n in range(100_000)}},
    "a long reference": {"$ref": "#/" + "a/" * 100_000},
}


@pytest.mark.battery
@pytest.mark.hazards
@pytest.mark.parametrize("name", LARGE_SCHEMAS)
def test_a_large_schema_is_compiled_or_rejected_in_bounded_cpu_time(name: str) -> None:
    def work() -> None:
        with suppress(SchemaRejected):
            compile_schema(LARGE_SCHEMAS[name])

    work()
    assert cpu_loops(work) < MOST_LOOPS


def test_the_budget_is_reset_for_each_validation() -> None:
    compiled = compile_schema({"additionalProperties": {"type": "integer"}})
    assert [fault.keyword for fault in compiled.faults(properties(100_000))] == ["cost"]
    assert compiled.faults(properties(100)) == ()


WORDS = ["type", "properties", "items", "anyOf", "oneOf", "allOf", "not", "$ref", "$defs", "if"]
WORDS += ["then", "enum", "const", "required", "$dynamicRef", "$dynamicAnchor", "$id", "$anchor"]
WORDS += ["pattern", "patternProperties", "unevaluatedProperties", "unevaluatedItems", "contains"]
WORDS += ["dependentSchemas", "uniqueItems", "format", "minimum", "multipleOf", "prefixItems"]
REFERENCES = [
    "#",
    "#/$defs/a",
    "#a",
    "a",
    "#/properties/a",
    "http://h/",
    "#/x/0",
    "string",
    "^(a|b)+$",
]
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(REFERENCES)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*WORDS, "a", "x"]), inner, max_size=5)
    ),
    max_leaves=25,
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "x", "$ref", "b"]), inner, max_size=4)
    ),
    max_leaves=30,
)


@pytest.mark.battery
@pytest.mark.hazards
@given(schema=SCHEMAS, value=VALUES)
def test_any_schema_is_rejected_or_validates_any_value_in_bounded_time(
    schema: Any, value: Any
) -> None:
    def work() -> None:
        with suppress(SchemaRejected):
            compile_schema(schema).faults(value)

    assert cpu_loops(work) < 2 * MOST_LOOPS


@pytest.mark.battery
@pytest.mark.hazards
@given(
    depth=st.integers(1, 12),
    times=st.integers(1, 4),
    keyword=st.sampled_from(["anyOf", "oneOf", "allOf"]),
)
def test_branching_references_have_bounded_cpu_time(depth: int, times: int, keyword: str) -> None:
    compiled = compile_schema(doubling(depth, keyword, times))
    results: list[Any] = []
    assert cpu_loops(lambda: results.extend(compiled.faults(1))) < MOST_LOOPS
    assert results
