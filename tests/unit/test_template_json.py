from __future__ import annotations

import json

import pytest

from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import compile_template
from rowhook.template.faults import RenderFault
from rowhook.template.json_values import Number, parse_json


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "[Infinity]",
        "-Infinity",
        "",
        "{",
        "[1,]",
        "01",
        "1.",
        '"a\nb"',
        '{"a":1,}',
        "1 2",
        "'a'",
        "nul",
        "\ufeff1",
    ],
)
def test_invalid_json_is_rejected(text: str) -> None:
    with pytest.raises(RenderFault, match="Invalid JSON"):
        parse_json(text)


@pytest.mark.parametrize("depth", [513, 900, 6_000, 100_000])
def test_json_nested_too_deeply_is_rejected(depth: int) -> None:
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        with pytest.raises(RenderFault, match="nested"):
            parse_json(opening * depth + "1" + closing * depth)


def test_json_nested_up_to_the_limit_is_accepted() -> None:
    text = '[{"a":' * 256 + '"]["' + "}]" * 256
    template = compile_template("{{ data }} {{ data == context }}", OutputContext.TEXT)
    written = template.render(
        {"data": parse_json(text), "context": parse_json("[" * 511 + "]" * 511)}
    )
    assert written.redacted() == f"{text} false"


def test_wide_json_is_accepted() -> None:
    text = json.dumps([[{"a": "]["}]] * 1_000)
    assert parse_json(text) == [[{"a": "]["}]] * 1_000


def test_the_last_of_duplicate_keys_wins() -> None:
    assert parse_json('{"a": 1, "a": 2, "": 3}') == {"a": 2, "": 3}
    assert parse_json('{"a": -0, "a": 2, "": 3}') == {"a": 2, "": 3}


@pytest.mark.parametrize(
    "text",
    [
        "-0",
        "[-0]",
        "[1,-0,2]",
        '{"at":"2026-05-01","n":-0}',
        '{"id":"0189-0e8e","at":"2026-05-01T00:00:00-00:00","n":-0.0}',
        '{"text":"a, -0, b","n":10}',
    ],
)
def test_negative_zeros_are_kept_beside_times_and_ids(text: str) -> None:
    template = compile_template("{{ data | tojson }}", OutputContext.TEXT)
    assert template.render({"data": parse_json(text)}).redacted() == text


def test_unusual_texts_are_kept() -> None:
    assert parse_json('["\\u0000", "\\ud800", "\\ud83d\\ude00"]') == ["\x00", "\ud800", "😀"]


def test_numbers_are_equal_by_value() -> None:
    assert Number("1.10") == Number("1.1")
    assert Number("1E2") == 100
    assert hash(Number("1.0")) == hash(1)
    assert Number("1") != "1"
    assert Number("1") != True  # noqa: E712  # the test is that they differ
    assert repr(Number("1.10")) == "Number('1.10')"
