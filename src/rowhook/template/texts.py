"""How a value reads as text, in any place: numbers digit for digit, null as nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .faults import Misfit
from .json_text import compact_json
from .limits import MAX_TEXT
from .values import scalar_text

if TYPE_CHECKING:
    from .frame import Frame


def text_of(value: object, frame: Frame) -> str:
    """Return a value as text; lists and objects as compact JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        return compact_json(value, frame)
    return scalar_text(value)


def joined(texts: list[str], frame: Frame) -> str:
    """Join texts, after looking whether the result is not too long."""
    length = sum(map(len, texts))
    if length > MAX_TEXT:
        raise Misfit(f"the text is longer than {MAX_TEXT:,} characters.")
    frame.spend(1 + length // 64)
    return "".join(texts)
