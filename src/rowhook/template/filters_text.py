"""The text filters. Each checks the size of its result before creating it."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from .escapes import percent_encoded
from .faults import InvalidValue
from .json_text import any_json
from .limits import MAX_TEXT
from .lookups import LOOKUP_ERRORS
from .operators import charge_search
from .texts import join_texts, to_text
from .values import Encoded, Json, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from .frame import RenderState

_WORDS = re.compile(r"([-\s({\[<]+)")


def tojson(state: RenderState, value: object) -> object:
    """Return a value as compact JSON, which is not escaped again in a JSON body."""
    return Json(any_json(value, state))


def string(state: RenderState, value: object) -> object:
    """Return a value as a string."""
    return str(to_text(value, state))


def cased(change: Callable[[str], str]) -> Callable[[RenderState, object], object]:
    """Return a filter that changes the case of a string."""

    def change_case(state: RenderState, value: object) -> object:
        text = to_text(value, state)
        state.spend(1 + len(text) // (64 if text.isascii() else 4))
        return bounded(change(bounded(text)))

    return change_case


def bounded(text: str) -> str:
    """Return the text, or raise InvalidValue if it is too long."""
    if len(text) > MAX_TEXT:
        raise InvalidValue(f"the text is longer than {MAX_TEXT:,} characters.")
    return text


def title(state: RenderState, value: object) -> object:
    """Capitalize each word."""
    text = bounded(to_text(value, state))
    state.spend(1 + len(text))
    return "".join(part[:1].upper() + part[1:].lower() for part in _WORDS.split(text))


def trim(state: RenderState, value: object, chars: object) -> object:
    """Remove white space, or `chars`, from both ends."""
    text = to_text(value, state)
    if chars is not None and not isinstance(chars, str):
        raise InvalidValue(f"chars must be a string, not {type_name(chars)}.")
    state.spend(1 + len(text) * min(len(chars or " "), 64) // 32)
    if chars is not None and len(chars) > 64:  # noqa: PLR2004  # the maximum that the line above charges for
        raise InvalidValue("chars must have at most 64 characters.")
    return text.strip(chars)


def replace(state: RenderState, value: object, old: object, new: object, count: object) -> object:
    """Replace `old` by `new`, everywhere or `count` times."""
    text, part, substitute = (to_text(item, state) for item in (value, old, new))
    limit = -1 if count is None else integer_argument(count, "count")
    charge_search(text, part, state)
    occurrences = text.count(part)
    occurrences = occurrences if limit < 0 else min(occurrences, limit)
    length = len(text) + occurrences * (len(substitute) - len(part))
    if length > MAX_TEXT:
        raise InvalidValue(f"the text is longer than {MAX_TEXT:,} characters.")
    state.spend(length // 64 + occurrences // 8)
    return text.replace(part, substitute, limit)


def truncate(
    state: RenderState,
    value: object,
    length: object,
    killwords: object,
    end: object,
    leeway: object,
) -> object:
    """Truncate a string, appending `end` if something was cut off."""
    text, tail = to_text(value, state), to_text(end, state)
    limit, slack = integer_argument(length, "length"), integer_argument(leeway, "leeway")
    if limit < len(tail) or slack < 0:
        raise InvalidValue(
            f"length must be at least {len(tail)}, the length of end, and leeway at least 0."
        )
    if len(text) <= limit + slack:
        return text
    head = bounded(text[: limit - len(tail)])
    state.spend(1 + len(head) // 64)
    return (head if killwords else head.rsplit(" ", 1)[0]) + tail


def join(state: RenderState, value: object, between: object, attribute: object) -> object:
    """Join the items of a list, or the keys of an object."""
    if not isinstance(value, list | dict):
        raise InvalidValue(f"expected a list, not {type_name(value)}.")
    texts: list[str] = []
    remaining = MAX_TEXT
    separator = to_text(between, state)
    for item in value:
        state.spend(3)
        text = to_text(item if attribute is None else _attribute(item, attribute), state)
        remaining -= len(text) + len(separator)
        if remaining < -len(separator):
            raise InvalidValue(f"the text is longer than {MAX_TEXT:,} characters.")
        texts.append(text)
    return join_texts([separator.join(texts)], state)


def _attribute(item: object, attribute: object) -> object:
    keys = attribute.split(".") if isinstance(attribute, str) else [attribute]
    for key in keys:
        try:
            item = item[key]  # type: ignore[index]
        except LOOKUP_ERRORS:
            raise InvalidValue("attribute is not defined for every item.") from None
    return item


def urlencode(state: RenderState, value: object) -> object:
    """Percent-encode a string, or an object as `key=value` pairs. Spaces become `%20`."""
    if isinstance(value, list):
        raise InvalidValue("expected a string or an object, not a list.")
    if not isinstance(value, dict):
        return Encoded(_encoded(state, value))
    state.spend(4 * len(value))
    pairs = [f"{_encoded(state, key)}={_encoded(state, item)}" for key, item in value.items()]
    return Encoded(join_texts(["&".join(pairs)], state))


def _encoded(state: RenderState, value: object) -> str:
    text = bounded(to_text(value, state))
    state.spend(1 + len(text) // (2 if text.isascii() else 1))
    return bounded(percent_encoded(text))


def b64encode(state: RenderState, value: object) -> object:
    """Return the base64 (RFC 4648) of the UTF-8 bytes of a string."""
    text = bounded(to_text(value, state))
    state.spend(1 + len(text) // 32)
    try:
        return bounded(base64.b64encode(text.encode()).decode("ascii"))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise InvalidValue("contains a lone surrogate, which cannot be encoded.") from error


def integer_argument(value: object, name: str) -> int:
    """Return an argument, or raise InvalidValue if it is not an integer up to MAX_TEXT."""
    if type(value) is not int or abs(value) > MAX_TEXT:
        raise InvalidValue(f"{name} must be an integer up to {MAX_TEXT}, not {type_name(value)}.")
    return value
