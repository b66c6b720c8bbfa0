"""JSON pointers: RFC 6901, sections 4 to 6."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowhook import json_pointer


@pytest.mark.parametrize(
    ("steps", "pointer"),
    [
        ([], ""),
        ([""], "/"),
        (["headers", "X/Y~Z"], "/headers/X~1Y~0Z"),
        (["items", 3], "/items/3"),
        (["~1"], "/~01"),
    ],
)
def test_a_path_becomes_a_pointer_and_back(steps: list[str | int], pointer: str) -> None:
    assert json_pointer.join(steps) == pointer
    assert json_pointer.split(pointer) == [str(step) for step in steps]


@given(st.lists(st.text()))
def test_any_path_survives_as_a_pointer(steps: list[str]) -> None:
    assert json_pointer.split(json_pointer.join(steps)) == steps


@pytest.mark.parametrize(
    ("reference", "steps"),
    [
        ("#", []),
        ("#anchor", []),
        ("#/$defs/a~1b%25", ["$defs", "a/b%"]),
        ("https://example.com/s#/$defs/a%20b", ["$defs", "a b"]),
    ],
)
def test_a_reference_is_split_after_percent_decoding(reference: str, steps: list[str]) -> None:
    assert json_pointer.split_reference(reference) == steps
