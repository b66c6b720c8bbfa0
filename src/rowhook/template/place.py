"""Where a template's text goes, which decides how values are escaped. It escapes nothing itself."""

from __future__ import annotations

from enum import Enum


class Place(Enum):
    """The places of CONTRACT §5."""

    JSON = "json"
    XML = "xml"
    FORM = "form"
    TEXT = "text"
    URL = "url"
    HEADER = "header"
    CONDITION = "condition"


_EXACT = {
    "application/json": Place.JSON,
    "application/xml": Place.XML,
    "text/xml": Place.XML,
    "text/html": Place.XML,
    "application/x-www-form-urlencoded": Place.FORM,
}


def body_place(content_type: str | None) -> Place:
    """Return the place of a body with this Content-Type. None, or an empty one, means JSON."""
    media = (content_type or "").split(";", 1)[0].strip().lower()
    if not media or media.endswith("+json"):
        return Place.JSON
    if media.endswith("+xml"):
        return Place.XML
    return _EXACT.get(media, Place.TEXT)
