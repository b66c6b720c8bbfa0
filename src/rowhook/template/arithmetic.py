"""Decimal arithmetic, bounded in digits."""

from __future__ import annotations

from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from typing import TYPE_CHECKING

from rowhook.template.faults import InvalidValue
from rowhook.template.limits import MAX_DIGITS
from rowhook.template.values import (
    ARITHMETIC,
    MAX_BITS,
    Number,
    exact_number,
    number_value,
    with_point,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Operation = Callable[[object, object], object]


_EXACT = Context(
    prec=MAX_DIGITS,
    Emax=MAX_EMAX,
    Emin=MIN_EMIN,
    traps=[Inexact, InvalidOperation, Overflow, DivisionByZero],
)
# more digits than a double has, so that the nearest double is found
_ROUNDED = Context(prec=40, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation, Overflow])
_SHORT = Context(prec=17, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation, Overflow])


def add(left: object, right: object) -> object:
    """Add two numbers, exactly up to MAX_DIGITS digits."""
    first, second = _both(left, right, "+")
    if type(first) is int and type(second) is int:
        return number_value(first + second)
    return _calculate(ARITHMETIC.add, first, second)


def subtract(left: object, right: object) -> object:
    """Subtract two numbers, exactly up to MAX_DIGITS digits."""
    first, second = _both(left, right, "-")
    if type(first) is int and type(second) is int:
        return number_value(first - second)
    return _calculate(ARITHMETIC.subtract, first, second)


def multiply(left: object, right: object) -> object:
    """Multiply two numbers, exactly up to MAX_DIGITS digits."""
    first, second = _both(left, right, "*")
    if type(first) is int and type(second) is int:
        if first.bit_length() + second.bit_length() > MAX_BITS + 1:
            raise InvalidValue(f"the result has more than {MAX_DIGITS} digits.")
        return number_value(first * second)
    return _calculate(ARITHMETIC.multiply, first, second)


def divide(left: object, right: object) -> object:
    """Divide two numbers: the exact quotient, or the nearest double if its digits do not end."""
    first, second = _divisible(left, right, "/")
    try:
        return with_point(_EXACT.divide(Decimal(first), Decimal(second)))
    except Inexact:
        return _nearest(Decimal(first), Decimal(second))
    except DecimalException as error:
        raise _too_large() from error


def _nearest(first: Decimal, second: Decimal) -> Number:
    try:
        quotient = float(_ROUNDED.divide(first, second))
        if quotient and quotient - quotient == 0:
            return Number(repr(quotient))
        return with_point(_SHORT.divide(first, second))
    except DecimalException as error:
        raise _too_large() from error


def floor_divide(left: object, right: object) -> object:
    """Divide two numbers and round down, as Python does."""
    first, second = _divisible(left, right, "//")
    if type(first) is int and type(second) is int:
        return number_value(first // second)
    return with_point(_floor(Decimal(first), Decimal(second))[0])


def modulo(left: object, right: object) -> object:
    """Return the remainder of a division that rounds down, with the sign of the divisor."""
    first, second = _divisible(left, right, "%")
    if type(first) is int and type(second) is int:
        return number_value(first % second)
    return number_value(_floor(Decimal(first), Decimal(second))[1])


def _floor(first: Decimal, second: Decimal) -> tuple[Decimal, Decimal]:
    try:
        quotient, rest = ARITHMETIC.divmod(first, second)
        if rest and (rest < 0) != (second < 0):
            return ARITHMETIC.subtract(quotient, 1), ARITHMETIC.add(rest, second)
    except DecimalException as error:
        raise _too_large() from error
    return quotient, rest


def _divisible(left: object, right: object, sign: str) -> tuple[Decimal | int, Decimal | int]:
    first, second = _both(left, right, sign)
    if not second:
        raise InvalidValue("division by zero. Test the divisor first: {{ a / b if b else 0 }}.")
    return first, second


def _calculate(
    operation: Callable[[Decimal | int, Decimal | int], Decimal],
    first: Decimal | int,
    second: Decimal | int,
) -> object:
    try:
        return number_value(operation(first, second))
    except DecimalException as error:
        raise _too_large() from error


def _too_large() -> InvalidValue:
    return InvalidValue("the number is too large to calculate with.")


def _both(left: object, right: object, sign: str) -> tuple[Decimal | int, Decimal | int]:
    try:
        return exact_number(left), exact_number(right)
    except InvalidValue as error:
        advice = "; ~ joins strings" if sign == "+" else ""
        raise InvalidValue(f"{error} {sign} takes numbers{advice}.") from error


OPERATIONS: dict[str, Operation] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "//": floor_divide,
    "%": modulo,
}


def negate(value: object) -> object:
    """Return the negative of a number."""
    number = exact_number(value)
    if type(number) is int:
        return number_value(-number)
    assert isinstance(value, Number | float)  # noqa: S101  # ensured by exact_number
    text = value.text if isinstance(value, Number) else repr(value)
    return Number(text[1:] if text.startswith("-") else f"-{text}")
