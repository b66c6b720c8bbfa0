"""Where a JSON pointer stands in a JSON text: line and column, both from 1."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import cache

# Numbers are only passed: none is too long.
_READER = json.JSONDecoder(parse_int=len, parse_float=len)
_SPACE = re.compile(r"[ \t\n\r]*")
_Position = tuple[int, int]
# Where each value inside begins, by its name or its place, of what begins at a place in the text.
_Inside = Callable[[int], dict[str, int] | list[int]]


def position_of(text: str, pointer: str) -> _Position | None:
    """Line and column where the value at an RFC 6901 pointer begins; None if there is none."""
    return positions_of(text, [pointer])[0]


def positions_of(text: str, pointers: Iterable[str]) -> list[_Position | None]:
    """The same of several pointers: what they lead through is read once."""

    @cache
    def inside(at: int) -> dict[str, int] | list[int]:
        return _members(text, at) if text[at] == "{" else _items(text, at)

    return [_position(text, inside, one) for one in pointers]


def broken_at(text: str) -> _Position | None:
    """Line and column where a text stops being JSON; None if it is JSON, or nested too deeply."""
    try:
        _READER.decode(text)
    except json.JSONDecodeError as error:
        return error.lineno, error.colno
    except RecursionError:
        return None
    return None


def _position(text: str, inside: _Inside, pointer: str) -> _Position | None:
    at = _past_space(text, 0)
    try:
        for step in pointer.split("/")[1:]:
            at = _found(inside(at), step.replace("~1", "/").replace("~0", "~"))
    except (ValueError, LookupError, RecursionError):
        return None
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _found(within: dict[str, int] | list[int], key: str) -> int:
    if isinstance(within, dict):
        return within[key]
    if not key.isascii() or not key.isdecimal():
        raise KeyError(key)
    return within[int(key)]


def _past_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _past_value(text: str, at: int) -> int:
    return _past_space(text, _READER.raw_decode(text, at)[1])


def _members(text: str, at: int) -> dict[str, int]:
    """Where the value of each key begins, in the object that begins here; the last of several."""
    found: dict[str, int] = {}
    at = _past_space(text, at + 1)
    while text[at] == '"':
        name, at = _READER.raw_decode(text, at)
        at = _past_space(text, _past_space(text, at) + 1)
        found[name] = at
        at = _past_value(text, at)
        at = _past_space(text, at + 1) if text[at] == "," else at
    return found


def _items(text: str, at: int) -> list[int]:
    """Where each item begins, in the list that begins here."""
    found: list[int] = []
    if text[at] != "[":
        return found
    at = _past_space(text, at + 1)
    while text[at] != "]":
        found.append(at)
        at = _past_value(text, at)
        if text[at] != ",":
            return found
        at = _past_space(text, at + 1)
    return found
