"""Where JSON pointers stand in a JSON text: line and column, both from 1."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from itertools import count

# Numbers are only passed: none is too long.
_READER = json.JSONDecoder(parse_int=len, parse_float=len)
_SPACE = re.compile(r"[ \t\n\r]*")


def position_of(text: str, pointer: str) -> tuple[int, int] | None:
    """Line and column where the value at an RFC 6901 pointer begins; None if there is none."""
    return positions_of(text, [pointer]).get(pointer)


def positions_of(text: str, pointers: Iterable[str]) -> dict[str, tuple[int, int]]:
    """The same of several, in one pass over the text. It takes a second for a million members."""
    wanted = {one: _steps(one) for one in pointers}
    found: dict[str, int] = {}
    # What is no JSON, or too deep, has no places from there on.
    with suppress(ValueError, IndexError, RecursionError):
        found.update(_places(text, _past_space(text, 0), wanted))
    return {
        one: (text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
        for one, at in found.items()
    }


def _steps(pointer: str) -> list[str]:
    return [one.replace("~1", "/").replace("~0", "~") for one in pointer.split("/")[1:]]


def _places(text: str, at: int, wanted: dict[str, list[str]]) -> Iterator[tuple[str, int]]:
    """Each pointer with the place that its steps lead to, from the value that begins here."""
    inner: dict[str, dict[str, list[str]]] = {}
    for pointer, steps in wanted.items():
        if steps:
            inner.setdefault(steps[0], {})[pointer] = steps[1:]
        else:
            yield pointer, at
    if not inner or text[at] not in "{[":
        return
    begins = (_members if text[at] == "{" else _items)(text, at, inner.keys())
    for step, begin in begins.items():
        yield from _places(text, begin, inner[step])


def _past_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _past_value(text: str, at: int) -> int:
    return _past_space(text, _READER.raw_decode(text, at)[1])


def _members(text: str, at: int, keys: Container[str]) -> dict[str, int]:
    """Where the values of these keys begin, in the object that begins here; the last of several."""
    found = {}
    at = _past_space(text, at + 1)
    while text[at] == '"':
        name, at = _READER.raw_decode(text, at)
        at = _past_space(text, _past_space(text, at) + 1)
        if name in keys:
            found[name] = at
        at = _past_value(text, at)
        at = _past_space(text, at + 1) if text[at] == "," else at
    return found


def _items(text: str, at: int, places: Container[str]) -> dict[str, int]:
    """Where the items at these places begin, in the list that begins here."""
    found: dict[str, int] = {}
    at = _past_space(text, at + 1)
    for place in count():
        if text[at] == "]":
            return found
        if str(place) in places:
            found[str(place)] = at
        at = _past_value(text, at)
        if text[at] == ",":
            at = _past_space(text, at + 1)
    raise AssertionError
