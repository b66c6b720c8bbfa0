"""The filters that count: numbers in, numbers out, exact and bounded in digits."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, DecimalException
from typing import TYPE_CHECKING

from .faults import Misfit
from .filters_text import whole
from .limits import MAX_DIGITS
from .operators import negate
from .values import Number, countable, counted, kind, numeric

if TYPE_CHECKING:
    from .frame import Frame

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_METHODS = {"common": ROUND_HALF_EVEN, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}
_BASES = range(2, 37)
_MOST_PLACES = 100


def length(frame: Frame, value: object) -> object:
    """Return how many items or characters there are."""
    del frame
    if isinstance(value, str | list | dict):
        return len(value)
    raise Misfit(f"{kind(value)} has no length.")


def absolute(frame: Frame, value: object) -> object:
    """Return a number without its sign."""
    frame.spend(1)
    if isinstance(value, Number):
        return Number(value.text.removeprefix("-"))
    return negate(value) if countable(value) < 0 else value


def whole_number(frame: Frame, value: object, default: object, base: object) -> object:
    """Return a number or a text as a whole number, towards zero; `default` for what is none."""
    radix = whole(base, "base")
    if radix not in _BASES:
        raise Misfit("base must be from 2 to 36.")
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and radix != 10:  # noqa: PLR2004  # decimal goes by Decimal below
        return _in_base(value, radix, default)
    number = _decimal(frame, value)
    if number is None:
        return default
    if not number:
        return 0
    if number.adjusted() > MAX_DIGITS:
        raise Misfit(f"the number has more than {MAX_DIGITS} digits.")
    return counted(int(number))


def _in_base(text: str, base: int, default: object) -> object:
    if len(text) > MAX_DIGITS:
        return default
    try:
        return counted(int(text, base))
    except ValueError:
        return default


def fraction(frame: Frame, value: object, default: object) -> object:
    """Return a number or a text as a number with a point; `default` for what is none."""
    if isinstance(value, Number):
        return value
    number = _decimal(frame, int(value) if isinstance(value, bool) else value)
    return default if number is None else _pointed(number)


def _decimal(frame: Frame, value: object) -> Decimal | None:
    if isinstance(value, str):
        text = value.strip()
        if len(text) > MAX_DIGITS or not _DECIMAL.fullmatch(text):
            return None
        value = Number(text)
    frame.spend(4)
    number = numeric(value)
    return number if number is None or isinstance(number, Decimal) else Decimal(number)


def rounded(frame: Frame, value: object, precision: object, method: object) -> object:
    """Return a number rounded to so many places: halves to even, or by `ceil` or `floor`."""
    places = whole(precision, "precision")
    if abs(places) > _MOST_PLACES or not isinstance(method, str) or method not in _METHODS:
        raise Misfit(f"precision must be at most {_MOST_PLACES}, and method common, ceil or floor.")
    frame.spend(4)
    number = countable(value)
    result = _at_place(Decimal(number), places, _METHODS[method])
    return counted(int(result)) if type(number) is int else _pointed(result)


def _at_place(number: Decimal, places: int, rounding: str) -> Decimal:
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -places:
        return number
    digits = Context(prec=2 * MAX_DIGITS + _MOST_PLACES, rounding=rounding)
    try:
        return number.quantize(Decimal((0, (1,), -places)), context=digits)
    except DecimalException as error:
        raise Misfit("the number is too large to round.") from error


def _pointed(number: Decimal) -> Number:
    """Write a number as Python writes a float: no needless zeros, but one after the point."""
    text = str(number)
    if "E" in text:
        return Number(text)
    head, _, tail = text.partition(".")
    return Number(f"{head}.{tail.rstrip('0') or '0'}")
