"""Escapes text for each output context."""

from __future__ import annotations

import re

from .faults import InvalidValue

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_XML = (
    ("&", "&amp;"),
    ("<", "&lt;"),
    (">", "&gt;"),
    ('"', "&quot;"),
    ("'", "&#39;"),
    # an XML parser would normalize the raw characters (XML 1.0, 2.11 and 3.3.3)
    ("\r", "&#13;"),
    ("\n", "&#10;"),
    ("\t", "&#9;"),
)
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")
_PERCENT = [
    chr(code) if _UNRESERVED.fullmatch(chr(code)) and code else f"%{code:02X}"
    for code in range(256)
]
_NOT_HEADER = re.compile(r"[^\x20-\x7e]")


def xml_text(text: str) -> str:
    """Escape a text for XML or HTML, in an element or a quoted attribute."""
    if _NOT_XML.search(text):
        raise InvalidValue("contains a character that is not allowed in XML.")
    for character, entity in _XML:
        text = text.replace(character, entity)
    return text


def percent_encoded(text: str) -> str:
    """Percent-encode everything but the unreserved characters of RFC 3986."""
    if _UNRESERVED.fullmatch(text):
        return text
    try:
        return text.encode().decode("latin-1").translate(_PERCENT)
    except UnicodeEncodeError as error:
        raise InvalidValue("contains a lone surrogate, which cannot be encoded.") from error


def form_text(text: str) -> str:
    """Encode a text as one value of application/x-www-form-urlencoded."""
    return percent_encoded(text).replace("%20", "+")


def plain_text(text: str) -> str:
    """Return the text unchanged."""
    return text


def header_text(text: str) -> str:
    """Return the text unchanged, or raise InvalidValue if it is not allowed in a header."""
    if _NOT_HEADER.search(text):
        raise InvalidValue(
            "contains a control or non-ASCII character, which is not allowed in a header."
        )
    return text
