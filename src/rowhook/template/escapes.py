"""Writes a value as text, escaped for its place in a body, a header or a part of a URL."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from rowhook.template.faults import InvalidValue
from rowhook.template.json_values import compact_json, scalar_text
from rowhook.template.limits import MAX_TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rowhook.template.limits import RenderState

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
NO_SCHEME = "A URL must begin with https:// or http://, or with one expression."
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)"
_BEFORE_QUERY = (
    rf"[Hh][Tt][Tt][Pp][Ss]?://{_HOST}(?::[0-9]{{1,5}})?(?:/[A-Za-z0-9._~:@!$&'()*+,;=%/-]*)?"
)
_ORIGIN = re.compile(_BEFORE_QUERY)
_WHOLE = re.compile(rf"{_BEFORE_QUERY}(?:\?[A-Za-z0-9._~:@!$&'()*+,;=%/?\[\]-]*)?")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_PORT_END = re.compile(r":[0-9]{1,5}")
_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
_NOT_URL = re.compile(r"[\x00-\x20\x7f\\]")


def to_text(value: object, state: RenderState) -> str:
    """Returns a value as text; lists and objects become compact JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        return compact_json(value, state)
    return scalar_text(value)


def join_texts(texts: list[str], state: RenderState) -> str:
    """Joins texts. Raises InvalidValue if the result is too long."""
    length = sum(map(len, texts))
    if length > MAX_TEXT:
        raise InvalidValue(f"the text is longer than {MAX_TEXT:,} characters.")
    state.spend_text(length)
    return "".join(texts)


def xml_text(text: str) -> str:
    """Escapes a text for XML or HTML, in an element or a quoted attribute."""
    if _NOT_XML.search(text):
        raise InvalidValue("contains a character that is not allowed in XML.")
    for character, entity in _XML:
        text = text.replace(character, entity)
    return text


def xml_comment_text(text: str) -> str:
    """Escapes a text for a comment, which must not contain two hyphens (XML 1.0, 2.5)."""
    return xml_text(text).replace("-", "&#45;")


def percent_encoded(text: str) -> str:
    """Percent-encodes everything but the unreserved characters of RFC 3986."""
    if _UNRESERVED.fullmatch(text):
        return text
    try:
        return text.encode().decode("latin-1").translate(_PERCENT)
    except UnicodeEncodeError as error:
        raise InvalidValue("contains a lone surrogate, which cannot be encoded.") from error


def form_text(text: str) -> str:
    """Encodes a text as one value of application/x-www-form-urlencoded."""
    return percent_encoded(text).replace("%20", "+")


def plain_text(text: str) -> str:
    """Returns the text unchanged."""
    return text


def ascii_header_json(text: str) -> str:
    """Returns a JSON text for a header: others than visible ASCII become escapes of JSON."""
    return _NOT_HEADER.sub(_json_escapes, text)


def _json_escapes(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def header_text(text: str) -> str:
    """Returns the text unchanged, or raises InvalidValue if it is not allowed in a header."""
    if _NOT_HEADER.search(text):
        raise InvalidValue(
            "contains a control or non-ASCII character, which is not allowed in a header."
        )
    return text


class Part(Enum):
    """The part of a URL that an expression is, by the static text around it."""

    WHOLE = "the whole URL"
    ORIGIN = "the beginning of the URL"
    HOST = "the host"
    LABEL = "one label of the host"
    REST = "the path or query"


def is_past_host(before: str) -> bool:
    """Returns whether a text contains the beginning of the path; expressions are NUL."""
    scheme = _SCHEME.match(before)
    if not scheme:
        return before.startswith("\0") and len(before) > 1
    return any(delimiter in before[scheme.end() :] for delimiter in "/?#")


def url_part(before: str, after: str) -> Part | str:
    """Returns the part that an expression is, or an error message if it is not allowed there.

    `before` and `after` are the surrounding texts, in which other expressions and tags are NUL.
    """
    if is_past_host(before):
        return Part.REST
    if not before:
        if after and after[0] not in "/?":
            return "An expression at the beginning of a URL must be followed by / or ?."
        return Part.ORIGIN if after else Part.WHOLE
    scheme = _SCHEME.match(before)
    if not scheme:
        return NO_SCHEME
    return _host_part(before[scheme.end() :], after)


def _host_part(authority: str, after: str) -> Part | str:
    port = _PORT_END.match(after)
    ends_authority = (
        not after or after[0] in "/?#" or (port and after[port.end() :][:1] in ("", *"/?#"))
    )
    if (authority and not authority.endswith(".")) or not (ends_authority or after.startswith(".")):
        return (
            "Before the path, an expression must be the whole URL, the whole host, or exactly one "
            "label between dots."
        )
    return Part.LABEL if authority or after.startswith(".") else Part.HOST


def static_url_fault(text: str) -> str | None:
    """Returns the error message of an invalid static text, or None; expressions are NUL."""
    scheme = _SCHEME.match(text)
    if not scheme:
        return None if text.startswith("\0") else NO_SCHEME
    authority = re.split("[/?#]", text[scheme.end() :], maxsplit=1)[0]
    if "@" in authority:
        return "A user name is not allowed in a URL. Use a header with a secret."
    if not authority:
        return "The URL has no host."
    return (
        "The path of the URL contains a . or .. segment, which is not allowed."
        if has_dot_segments(text)
        else None
    )


def bad_character(text: str) -> int | None:
    """Returns the offset of a character that is not allowed in a URL, or None."""
    match = _NOT_URL.search(text)
    return match.start() if match else None


def has_dot_segments(url: str) -> bool:
    """Returns whether the path of a URL has a `.` or `..` segment, encoded or not."""
    if "/." not in url and "/%2" not in url:
        return False
    path = re.split(r"[?#]", url, maxsplit=1)[0]
    return bool(_DOTS.search(path))


def empty_segment(pieces: Sequence[str], is_value: Sequence[bool]) -> int | None:
    """Returns the index of an empty value that is a whole segment of the path, or None."""
    for index, piece in enumerate(pieces):
        if piece or not is_value[index]:
            continue
        before = "".join(pieces[:index])
        after = "".join(pieces[index + 1 :])
        if "?" in before or "#" in before:
            return None
        if before.endswith("/") and after[:1] in {"", *"/?#"}:
            return index
    return None


def _matching(pattern: re.Pattern[str], message: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise InvalidValue(message)
        return text

    return check


def _host(text: str) -> str:
    labels = text.split(".")
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):  # noqa: PLR2004  # RFC 1035
        raise InvalidValue("is not a host name (letters, digits and hyphens between dots).")
    return text


PART_ESCAPES: dict[Part, Callable[[str], str]] = {
    Part.WHOLE: _matching(
        _WHOLE, "is not an http(s) URL without a user name, e.g. https://host/path."
    ),
    Part.ORIGIN: _matching(
        _ORIGIN, "is not an http(s) origin without user name, query or fragment, e.g. https://host."
    ),
    Part.HOST: _host,
    Part.LABEL: _matching(_LABEL, "is not a DNS label (1 to 63 letters, digits and hyphens)."),
    Part.REST: percent_encoded,
}
