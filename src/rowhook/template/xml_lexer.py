"""The lexer of XML and HTML bodies: text, tags, quoted attributes and what cannot hold a value."""

from __future__ import annotations

import re

from rowhook.template.lexer_states import BodyLexer, LexerState

COMMENT = "a comment"
_TEXT, _TAG = "text", "a tag"
_OPEN = {"<!--": COMMENT, "<![CDATA[": "CDATA", "<?": "an instruction"}
_ENDS = {COMMENT: "-->", "CDATA": "]]>", "an instruction": "?>", '"': '"', "'": "'"}
_IN_TAG = re.compile("[>\"']")
_WITHOUT_VALUES = frozenset({_TAG, "CDATA", "an instruction"})


def _xml_text(lexer_state: LexerState, text: str) -> LexerState:
    where = lexer_state.where
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
    return LexerState(where)


def _open(text: str, at: int) -> tuple[str, int]:
    start = text.find("<", at)
    if start < 0:
        return _TEXT, len(text)
    for delimiter, where in _OPEN.items():
        if text.startswith(delimiter, start):
            return where, start + len(delimiter)
    return _TAG, start + 1


def _xml_value_fault(lexer_state: LexerState) -> str | None:
    if lexer_state.where not in _WITHOUT_VALUES:
        return None
    advice = (
        "Remove the CDATA." if lexer_state.where == "CDATA" else "Put it in quotes or between tags."
    )
    return f"A value cannot be escaped inside {lexer_state.where}. {advice}"


XML_LEXER = BodyLexer(
    start=LexerState(_TEXT),
    text=_xml_text,
    text_fault=lambda _state, _text: None,
    value_fault=_xml_value_fault,
    end_fault=lambda _: None,
)
