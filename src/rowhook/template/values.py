"""The values of templates: JSON values, with numbers that keep their digits."""

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
from typing import TYPE_CHECKING

from rowhook.template.faults import InvalidValue
from rowhook.template.limits import MAX_DIGITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowhook.template.faults import RenderFault


ARITHMETIC = Context(
    prec=MAX_DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation, Overflow]
)
MAX_BITS = int(MAX_DIGITS * math.log2(10))


class Number:
    """A JSON number with its original digits. `text` is a valid JSON number literal."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Number({self.text!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, bool) or not isinstance(other, int | float | Number):
            return NotImplemented
        return as_number(self) == as_number(other)

    def __hash__(self) -> int:
        return hash(as_number(self))


class Json(str):
    """JSON text, which is not escaped outside quotes in a JSON body."""

    __slots__ = ()


class Encoded(str):
    """Percent-encoded text, which is not encoded again in a URL or form body."""

    __slots__ = ()


class Literal(str):
    """A text that the author wrote in an output expression, which is not escaped."""

    __slots__ = ()


class LiteralList(list[object]):
    """A list literal of a template, which may contain the same data many times."""

    __slots__ = ()


class LiteralObject(dict[str, object]):
    """An object literal of a template, which may contain the same data many times."""

    __slots__ = ()


class Missing:
    """An undefined value, where it is allowed: under `default`, `is defined`, and as a condition.

    `fault` returns the error of a use that needs a value.
    """

    __slots__ = ("fault",)

    def __init__(self, fault: Callable[[], RenderFault]) -> None:
        self.fault = fault

    def __bool__(self) -> bool:
        return False


def as_number(value: object) -> int | Decimal | None:
    """Return the exact value of a number, or None for other values, including booleans."""
    if type(value) is int:
        return value
    if isinstance(value, Number):
        try:
            return Decimal(value.text)
        except DecimalException as error:
            raise InvalidValue("the number is too large to calculate with.") from error
    return Decimal(repr(value)) if isinstance(value, float) else None


def exact_number(value: object) -> int | Decimal:
    """Return the exact value of a number. Raises InvalidValue if it has too many digits."""
    number = as_number(value)
    if number is None:
        raise InvalidValue(f"expected a number, not {type_name(value)}.")
    digits = len(value.text) if isinstance(value, Number) else 0
    if digits > MAX_DIGITS or (type(number) is int and number.bit_length() > MAX_BITS):
        raise InvalidValue(f"the number has more than {MAX_DIGITS} digits.")
    return number


def number_value(result: int | Decimal) -> object:
    """Return the result of a calculation as a value of templates."""
    if isinstance(result, Decimal):
        return Number(str(result))
    if result.bit_length() > MAX_BITS:
        raise InvalidValue(f"the result has more than {MAX_DIGITS} digits.")
    return result


def with_point(number: Decimal) -> Number:
    """Format like a Python float: without trailing zeros, but with a digit after the point."""
    text = str(number)
    if "E" in text:
        return Number(text)
    head, _, tail = text.partition(".")
    return Number(f"{head}.{tail.rstrip('0') or '0'}")


def is_true(value: object) -> bool:
    """Return whether a value is true: null, false, zero and empty values are not."""
    if isinstance(value, Number):
        return value.text.lower().split("e")[0].strip("-0.") != ""
    return bool(value)


def type_name(value: object) -> str:
    """Return the type of a value for messages, which never contain the value itself."""
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
    """Return a value as text. Raises InvalidValue for lists and objects."""
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
    raise InvalidValue(f"is {type_name(value)}. Write one of its items, or join them.")
