"""The table of filters with their arguments as Jinja names them; filters on numbers and texts.

Each filter bounds its result.
"""

from __future__ import annotations

import base64
import binascii
import re
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, DecimalException
from typing import TYPE_CHECKING, NamedTuple

from rowhook.template import format_filters, list_filters
from rowhook.template.escapes import join_texts, percent_encoded, to_text
from rowhook.template.faults import InvalidValue
from rowhook.template.json_values import (
    Encoded,
    Json,
    Number,
    any_json,
    as_number,
    exact_number,
    indented_json,
    number_value,
    type_name,
    with_point,
)
from rowhook.template.limits import MAX_DIGITS, MAX_TEXT
from rowhook.template.list_filters import NO_DEFAULT, required_attribute
from rowhook.template.operators import charge_search, negate

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowhook.template.limits import RenderState

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_METHODS = {"common": ROUND_HALF_EVEN, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}
_BASES = range(2, 37)
_MAX_PLACES = 100
_MAX_INDENT = 8
_WORDS = re.compile(r"([-\s({\[<]+)")
_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# CommonMark: a backslash before punctuation makes it text.
_LIST_MARK = re.compile(r"^([ \t]*)([#+=-]|[0-9]{1,9}(?=[.)]))", re.MULTILINE)
_INLINE_MARK = re.compile(r"[\\`*_\[\]~|]")


def length(state: RenderState, value: object) -> object:
    """Returns the number of items or characters."""
    del state
    if isinstance(value, str | list | dict):
        return len(value)
    raise InvalidValue(f"{type_name(value)} has no length.")


def absolute(state: RenderState, value: object) -> object:
    """Returns the absolute value of a number."""
    state.spend(1)
    if isinstance(value, Number):
        return Number(value.text.removeprefix("-"))
    return negate(value) if exact_number(value) < 0 else value


def to_integer(state: RenderState, value: object, default: object, base: object) -> object:
    """Converts to an integer, rounding towards zero; returns `default` if that is not possible."""
    radix = integer_argument(base, "base")
    if radix not in _BASES:
        raise InvalidValue("base must be from 2 to 36.")
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and radix != 10:  # noqa: PLR2004  # base 10 is handled by Decimal below
        return _in_base(value, radix, default)
    number = _decimal(state, value)
    if number is None:
        return default
    if not number:
        return 0
    if number.adjusted() > MAX_DIGITS:
        raise InvalidValue(f"the number has more than {MAX_DIGITS} digits.")
    return number_value(int(number))


def _in_base(text: str, base: int, default: object) -> object:
    if len(text) > MAX_DIGITS:
        return default
    try:
        return number_value(int(text, base))
    except ValueError:
        return default


def to_float(state: RenderState, value: object, default: object) -> object:
    """Converts to a number with a decimal point; returns `default` if that is not possible."""
    if isinstance(value, Number):
        return value
    number = _decimal(state, int(value) if isinstance(value, bool) else value)
    return default if number is None else with_point(number)


def _decimal(state: RenderState, value: object) -> Decimal | None:
    if isinstance(value, str):
        text = value.strip()
        if len(text) > MAX_DIGITS or not _DECIMAL.fullmatch(text):
            return None
        value = Number(text)
    state.spend(4)
    number = as_number(value)
    return number if number is None or isinstance(number, Decimal) else Decimal(number)


def round_number(state: RenderState, value: object, precision: object, method: object) -> object:
    """Rounds to a number of places: half to even, or by `ceil` or `floor`."""
    places = integer_argument(precision, "precision")
    if abs(places) > _MAX_PLACES or not isinstance(method, str) or method not in _METHODS:
        raise InvalidValue(
            f"precision must be at most {_MAX_PLACES}, and method common, ceil or floor."
        )
    state.spend(4)
    number = exact_number(value)
    result = _round_to_place(Decimal(number), places, _METHODS[method])
    return number_value(int(result)) if type(number) is int else with_point(result)


def _round_to_place(number: Decimal, places: int, rounding: str) -> Decimal:
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -places:
        return number
    digits = Context(prec=2 * MAX_DIGITS + _MAX_PLACES, rounding=rounding)
    try:
        return number.quantize(Decimal((0, (1,), -places)), context=digits)
    except DecimalException as error:
        raise InvalidValue("the number is too large to round.") from error


def tojson(state: RenderState, value: object, indent: object) -> object:
    """Returns a value as JSON, which is not escaped again in a JSON body."""
    text = any_json(value, state)
    if indent is None:
        return Json(text)
    width = integer_argument(indent, "indent")
    if not 0 <= width <= _MAX_INDENT:
        raise InvalidValue(f"indent must be from 0 to {_MAX_INDENT}.")
    return Json(indented_json(text, width, state))


