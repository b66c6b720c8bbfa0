"""Where a JSON pointer stands in a JSON text: line and column, both from 1."""

from __future__ import annotations

import json
import re

# Numbers are only passed: none is too long.
_READER = json.JSONDecoder(parse_int=len, parse_float=len)
_SPACE = re.compile(r"[ \t\n\r]*")


def position_of(text: str, pointer: str) -> tuple[int, int] | None:
    """Line and column where the value at an RFC 6901 pointer begins; None if there is none."""
    at = _past_space(text, 0)
    try:
        for step in pointer.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            found = _member(text, at, key) if text[at] == "{" else _item(text, at, key)
            if found is None:
                return None
            at = found
    except (ValueError, IndexError, RecursionError):
        return None
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _past_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _past_value(text: str, at: int) -> int:
    return _past_space(text, _READER.raw_decode(text, at)[1])


def _member(text: str, at: int, key: str) -> int | None:
    """Where the value of a key begins, in the object that begins here; the last one of several."""
    found = None
    at = _past_space(text, at + 1)
    while text[at] == '"':
        name, at = _READER.raw_decode(text, at)
        at = _past_space(text, _past_space(text, at) + 1)
        found = at if name == key else found
        at = _past_value(text, at)
        at = _past_space(text, at + 1) if text[at] == "," else at
    return found


def _item(text: str, at: int, key: str) -> int | None:
    """Where an item begins, in the list that begins here."""
    if text[at] != "[" or not key.isascii() or not key.isdecimal():
        return None
    at = _past_space(text, at + 1)
    for _ in range(int(key)):
        at = _past_value(text, at)
        if text[at] != ",":
            return None
        at = _past_space(text, at + 1)
    return at if text[at] != "]" else None
