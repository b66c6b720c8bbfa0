"""Finds elements that make a browser load a file of another site while it opens a page."""

from __future__ import annotations

import re

_FOREIGN_FILE = re.compile(
    r"<(?:script|img|iframe|source|audio|video)\b[^>]*\bsrc=[\"']?(?:https?:)?//[^>]*>"
    r"|<link\b(?![^>]*\brel=[\"']?canonical)[^>]*\bhref=[\"']?(?:https?:)?//[^>]*>",
    re.IGNORECASE,
)


def foreign_file(html: str) -> str | None:
    """The first such element of a page, or None."""
    match = _FOREIGN_FILE.search(html)
    return None if match is None else match[0]