def string(state: RenderState, value: object) -> object:
    """Returns a value as a string."""
    return str(to_text(value, state))


def cased(change: Callable[[str], str]) -> Callable[[RenderState, object], object]:
    """Returns a filter that changes the case of a string."""

    def change_case(state: RenderState, value: object) -> object:
        text = to_text(value, state)
        state.spend_text(len(text) if text.isascii() else 8 * len(text))
        return bounded(change(bounded(text)))

    return change_case


def bounded(text: str) -> str:
    """Returns the text, or raises InvalidValue if it is too long."""
    if len(text) > MAX_TEXT:
        raise InvalidValue(f"the text is longer than {MAX_TEXT:,} characters.")
    return text


def title(state: RenderState, value: object) -> object:
    """Capitalizes each word."""
    text = bounded(to_text(value, state))
    state.spend(1 + len(text))
    return "".join(part[:1].upper() + part[1:].lower() for part in _WORDS.split(text))


def trim(state: RenderState, value: object, chars: object) -> object:
    """Removes white space, or `chars`, from both ends."""
    text = to_text(value, state)
    if chars is not None and not isinstance(chars, str):
        raise InvalidValue(f"chars must be a string, not {type_name(chars)}.")
    state.spend(1 + len(text) * min(len(chars or " "), 64) // 32)
    if chars is not None and len(chars) > 64:  # noqa: PLR2004  # the maximum that the line above charges for
        raise InvalidValue("chars must have at most 64 characters.")
    return text.strip(chars)


def replace(state: RenderState, value: object, old: object, new: object, count: object) -> object:
    """Replaces `old` by `new`, everywhere or `count` times."""
    text, part, substitute = (to_text(item, state) for item in (value, old, new))
    limit = -1 if count is None else integer_argument(count, "count")
    charge_search(text, part, state)
    occurrences = text.count(part)
    occurrences = occurrences if limit < 0 else min(occurrences, limit)
    length = len(text) + occurrences * (len(substitute) - len(part))
    if length > MAX_TEXT:
        raise InvalidValue(f"the text is longer than {MAX_TEXT:,} characters.")
    state.spend_text(length + 8 * occurrences)
    return text.replace(part, substitute, limit)


def truncate(
    state: RenderState,
    value: object,
    length: object,
    killwords: object,
    end: object,
    leeway: object,
) -> object:
    """Truncates a string, appending `end` if something was cut off."""
    text, tail = to_text(value, state), to_text(end, state)
    limit, slack = integer_argument(length, "length"), integer_argument(leeway, "leeway")
    if limit < len(tail) or slack < 0:
        raise InvalidValue(
            f"length must be at least {len(tail)}, the length of end, and leeway at least 0."
        )
    if len(text) <= limit + slack:
        return text
    head = bounded(text[: limit - len(tail)])
    state.spend_text(len(head))
    return (head if killwords else head.rsplit(" ", 1)[0]) + tail


def join(state: RenderState, value: object, between: object, attribute: object) -> object:
    """Joins the items of a list, the keys of an object or the characters of a text."""
    if not isinstance(value, list | dict | str):
        raise InvalidValue(f"expected a list, not {type_name(value)}.")
    texts: list[str] = []
    remaining = MAX_TEXT
    separator = to_text(between, state)
    for item in value:
        state.spend(3)
        text = to_text(item if attribute is None else required_attribute(item, attribute), state)
        remaining -= len(text) + len(separator)
        if remaining < -len(separator):
            raise InvalidValue(f"the text is longer than {MAX_TEXT:,} characters.")
        texts.append(text)
    return join_texts([separator.join(texts)], state)


def urlencode(state: RenderState, value: object) -> object:
    """Percent-encodes a string, or an object as `key=value` pairs. Spaces become `%20`."""
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
    """Returns the base64 (RFC 4648) of the UTF-8 bytes of a string."""
    text = bounded(to_text(value, state))
    state.spend_text(2 * len(text))
    try:
        return bounded(base64.b64encode(text.encode()).decode("ascii"))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise InvalidValue("contains a lone surrogate, which cannot be encoded.") from error


def slack(state: RenderState, value: object) -> object:
    """Escapes a text for Slack, so that it contains no link, mention or entity."""
    text = bounded(to_text(value, state))
    state.spend_text(4 * len(text))
    return bounded(text.translate(_SLACK))


def teams(state: RenderState, value: object) -> object:
    """Escapes a text for Microsoft Teams, whose cards read Markdown and HTML."""
    text = bounded(to_text(value, state))
    state.spend(1 + 3 * len(text))
    marked = _INLINE_MARK.sub(r"\\\g<0>", text.translate(_SLACK))
    return bounded(_LIST_MARK.sub(_escape_list_mark, marked))


def _escape_list_mark(match: re.Match[str]) -> str:
    space, mark = match.groups()
    return f"{space}{mark}\\" if mark.isdecimal() else f"{space}\\{mark}"


def integer_argument(value: object, name: str) -> int:
    """Returns an argument, or raises InvalidValue if it is not an integer up to MAX_TEXT."""
    if type(value) is not int or abs(value) > MAX_TEXT:
        raise InvalidValue(f"{name} must be an integer up to {MAX_TEXT}, not {type_name(value)}.")
    return value


REQUIRED = object()


class Argument(NamedTuple):
    """An argument of a filter: its name, its default and a check of constant values."""

    name: str
    default: object = REQUIRED
    fault: Callable[[object], str | None] | None = None


class Filter(NamedTuple):
    """A filter: a function of render state, value and arguments, and its cost in steps.

    `is_optional`: it has no result for an empty value, which `default` may replace. `takes_any`: it
    takes any number of arguments; the compiler handles it.
    """

    apply: Callable[..., object] | None
    arguments: tuple[Argument, ...] = ()
    cost: int = 3
    is_optional: bool = False
    takes_any: bool = False


_CASE = Argument("case_sensitive", default=False)
_ATTRIBUTE = Argument("attribute", None)
DEFAULT_VALUE = Argument("default_value", "")
_DEFAULT = Filter(None, (DEFAULT_VALUE, Argument("boolean", default=False)))
_LENGTH = Filter(length)

# `apply` is None for the filters that the compiler handles
FILTERS: dict[str, Filter] = {
    "default": _DEFAULT,
    "d": _DEFAULT,
    "first": Filter(list_filters.first, is_optional=True),
    "last": Filter(list_filters.last, is_optional=True),
    "min": Filter(list_filters.least, (_CASE, _ATTRIBUTE), 10, is_optional=True),
    "max": Filter(list_filters.greatest, (_CASE, _ATTRIBUTE), 10, is_optional=True),
    "sum": Filter(list_filters.total, (_ATTRIBUTE, Argument("start", 0)), 10),
    "sort": Filter(
        list_filters.in_order, (Argument("reverse", default=False), _CASE, _ATTRIBUTE), 10
    ),
    "unique": Filter(list_filters.distinct, (_CASE, _ATTRIBUTE), 10),
    "list": Filter(list_filters.as_list, cost=5),
    "items": Filter(list_filters.pairs, cost=5),
    "map": Filter(
        list_filters.mapped, (Argument("attribute"), Argument("default", NO_DEFAULT)), 10
    ),
    "selectattr": Filter(None, cost=10, takes_any=True),
    "rejectattr": Filter(None, cost=10, takes_any=True),
    "format": Filter(format_filters.format_text, cost=20, takes_any=True),
    "tojson": Filter(tojson, (Argument("indent", None),)),
    "upper": Filter(cased(str.upper)),
    "lower": Filter(cased(str.lower)),
    "capitalize": Filter(cased(str.capitalize)),
    "title": Filter(title, cost=10),
    "trim": Filter(trim, (Argument("chars", None),)),
    "string": Filter(string),
    "length": _LENGTH,
    "count": _LENGTH,
    "join": Filter(join, (Argument("d", ""), _ATTRIBUTE), cost=10),
    "replace": Filter(
        replace,
        (Argument("old"), Argument("new"), Argument("count", None)),
        cost=5,
    ),
    "truncate": Filter(
        truncate,
        (
            Argument("length", 255),
            Argument("killwords", default=False),
            Argument("end", "..."),
            Argument("leeway", 5),
        ),
        cost=8,
    ),
    "round": Filter(
        round_number,
        (Argument("precision", 0), Argument("method", "common")),
        cost=30,
    ),
    "int": Filter(to_integer, (Argument("default", 0), Argument("base", 10)), cost=20),
    "float": Filter(to_float, (Argument("default", Number("0.0")),), cost=20),
    "abs": Filter(absolute),
    "urlencode": Filter(urlencode, cost=8),
    "date": Filter(
        format_filters.date,
        (
            Argument("format", "%Y-%m-%d", format_filters.date_format_fault),
            Argument("zone", "UTC", format_filters.zone_fault),
        ),
        cost=60,
    ),
    "b64encode": Filter(b64encode, cost=8),
    "slack": Filter(slack, cost=5),
    "teams": Filter(teams, cost=10),
}
