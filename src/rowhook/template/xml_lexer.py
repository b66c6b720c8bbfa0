"""The lexer of XML and HTML bodies: text, tags, quoted attributes and what cannot hold a value."""

from __future__ import annotations

import re
from html import unescape

from rowhook.template.json_lexer import inner_text, text_fault, value_fault
from rowhook.template.lexer_states import START, LexerState, TextLexer

COMMENT = "a comment"
_TEXT, _TAG = "text", "a tag"
_OPEN = {"<!--": COMMENT, "<![CDATA[": "CDATA", "<?": "an instruction"}
_ENDS = {COMMENT: "-->", "CDATA": "]]>", "an instruction": "?>"}
_QUOTES = frozenset("\"'")
_IN_TAG = re.compile("[>\"']")
_WITHOUT_VALUES = frozenset({_TAG, "CDATA", "an instruction"})


def _at_start(where: str) -> LexerState:
    return LexerState(where, inner=LexerState(START))


_AT_TEXT = _at_start(_TEXT)


def _xml_text(lexer_state: LexerState, text: str) -> LexerState:
    at = 0
    while at < len(text):
        where = lexer_state.where
        if where == _TEXT:
            lexer_state, at = _content(lexer_state, text, at)
        elif where == _TAG:
            match = _IN_TAG.search(text, at)
            at = match.end() if match else len(text)
            if match:
                lexer_state = _AT_TEXT if match.group() == ">" else _at_start(match.group())
        elif where in _QUOTES:
            end = text.find(where, at)
            value = text[at:] if end < 0 else text[at:end]
            lexer_state = _with_text(lexer_state, value) if end < 0 else LexerState(_TAG)
            at = len(text) if end < 0 else end + 1
        else:
            end = text.find(_ENDS[where], at)
            lexer_state = lexer_state if end < 0 else _AT_TEXT
            at = len(text) if end < 0 else end + len(_ENDS[where])
    return lexer_state


def _content(lexer_state: LexerState, text: str, at: int) -> tuple[LexerState, int]:
    """Return the state after the text of an element, up to the next markup."""
    start = text.find("<", at)
    if start < 0:
        return _with_text(lexer_state, text[at:]), len(text)
    for delimiter, where in _OPEN.items():
        if text.startswith(delimiter, start):
            return LexerState(where), start + len(delimiter)
    return LexerState(_TAG), start + 1


def _with_text(lexer_state: LexerState, text: str) -> LexerState:
    """Return the state after a text of an element or attribute, which may be a JSON text."""
    return lexer_state._replace(inner=inner_text(lexer_state.inner, text, 1, unescape))


def _xml_value_fault(lexer_state: LexerState) -> str | None:
    if lexer_state.where not in _WITHOUT_VALUES:
        return None if lexer_state.inner is None else value_fault(lexer_state.inner)
    advice = (
        "Remove the CDATA." if lexer_state.where == "CDATA" else "Put it in quotes or between tags."
    )
    return f"A value cannot be escaped inside {lexer_state.where}. {advice}"


XML_LEXER = TextLexer(
    start=_AT_TEXT,
    text=_xml_text,
    text_fault=text_fault,
    value_fault=_xml_value_fault,
    end_fault=lambda _: None,
)
