"""The use of the output of a template, and the lexer of its static text."""

from __future__ import annotations

from enum import Enum

from rowhook.template.body_lexers import (
    FORM_LEXER,
    HEADER_LEXER,
    JSON_LEXER,
    URL_LEXER,
    XML_LEXER,
    TextLexer,
)


class OutputContext(Enum):
    """The use of the output of a template."""

    JSON = "json"
    XML = "xml"
    FORM = "form"
    TEXT = "text"
    URL = "url"
    HEADER = "header"
    CONDITION = "condition"


_EXACT = {
    "application/json": OutputContext.JSON,
    "text/json": OutputContext.JSON,
    "application/xml": OutputContext.XML,
    "text/xml": OutputContext.XML,
    "text/html": OutputContext.XML,
    "application/x-www-form-urlencoded": OutputContext.FORM,
}
_JSON_LINES = frozenset(
    f"application/{name}" for name in ("x-ndjson", "ndjson", "jsonl", "x-jsonl", "jsonlines")
)


def body_context(content_type: str | None) -> OutputContext:
    """Return the context of a body by its Content-Type, which is JSON if None or empty."""
    media = _media_type(content_type)
    if not media or media.endswith("+json") or media in _JSON_LINES:
        return OutputContext.JSON
    if media.endswith("+xml"):
        return OutputContext.XML
    return _EXACT.get(media, OutputContext.TEXT)


def is_json_lines(content_type: str | None) -> bool:
    """Return whether each line of a body is a JSON value, by its Content-Type."""
    return _media_type(content_type) in _JSON_LINES


def _media_type(content_type: str | None) -> str:
    return (content_type or "").split(";", 1)[0].strip().lower()


LEXERS: dict[OutputContext, TextLexer] = {
    OutputContext.JSON: JSON_LEXER,
    OutputContext.XML: XML_LEXER,
    OutputContext.FORM: FORM_LEXER,
    OutputContext.URL: URL_LEXER,
    OutputContext.HEADER: HEADER_LEXER,
}
