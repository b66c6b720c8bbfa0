"""The values that templates work on: JSON's, with numbers that keep their digits.

Nothing here has an attribute or method that a template could reach.
"""

from __future__ import annotations

import math
from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    Context,
    Decimal,
    DecimalException,
    InvalidOperation,
    Overflow,
)

from .faults import Misfit
from .limits import MAX_DIGITS

COUNTING = Context(
    prec=MAX_DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation, Overflow]
)
_MAX_BITS = int(MAX_DIGITS * math.log2(10))


class Number:
    """A JSON number as it was written. `text` is a valid JSON number literal."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Number({self.text!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, bool) or not isinstance(other, int | float | Number):
            return NotImplemented
        return numeric(self) == numeric(other)

    def __hash__(self) -> int:
        return hash(numeric(self))


class Json(str):
    """Text that is JSON already: outside quotes in a JSON body it stands as it is."""

    __slots__ = ()


class Encoded(str):
    """Text that is percent-encoded already: a URL or form body takes it as it is."""

    __slots__ = ()


class MadeList(list[object]):
    """A list written in a template. It may hold the same data many times over."""

    __slots__ = ()


class MadeObject(dict[str, object]):
    """An object written in a template. It may hold the same data many times over."""

    __slots__ = ()


class Missing:
    """What an undefined name gives where that is allowed: under `default` and `is defined`."""

    __slots__ = ()


MISSING = Missing()


def numeric(value: object) -> int | Decimal | None:
    """Return what a number counts as, or None for everything else. True is no number."""
    if type(value) is int:
        return value
    if isinstance(value, Number):
        try:
            return Decimal(value.text)
        except DecimalException as error:
            raise Misfit("the number is too large to calculate with.") from error
    return Decimal(repr(value)) if isinstance(value, float) else None


def countable(value: object) -> int | Decimal:
    """Return what a number counts as, or raise Misfit: for sums, which are bounded in digits."""
    number = numeric(value)
    if number is None:
        raise Misfit(f"expected a number, not {kind(value)}.")
    digits = len(value.text) if isinstance(value, Number) else 0
    if digits > MAX_DIGITS or (type(number) is int and number.bit_length() > _MAX_BITS):
        raise Misfit(f"the number has more than {MAX_DIGITS} digits.")
    return number


def counted(result: int | Decimal) -> object:
    """Return a sum as a value of the language."""
    if isinstance(result, Decimal):
        return Number(str(result))
    if result.bit_length() > _MAX_BITS:
        raise Misfit(f"the result has more than {MAX_DIGITS} digits.")
    return result


def truth(value: object) -> bool:
    """Return whether a condition holds: not for null, false, zero and what is empty."""
    if isinstance(value, Number):
        return value.text.lower().split("e")[0].strip("-0.") != ""
    return bool(value)


def kind(value: object) -> str:
    """Name a value's kind for a message, so that the value itself is never in one."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    return "a number" if isinstance(value, int | float | Number) else "not a JSON value"


def scalar_text(value: object) -> str:
    """Return a value as text. Raises Misfit for lists and objects: a URL and a header hold none."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return value.text
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    raise Misfit(f"is {kind(value)}. Write one of its items, or join them.")
