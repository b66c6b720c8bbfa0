"""The numeric filters, exact and bounded in digits."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, DecimalException
from typing import TYPE_CHECKING

from .faults import InvalidValue
from .filters_text import integer_argument
from .limits import MAX_DIGITS
from .operators import negate
from .values import Number, as_number, exact_number, number_value, type_name

if TYPE_CHECKING:
    from .frame import RenderState

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_METHODS = {"common": ROUND_HALF_EVEN, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}
_BASES = range(2, 37)
_MAX_PLACES = 100


def length(state: RenderState, value: object) -> object:
    """Return the number of items or characters."""
    del state
    if isinstance(value, str | list | dict):
        return len(value)
    raise InvalidValue(f"{type_name(value)} has no length.")


def absolute(state: RenderState, value: object) -> object:
    """Return the absolute value of a number."""
    state.spend(1)
    if isinstance(value, Number):
        return Number(value.text.removeprefix("-"))
    return negate(value) if exact_number(value) < 0 else value


def to_integer(state: RenderState, value: object, default: object, base: object) -> object:
    """Convert to an integer, rounding towards zero; return `default` if that is not possible."""
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
    """Convert to a number with a decimal point; return `default` if that is not possible."""
    if isinstance(value, Number):
        return value
    number = _decimal(state, int(value) if isinstance(value, bool) else value)
    return default if number is None else _with_point(number)


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
    """Round to a number of places: half to even, or by `ceil` or `floor`."""
    places = integer_argument(precision, "precision")
    if abs(places) > _MAX_PLACES or not isinstance(method, str) or method not in _METHODS:
        raise InvalidValue(
            f"precision must be at most {_MAX_PLACES}, and method common, ceil or floor."
        )
    state.spend(4)
    number = exact_number(value)
    result = _round_to_place(Decimal(number), places, _METHODS[method])
    return number_value(int(result)) if type(number) is int else _with_point(result)


def _round_to_place(number: Decimal, places: int, rounding: str) -> Decimal:
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -places:
        return number
    digits = Context(prec=2 * MAX_DIGITS + _MAX_PLACES, rounding=rounding)
    try:
        return number.quantize(Decimal((0, (1,), -places)), context=digits)
    except DecimalException as error:
        raise InvalidValue("the number is too large to round.") from error


def _with_point(number: Decimal) -> Number:
    """Format like a Python float: without trailing zeros, but with a digit after the point."""
    text = str(number)
    if "E" in text:
        return Number(text)
    head, _, tail = text.partition(".")
    return Number(f"{head}.{tail.rstrip('0') or '0'}")
