"""Converts values to text: numbers keep their digits, and null is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .faults import InvalidValue
from .json_text import compact_json
from .limits import MAX_TEXT
from .values import scalar_text

if TYPE_CHECKING:
    from .frame import RenderState


def to_text(value: object, state: RenderState) -> str:
    """Return a value as text; lists and objects become compact JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        return compact_json(value, state)
    return scalar_text(value)


def join_texts(texts: list[str], state: RenderState) -> str:
    """Join texts. Raises InvalidValue if the result is too long."""
    length = sum(map(len, texts))
    if length > MAX_TEXT:
        raise InvalidValue(f"the text is longer than {MAX_TEXT:,} characters.")
    state.spend(1 + length // 64)
    return "".join(texts)
