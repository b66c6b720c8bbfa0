"""Where an expression's text goes (JSON string, URL part, ...), from the static text before it."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class OutputContext(Enum):
    """Where the output of a template is used."""

    JSON = "json"
    XML = "xml"
    FORM = "form"
    TEXT = "text"
    URL = "url"
    HEADER = "header"
    CONDITION = "condition"


_EXACT = {
    "application/json": OutputContext.JSON,
    "application/xml": OutputContext.XML,
    "text/xml": OutputContext.XML,
    "text/html": OutputContext.XML,
    "application/x-www-form-urlencoded": OutputContext.FORM,
}


def body_context(content_type: str | None) -> OutputContext:
    """Return the context of a body by its Content-Type, which is JSON if None or empty."""
    media = (content_type or "").split(";", 1)[0].strip().lower()
    if not media or media.endswith("+json"):
        return OutputContext.JSON
    if media.endswith("+xml"):
        return OutputContext.XML
    return _EXACT.get(media, OutputContext.TEXT)


LexerState = tuple[str, str]
"""The enclosing construct, and the end of the text that matters for what follows."""


class BodyLexer(NamedTuple):
    """The lexer of one kind of body.

    `text` returns the state after a text. The others return an error message or None: `text_fault`
    for a text in this state, `value_fault` for a value, `end_fault` for the end of the template.
    """

    start: LexerState
    text: Callable[[LexerState, str], LexerState]
    text_fault: Callable[[LexerState, str], str | None]
    value_fault: Callable[[LexerState], str | None]
    end_fault: Callable[[LexerState], str | None]


VALUE = "\0value"
OUTSIDE, INSIDE = "outside quotes", "inside quotes"
_REST = re.compile(r'(?:[^"\\]|\\u[0-9A-Fa-f]{4}|\\[^u])*', re.DOTALL)
_HALF_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{0,3})?")
_ADJACENT = re.compile(r'[A-Za-z0-9_+."\-\\]')


def _json_text(lexer_state: LexerState, text: str) -> LexerState:
    where, tail = lexer_state
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


def _json_text_fault(lexer_state: LexerState, text: str) -> str | None:
    where, tail = lexer_state
    if where == OUTSIDE and tail == VALUE and _ADJACENT.match(text):
        return "A value outside quotes must be followed by a comma, colon, bracket or space."
    return None


def _json_value_fault(lexer_state: LexerState) -> str | None:
    where, tail = lexer_state
    if where == INSIDE:
        half = tail not in {"", VALUE}
        return "An expression is not allowed inside a \\ escape." if half else None
    if tail == VALUE or _ADJACENT.match(tail):
        return (
            "Two values outside quotes must be separated. Quote them, or put a comma between them."
        )
    return None


def _json_end_fault(lexer_state: LexerState) -> str | None:
    return "The body ends inside quotes. Close them." if lexer_state[0] == INSIDE else None


_TEXT, _TAG = "text", "a tag"
_OPEN = {"<!--": "a comment", "<![CDATA[": "CDATA", "<?": "an instruction"}
_ENDS = {"a comment": "-->", "CDATA": "]]>", "an instruction": "?>", '"': '"', "'": "'"}
_IN_TAG = re.compile("[>\"']")
_WITHOUT_VALUES = frozenset({_TAG, "CDATA", "an instruction"})


def _xml_text(lexer_state: LexerState, text: str) -> LexerState:
    where = lexer_state[0]
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
    for delimiter, where in _OPEN.items():
        if text.startswith(delimiter, start):
            return where, start + len(delimiter)
    return _TAG, start + 1


def _xml_value_fault(lexer_state: LexerState) -> str | None:
    if lexer_state[0] not in _WITHOUT_VALUES:
        return None
    advice = (
        "Remove the CDATA." if lexer_state[0] == "CDATA" else "Put it in quotes or between tags."
    )
    return f"A value cannot be escaped inside {lexer_state[0]}. {advice}"


BODY_LEXERS: dict[OutputContext, BodyLexer] = {
    OutputContext.JSON: BodyLexer(
        start=(OUTSIDE, ""),
        text=_json_text,
        text_fault=_json_text_fault,
        value_fault=_json_value_fault,
        end_fault=_json_end_fault,
    ),
    OutputContext.XML: BodyLexer(
        start=(_TEXT, ""),
        text=_xml_text,
        text_fault=lambda _state, _text: None,
        value_fault=_xml_value_fault,
        end_fault=lambda _: None,
    ),
}


def merge(first: LexerState, second: LexerState) -> LexerState | None:
    """Return the state after two branches, or None if they end in different states."""
    if first == second:
        return first
    # half an escape sequence at the end of a branch would absorb the beginning of a value
    return (OUTSIDE, "") if first[0] == second[0] == OUTSIDE else None
