"""Follows the static text of a body, to know what surrounds each expression.

It reads what the template's author wrote and never a value. A body kind is followed by a Follower:
pure functions over a small state that are joined where branches meet.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .place import Place

if TYPE_CHECKING:
    from collections.abc import Callable

State = tuple[str, str]
"""What we are inside of, and what the text just ended with."""


class Follower(NamedTuple):
    """How the text of one kind of body is followed.

    `text` gives the state after a text, `glued` a fault of this text after what stands before it,
    `value` a fault of a value that stands here, `end` a fault of a template that ends here.
    """

    start: State
    text: Callable[[State, str], State]
    glued: Callable[[State, str], str | None]
    value: Callable[[State], str | None]
    end: Callable[[State], str | None]


VALUE = "\0value"
OUTSIDE, INSIDE = "outside quotes", "inside quotes"
_REST = re.compile(r'(?:[^"\\]|\\u[0-9A-Fa-f]{4}|\\[^u])*', re.DOTALL)
_HALF_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{0,3})?")
_GLUE = re.compile(r'[A-Za-z0-9_+."\-\\]')


def _json_text(state: State, text: str) -> State:
    where, tail = state
    inside = where == INSIDE
    at = 0
    if inside and tail != VALUE:
        text = tail + text
    while True:
        if not inside:
            quote = text.find('"', at)
            if quote < 0:
                return OUTSIDE, text[-1:]
            inside, at = True, quote + 1
        match = _REST.match(text, at)
        at = match.end() if match else at
        if at == len(text):
            return INSIDE, ""
        if text[at] == '"':
            inside, at = False, at + 1
        elif _HALF_ESCAPE.fullmatch(text, at):
            return INSIDE, text[at:]
        else:
            at += 1


def _json_glued(state: State, text: str) -> str | None:
    where, tail = state
    if where == OUTSIDE and tail == VALUE and _GLUE.match(text):
        return "A value outside quotes must be followed by a comma, colon, bracket or space."
    return None


def _json_value(state: State) -> str | None:
    where, tail = state
    if where == INSIDE:
        half = tail not in {"", VALUE}
        return "An expression is not allowed inside a \\ escape." if half else None
    if tail == VALUE or _GLUE.match(tail):
        return (
            "Two values outside quotes must be separated. Quote them, or put a comma between them."
        )
    return None


def _json_end(state: State) -> str | None:
    return "The body ends inside quotes. Close them." if state[0] == INSIDE else None


_TEXT, _TAG = "text", "a tag"
_OPEN = {"<!--": "a comment", "<![CDATA[": "CDATA", "<?": "an instruction"}
_ENDS = {"a comment": "-->", "CDATA": "]]>", "an instruction": "?>", '"': '"', "'": "'"}
_IN_TAG = re.compile("[>\"']")
_NO_VALUE = frozenset({_TAG, "CDATA", "an instruction"})


def _xml_text(state: State, text: str) -> State:
    where = state[0]
    at = 0
    while at < len(text):
        if where == _TEXT:
            where, at = _open(text, at)
        elif where == _TAG:
            match = _IN_TAG.search(text, at)
            at = match.end() if match else len(text)
            where = where if not match else _TEXT if match.group() == ">" else match.group()
        else:
            end = text.find(_ENDS[where], at)
            closed = _TAG if where in {'"', "'"} else _TEXT
            at, where = (end + len(_ENDS[where]), closed) if end >= 0 else (len(text), where)
    return where, ""


def _open(text: str, at: int) -> tuple[str, int]:
    start = text.find("<", at)
    if start < 0:
        return _TEXT, len(text)
    for mark, where in _OPEN.items():
        if text.startswith(mark, start):
            return where, start + len(mark)
    return _TAG, start + 1


def _xml_value(state: State) -> str | None:
    if state[0] not in _NO_VALUE:
        return None
    advice = "Remove the CDATA." if state[0] == "CDATA" else "Put it in quotes or between tags."
    return f"A value cannot be escaped inside {state[0]}. {advice}"


FOLLOWERS: dict[Place, Follower] = {
    Place.JSON: Follower(
        start=(OUTSIDE, ""),
        text=_json_text,
        glued=_json_glued,
        value=_json_value,
        end=_json_end,
    ),
    Place.XML: Follower(
        start=(_TEXT, ""),
        text=_xml_text,
        glued=lambda _state, _text: None,
        value=_xml_value,
        end=lambda _: None,
    ),
}


def merge(first: State, second: State) -> State | None:
    """Return the state where two branches meet, or None if they do not agree."""
    if first == second:
        return first
    # half of an escape at the end of one branch would swallow what a value begins with
    return (OUTSIDE, "") if first[0] == second[0] == OUTSIDE else None
