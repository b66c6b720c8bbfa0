"""The filters that make text. Each looks at what it would make before it makes it."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from .escapes import percent_encoded
from .faults import Misfit
from .json_text import any_json
from .limits import MAX_TEXT
from .lookups import ABSENT
from .operators import charge_search
from .texts import joined, text_of
from .values import Encoded, Json, kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from .frame import Frame

_WORDS = re.compile(r"([-\s({\[<]+)")


def tojson(frame: Frame, value: object) -> object:
    """Return a value as compact JSON text, which a JSON body takes as it is."""
    return Json(any_json(value, frame))


def string(frame: Frame, value: object) -> object:
    """Return a value as text."""
    return str(text_of(value, frame))


def cased(change: Callable[[str], str]) -> Callable[[Frame, object], object]:
    """Return the filter that changes the case of a text."""

    def change_case(frame: Frame, value: object) -> object:
        text = text_of(value, frame)
        frame.spend(1 + len(text) // (64 if text.isascii() else 4))
        return bounded(change(bounded(text)))

    return change_case


def bounded(text: str) -> str:
    """Return a text, or raise Misfit if it is too long to work on."""
    if len(text) > MAX_TEXT:
        raise Misfit(f"the text is longer than {MAX_TEXT:,} characters.")
    return text


def title(frame: Frame, value: object) -> object:
    """Return a text with each word capitalized."""
    text = bounded(text_of(value, frame))
    frame.spend(1 + len(text))
    return "".join(part[:1].upper() + part[1:].lower() for part in _WORDS.split(text))


def trim(frame: Frame, value: object, chars: object) -> object:
    """Return a text without white space, or these characters, at both ends."""
    text = text_of(value, frame)
    if chars is not None and not isinstance(chars, str):
        raise Misfit(f"chars must be a string, not {kind(chars)}.")
    frame.spend(1 + len(text) * min(len(chars or " "), 64) // 32)
    if chars is not None and len(chars) > 64:  # noqa: PLR2004  # what the line above charges for
        raise Misfit("chars must have at most 64 characters.")
    return text.strip(chars)


def replace(frame: Frame, value: object, old: object, new: object, count: object) -> object:
    """Return a text with each `old`, or the first `count`, replaced by `new`."""
    text, part, put = (text_of(each, frame) for each in (value, old, new))
    most = -1 if count is None else whole(count, "count")
    charge_search(text, part, frame)
    found = text.count(part)
    found = found if most < 0 else min(found, most)
    length = len(text) + found * (len(put) - len(part))
    if length > MAX_TEXT:
        raise Misfit(f"the text is longer than {MAX_TEXT:,} characters.")
    frame.spend(length // 64 + found // 8)
    return text.replace(part, put, most)


def truncate(
    frame: Frame, value: object, length: object, killwords: object, end: object, leeway: object
) -> object:
    """Return the beginning of a text, with `end` after it where something was cut off."""
    text, tail = text_of(value, frame), text_of(end, frame)
    most, slack = whole(length, "length"), whole(leeway, "leeway")
    if most < len(tail) or slack < 0:
        raise Misfit(
            f"length must be at least {len(tail)}, the length of end, and leeway at least 0."
        )
    if len(text) <= most + slack:
        return text
    kept = bounded(text[: most - len(tail)])
    frame.spend(1 + len(kept) // 64)
    return (kept if killwords else kept.rsplit(" ", 1)[0]) + tail


def join(frame: Frame, value: object, between: object, attribute: object) -> object:
    """Return a list's items, or an object's keys, joined as one text."""
    if not isinstance(value, list | dict):
        raise Misfit(f"expected a list, not {kind(value)}.")
    texts: list[str] = []
    room = MAX_TEXT
    separator = text_of(between, frame)
    for item in value:
        frame.spend(3)
        text = text_of(item if attribute is None else _named(item, attribute), frame)
        room -= len(text) + len(separator)
        if room < -len(separator):
            raise Misfit(f"the text is longer than {MAX_TEXT:,} characters.")
        texts.append(text)
    return joined([separator.join(texts)], frame)


def _named(item: object, attribute: object) -> object:
    keys = attribute.split(".") if isinstance(attribute, str) else [attribute]
    for key in keys:
        try:
            item = item[key]  # type: ignore[index]
        except ABSENT:
            raise Misfit("attribute is not defined for every item.") from None
    return item


def urlencode(frame: Frame, value: object) -> object:
    """Return a text percent-encoded, or an object as `key=value` pairs. Spaces become `%20`."""
    if isinstance(value, list):
        raise Misfit("expected a string or an object, not a list.")
    if not isinstance(value, dict):
        return Encoded(_encoded(frame, value))
    frame.spend(4 * len(value))
    pairs = [f"{_encoded(frame, key)}={_encoded(frame, item)}" for key, item in value.items()]
    return Encoded(joined(["&".join(pairs)], frame))


def _encoded(frame: Frame, value: object) -> str:
    text = bounded(text_of(value, frame))
    frame.spend(1 + len(text) // (2 if text.isascii() else 1))
    return bounded(percent_encoded(text))


def b64encode(frame: Frame, value: object) -> object:
    """Return the base64 (RFC 4648) of a text's UTF-8 bytes."""
    text = bounded(text_of(value, frame))
    frame.spend(1 + len(text) // 32)
    try:
        return bounded(base64.b64encode(text.encode()).decode("ascii"))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise Misfit("contains a lone surrogate, which cannot be encoded.") from error


def whole(value: object, name: str) -> int:
    """Return an argument that must be a whole number of a sensible size."""
    if type(value) is not int or abs(value) > MAX_TEXT:
        raise Misfit(f"{name} must be an integer up to {MAX_TEXT}, not {kind(value)}.")
    return value
