from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowhook.schema.reader import NotJson, parse_instance
from tests.support.cpu_cost import cpu_loops

READ = {
    "1": 1,
    "-0": 0,
    "1.50": Decimal("1.50"),
    "1e100000": Decimal("1e100000"),
    "9" * 30: int("9" * 30),
    "9" * 5000: Decimal("9" * 5000),
    '{"a":1,"a":2}': {"a": 2},
    '{"":null}': {"": None},
    '"\\u0000\\ud800"': "\x00\ud800",
    " [true, false] ": [True, False],
    "[" * 256 + "]" * 256: json.loads("[" * 256 + "]" * 256),
    '["' + "[" * 1000 + '"]': ["[" * 1000],
}


@pytest.mark.parametrize("text", READ, ids=lambda text: text[:20])
def test_json_numbers_keep_their_digits(text: str) -> None:
    assert parse_instance(text) == READ[text]
    assert type(parse_instance(text)) is type(READ[text])


REFUSED = {
    "": "line 1, column 1",
    "{\n  'a': 1}": "line 2, column 3",
    "[1,]": "line 1, column 4",
    "[1] x": "line 1, column 5",
    "\ufeff1": "line 1, column 1",
    '"\t"': "line 1, column 2",
    "NaN": "NaN at line 1, column 1",
    '{"NaN":\n [1, -Infinity]}': "-Infinity at line 2, column 6",
    "[" * 257 + "]" * 257: "Nested deeper than 256 levels",
    "[" * 100_000: "Nested deeper than 256 levels",
    '{"a":' * 6000 + "1" + "}" * 6000: "Nested deeper than 256 levels",
    "1e9999999999999999999999": "exponent of a number is out of range",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:20])
def test_invalid_json_is_rejected_with_its_position(text: str) -> None:
    with pytest.raises(NotJson) as refused:
        parse_instance(text)
    assert REFUSED[text] in str(refused.value)


def test_the_error_contains_nothing_of_the_text() -> None:
    with pytest.raises(NotJson) as refused:
        parse_instance('{"a": canary-8c1f}')
    assert "canary" not in str(refused.value)


@pytest.mark.battery
@pytest.mark.hazards
@pytest.mark.parametrize(
    "text", ["9" * 1_000_000, "1." + "9" * 1_000_000, '"' + "x" * 1_000_000 + '"']
)
def test_a_token_of_a_million_characters_is_parsed_in_linear_time(text: str) -> None:
    assert cpu_loops(lambda: parse_instance(text)) < 20  # measured: 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(value=JSON, ascii_only=st.booleans())
def test_any_json_value_survives_parsing(value: object, ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    assert parse_instance(json.dumps(value, ensure_ascii=ascii_only)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_any_fraction_keeps_its_digits(number: Decimal) -> None:
    read = parse_instance(f"[{number:e}, 0.0]")
    assert isinstance(read, list)
    assert read[0] == number


TOKENS = (
    *("{", "}", "[", "]", ",", ":", " ", "\n", '"a"', '"b"', '"\\ud800"', '"é"', '"x', "\\"),
    *("1", "-0", "01", "1.50", "1e5", "1E400", "1" * 30, "null", "true", '"\x01"', '"\\n"'),
)


@given(st.lists(st.sampled_from(TOKENS), max_size=8).map("".join))
def test_values_are_those_of_the_standard_library(text: str) -> None:
    try:
        expected = json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError:
        with pytest.raises(NotJson):
            parse_instance(text)
    else:
        assert repr(parse_instance(text)) == repr(expected)
