"""YAML of configuration files: every JSON value is read back as it was written."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowhook.cli.yaml_document import Position, YamlRejected, dump, load

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.lists(
    st.sampled_from(["a", " b", "{{data.x}}", "", "- c", "# d", "\t", "e: 1", "é\u2028", "no"])
).map("\n".join)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=10,
)


@given(VALUES)
def test_every_json_value_is_read_back_as_written(value: Any) -> None:
    read, _ = load(dump(value))
    assert read == value
    # Equality does not tell 1 from true.
    assert msgspec.json.encode(read) == msgspec.json.encode(value)


def test_templates_are_written_as_blocks_of_lines() -> None:
    assert dump({"body_template": '{\n  "a": {{data.a}}\n}\n'}) == (
        'body_template: |\n  {\n    "a": {{data.a}}\n  }\n'
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("2026-01-01", "2026-01-01"),
        ("0123", "0123"),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        ("-5", -5),
        ("~", None),
        ("{true: 1}", {"true": 1}),
        ('{"a": [1.5, false]}', {"a": [1.5, False]}),
    ],
)
def test_plain_scalars_are_read_as_in_json(text: str, value: Any) -> None:
    assert load(text)[0] == value


def test_values_have_the_positions_of_their_keys() -> None:
    _, positions = load("a:\n  - b: 1\n    c/d: 2\n")
    assert positions["/a/0/c~1d"] == Position(3, 5)
    assert positions["/a/0"] == Position(2, 5)


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("", "The file is empty", None),
        ("a: 1\na: 2", "The key a occurs twice", (2, 1)),
        ("a: &x [1]\nb: *x", "Aliases", (1, 4)),
        ("a: !!python/none x", "Tags such as", (1, 4)),
        ("a: [1", "Not valid YAML", (1, 7)),
        ("a: 1e999", "is not a number", (1, 4)),
        ("a: 1\n--- b", "Not valid YAML", (2, 1)),
        ("[" * 2000, "Not valid YAML", None),
    ],
)
def test_an_unreadable_document_is_refused_with_its_position(
    text: str, message: str, position: tuple[int, int] | None
) -> None:
    with pytest.raises(YamlRejected, match=message) as refused:
        load(text)
    actual = refused.value.position
    assert (actual and actual.line) == (position and position[0])
