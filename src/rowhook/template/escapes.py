"""Write a value as text and escape it for the place in which it appears."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rowhook.template.faults import InvalidValue
from rowhook.template.json_text import compact_json
from rowhook.template.limits import MAX_TEXT
from rowhook.template.values import scalar_text

if TYPE_CHECKING:
    from rowhook.template.render_state import RenderState


def to_text(value: object, state: RenderState) -> str:
    """Return a value as text; lists and objects become compact JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        return compact_json(value, state)
    return scalar_text(value)


def join_texts(texts: list[str], state: RenderState) -> str:
    """Join texts. Raises InvalidValue if the result is too long."""
    length = sum(map(len, texts))
    if length > MAX_TEXT:
        raise InvalidValue(f"the text is longer than {MAX_TEXT:,} characters.")
    state.spend_text(length)
    return "".join(texts)


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


def xml_comment_text(text: str) -> str:
    """Escape a text for a comment, which must not contain two hyphens (XML 1.0, 2.5)."""
    return xml_text(text).replace("-", "&#45;")


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


def ascii_header_json(text: str) -> str:
    """Return a JSON text for a header: others than visible ASCII become escapes of JSON."""
    return _NOT_HEADER.sub(_json_escapes, text)


def _json_escapes(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def header_text(text: str) -> str:
    """Return the text unchanged, or raise InvalidValue if it is not allowed in a header."""
    if _NOT_HEADER.search(text):
        raise InvalidValue(
            "contains a control or non-ASCII character, which is not allowed in a header."
        )
    return text
