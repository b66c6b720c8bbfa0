"""JSON pointers (RFC 6901): their steps, and the positions in a JSON text that they name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import cache
from urllib.parse import unquote

from jsonpointer import escape, unescape

# Numbers are not converted, so their length does not matter.
_READER = json.JSONDecoder(parse_int=len, parse_float=len)
_SPACE = re.compile(r"[ \t\n\r]*")
_Position = tuple[int, int]
# Maps the offset of a container to the offsets of its values, by key or index.
_Children = Callable[[int], dict[str, int] | list[int]]


def join(steps: Iterable[str | int]) -> str:
    """Returns the pointer of a path of keys and indexes."""
    return "".join(f"/{escape(str(step))}" for step in steps)


def split(pointer: str) -> list[str]:
    """Returns the steps of a pointer; the text before the first slash is ignored."""
    return [unescape(step) for step in pointer.split("/")[1:]]


def split_reference(reference: str) -> list[str]:
    """Returns the steps of the pointer in the fragment of a URI, such as `#/$defs/a%20b`."""
    return split(unquote(reference.partition("#")[2]))


def json_position(text: str, pointer: str) -> _Position | None:
    """Returns line and column of the value at an RFC 6901 pointer, or None if it does not exist."""
    return json_positions(text, [pointer])[0]


def json_positions(text: str, pointers: Iterable[str]) -> list[_Position | None]:
    """Returns the positions of several pointers, reading shared parents once."""

    @cache
    def children(at: int) -> dict[str, int] | list[int]:
        return _members(text, at) if text[at] == "{" else _items(text, at)

    return [_position(text, children, pointer) for pointer in pointers]


def syntax_error_position(text: str) -> _Position | None:
    """Returns line and column of the syntax error; None for JSON, or too deep nesting."""
    try:
        _READER.decode(text)
    except json.JSONDecodeError as error:
        return error.lineno, error.colno
    except RecursionError:
        return None
    return None


def _position(text: str, children: _Children, pointer: str) -> _Position | None:
    at = _past_space(text, 0)
    try:
        for step in split(pointer):
            at = _offset_of(children(at), step)
    except (ValueError, LookupError, RecursionError):
        return None
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _offset_of(offsets: dict[str, int] | list[int], key: str) -> int:
    if isinstance(offsets, dict):
        return offsets[key]
    if not key.isascii() or not key.isdecimal():
        raise KeyError(key)
    return offsets[int(key)]


def _past_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()


def _past_value(text: str, at: int) -> int:
    return _past_space(text, _READER.raw_decode(text, at)[1])


def _members(text: str, at: int) -> dict[str, int]:
    """Returns the offset of the value of each key of an object; of duplicate keys the last wins."""
    offsets: dict[str, int] = {}
    at = _past_space(text, at + 1)
    while text[at] == '"':
        name, at = _READER.raw_decode(text, at)
        at = _past_space(text, _past_space(text, at) + 1)
        offsets[name] = at
        at = _past_value(text, at)
        at = _past_space(text, at + 1) if text[at] == "," else at
    return offsets


def _items(text: str, at: int) -> list[int]:
    """Returns the offset of each item of a list."""
    offsets: list[int] = []
    if text[at] != "[":
        return offsets
    at = _past_space(text, at + 1)
    while text[at] != "]":
        offsets.append(at)
        at = _past_value(text, at)
        if text[at] != ",":
            return offsets
        at = _past_space(text, at + 1)
    return offsets
