from __future__ import annotations

import json
from decimal import Decimal

import pytest

from rowhook.schema.reader import parse_instance
from rowhook.schema.schema_compiler import compile_schema


def messages(schema: object, text: str) -> list[str]:
    return [str(fault) for fault in compile_schema(schema).faults(parse_instance(text))]


EQUAL_OR_NOT = [
    ("[1,true]", True),
    ("[0,false]", True),
    ("[1,1.0]", False),
    ("[100,1e2]", False),
    ("[0,-0.0]", False),
    ("[0.1,1e-1]", False),
    ('["1",1]', True),
    ("[[1],[true]]", True),
    ("[[1],[1.0]]", False),
    ('[{"a":1,"b":2},{"b":2.0,"a":1}]', False),
    ('[{"a":1},{"a":true}]', True),
    ('[null,false,0,[],{},""]', True),
    ("[1e100000,1e100001]", True),
    ("[123456789012345678901234567890,123456789012345678901234567891]", True),
    ('["\\ud800","\\ud801"]', True),
]


@pytest.mark.parametrize(("text", "unique"), EQUAL_OR_NOT)
def test_items_are_compared_by_json_equality(text: str, unique: bool) -> None:  # noqa: FBT001 - a column
    assert (messages({"uniqueItems": True}, text) == []) is unique
    first, second = json.loads(text, parse_float=Decimal)[:2]
    assert (compile_schema({"const": first}).faults(second) == ()) is not unique


MULTIPLES = [
    ("0.01", "19.99", True),
    ("0.01", "19.995", False),
    ("3", "9" * 30, True),
    ("3", "9" * 29 + "8", False),
    ("1e308", "1e309", True),
    ("1e308", "1e307", False),
    ("1e-300", "1e300", True),
    ("1e-300", "1e100000", True),
    ("7", "1e999999999", False),
    ("1e-999999999", "1e999999999", True),
    ("1e999999999", "1e-999999999", False),
    ("0.1", "-0.3", True),
    ("2.5", "0", True),
    ("2", "4.0", True),
]


@pytest.mark.parametrize(("divisor", "number", "multiple"), MULTIPLES)
def test_multiple_of_is_exact_for_all_exponents(
    divisor: str,
    number: str,
    multiple: bool,  # noqa: FBT001 - a column
) -> None:
    schema = compile_schema({"multipleOf": parse_instance(divisor)})
    assert (schema.faults(parse_instance(number)) == ()) is multiple


NUMBERS = [
    ({"type": "integer"}, "1.0", True),
    ({"type": "integer"}, "1e3", True),
    ({"type": "integer"}, "1.5", False),
    ({"type": "integer"}, "1e100000", True),
    ({"type": "integer"}, "true", False),
    ({"type": "number"}, "7", True),
    ({"minimum": 0.1}, "0.1", True),
    ({"maximum": 0.1}, "0.1", True),
    ({"maximum": 1e308}, "1e100000", False),
    ({"minimum": 10}, "123456789012345678901234567890", True),
    ({"maximum": 123456789012345678901234567890}, "123456789012345678901234567891", False),
]


@pytest.mark.parametrize(("schema", "text", "valid"), NUMBERS)
def test_numbers_are_compared_digit_for_digit(
    schema: object,
    text: str,
    valid: bool,  # noqa: FBT001 - a column
) -> None:
    assert (messages(schema, text) == []) is valid


@pytest.mark.parametrize("number", [0.1, Decimal("0.1")])
def test_a_float_in_a_schema_is_compared_as_written(number: object) -> None:
    assert compile_schema({"minimum": 0.1, "maximum": 0.1}).faults(number) == ()


FORMATS = [
    ("email", "a.b+c@example.com", "a@"),
    ("email", '"a b"@example.com', "a b@example.com"),
    ("email", "a@[127.0.0.1]", "a@[127.0.0.300]"),
    ("idn-email", "ä@bücher.example", "ä"),
    ("uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2eb8aa08"),
    ("date-time", "2026-05-23T12:34:56.789Z", "2026-05-23 12:34"),
    ("date-time", "2026-05-23t12:34:56+02:00", "2026-02-30T12:34:56Z"),
    ("date", "2024-02-29", "2023-02-29"),
    ("time", "12:00:00Z", "12:00:00"),
    ("duration", "P1DT2H", "1 day"),
    ("uri", "https://example.com/a?b#c", "example.com"),
    ("uri", "https://example.com/", "https://example.com/\n"),
    ("iri", "https://bücher.example/ä", "bücher"),
    ("ipv4", "192.0.2.1", "192.0.2.01"),
    ("ipv6", "2001:db8::1", "12345::"),
    ("hostname", "a.example", "-a.example"),
    ("regex", "^[a-z]+$", "(["),
    ("json-pointer", "/a/b~0c", "a"),
]


@pytest.mark.parametrize(("name", "good", "bad"), FORMATS)
def test_formats_are_asserted(name: str, good: str, bad: str) -> None:
    schema = compile_schema({"format": name})
    assert schema.faults(good) == ()
    assert [fault.keyword for fault in schema.faults(bad)] == ["format"]


def test_an_unknown_format_is_ignored() -> None:
    assert compile_schema({"format": "phone"}).faults("x") == ()


PATTERNS = [
    (r"^\d{3}$", "123", "12"),
    (r"^\u00e9\/\-$", "é/-", "e/-"),
    (r"^\ud83d\ude00$", "😀", "x"),
    (r"^\cJ$", "\n", "J"),
    (r"^\s$", "\u00a0", "x"),
    (r"^[\sx]$", "\ufeff", "y"),
    (r"^\S$", "x", "\u2003"),
    (r"^\p{L}+$", "Zürich", "1"),
    (r"b", "abc", "ac"),
    (r"^a$", "a", "a\n"),
    (r"^.$", "\ud800", "\ud800x"),
]


@pytest.mark.parametrize(("pattern", "good", "bad"), PATTERNS)
def test_patterns_follow_ecma_262(pattern: str, good: str, bad: str) -> None:
    schema = compile_schema({"pattern": pattern})
    assert schema.faults(good) == ()
    assert [fault.keyword for fault in schema.faults(bad)] == ["pattern"]
