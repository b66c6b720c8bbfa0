"""The contexts of a template's output, which decide how values are escaped."""

from __future__ import annotations

from enum import Enum


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
