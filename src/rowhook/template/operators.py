"""Implements the operators on numbers, and the comparisons."""

from __future__ import annotations

import operator
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
from typing import TYPE_CHECKING, Any

from rowhook.template.faults import InvalidValue
from rowhook.template.json_values import (
    ARITHMETIC,
    MAX_BITS,
    Number,
    as_number,
    exact_number,
    number_value,
    type_name,
    with_point,
)
from rowhook.template.limits import MAX_DIGITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowhook.template.limits import RenderState

    Operation = Callable[[object, object], object]
    Comparison = Callable[[object, object, RenderState], bool]

_EXACT = Context(
    prec=MAX_DIGITS,
    Emax=MAX_EMAX,
    Emin=MIN_EMIN,
    traps=[Inexact, InvalidOperation, Overflow, DivisionByZero],
)
# more digits than a double has, so that the nearest double is found
_ROUNDED = Context(prec=40, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation, Overflow])
_SHORT_NUMBER = Context(prec=17, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation, Overflow])
_SHORT_TEXT = 256


def add(left: object, right: object) -> object:
    """Adds two numbers, exactly up to MAX_DIGITS digits."""
    first, second = _both(left, right, "+")
    if type(first) is int and type(second) is int:
        return number_value(first + second)
    return _calculate(ARITHMETIC.add, first, second)


def subtract(left: object, right: object) -> object:
    """Subtracts two numbers, exactly up to MAX_DIGITS digits."""
    first, second = _both(left, right, "-")
    if type(first) is int and type(second) is int:
        return number_value(first - second)
    return _calculate(ARITHMETIC.subtract, first, second)


def multiply(left: object, right: object) -> object:
    """Multiplies two numbers, exactly up to MAX_DIGITS digits."""
    first, second = _both(left, right, "*")
    if type(first) is int and type(second) is int:
        if first.bit_length() + second.bit_length() > MAX_BITS + 1:
            raise InvalidValue(f"the result has more than {MAX_DIGITS} digits.")
        return number_value(first * second)
    return _calculate(ARITHMETIC.multiply, first, second)


def divide(left: object, right: object) -> object:
    """Divides two numbers: the exact quotient, or the nearest double if its digits do not end."""
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
        return with_point(_SHORT_NUMBER.divide(first, second))
    except DecimalException as error:
        raise _too_large() from error


def floor_divide(left: object, right: object) -> object:
    """Divides two numbers and rounds down, as Python does."""
    first, second = _divisible(left, right, "//")
    if type(first) is int and type(second) is int:
        return number_value(first // second)
    return with_point(_floor(Decimal(first), Decimal(second))[0])


def modulo(left: object, right: object) -> object:
    """Returns the remainder of a division that rounds down, with the sign of the divisor."""
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
    """Returns the negative of a number."""
    number = exact_number(value)
    if type(number) is int:
        return number_value(-number)
    assert isinstance(value, Number | float)  # noqa: S101  # ensured by exact_number
    text = value.text if isinstance(value, Number) else repr(value)
    return Number(text[1:] if text.startswith("-") else f"-{text}")


def equal(left: object, right: object, state: RenderState) -> bool:
    """Returns whether two JSON values are equal: 1 equals 1.0, but true and "1" do not equal 1."""
    state.spend(4)
    if type(left) is int and type(right) is int:
        return left == right
    if isinstance(left, str) and isinstance(right, str):
        if len(left) > _SHORT_TEXT and len(left) == len(right):
            state.spend(len(left) // 256)
        return left == right
    if left is None or right is None or isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(
            equal(item, other, state) for item, other in zip(left, right, strict=True)
        )
    if isinstance(left, dict) and isinstance(right, dict):
        state.spend(len(left) // 4)
        return left.keys() == right.keys() and all(
            equal(item, right[key], state) for key, item in left.items()
        )
    return _equal_numbers(left, right, state)


def _equal_numbers(left: object, right: object, state: RenderState) -> bool:
    _charge_digits(left, right, state)
    first, second = as_number(left), as_number(right)
    return first is not None and second is not None and first == second


def _charge_digits(left: object, right: object, state: RenderState) -> None:
    for value in (left, right):
        if isinstance(value, Number):
            state.spend(3 + len(value.text) // 16)


def not_equal(left: object, right: object, state: RenderState) -> bool:
    """Returns whether two values are not equal."""
    return not equal(left, right, state)


def ordering(compare: Callable[[Any, Any], bool], sign: str) -> Comparison:
    """Returns a comparison of two numbers or two strings."""

    def compare_values(left: object, right: object, state: RenderState) -> bool:
        if type(left) is int and type(right) is int:
            return compare(left, right)
        if isinstance(left, str) and isinstance(right, str):
            state.spend(min(len(left), len(right)) // 256)
            return compare(left, right)
        _charge_digits(left, right, state)
        first, second = as_number(left), as_number(right)
        if first is None or second is None:
            raise InvalidValue(
                f"cannot evaluate {type_name(left)} {sign} {type_name(right)}. "
                "Use numbers or strings."
            )
        return compare(first, second)

    return compare_values


def contains(item: object, container: object, state: RenderState) -> bool:
    """Returns whether a list contains an item, an object a key, or a string a substring."""
    if isinstance(container, list):
        for other in container:  # noqa: SIM110  # half the time of `any` with a generator
            if equal(item, other, state):
                return True
        return False
    if isinstance(container, dict):
        return isinstance(item, str) and item in container
    if isinstance(container, str) and isinstance(item, str):
        charge_search(container, item, state)
        return item in container
    raise InvalidValue(
        f"cannot evaluate {type_name(item)} in {type_name(container)}. "
        "Use a list, an object or a string."
    )


def charge_search(container: str, part: str, state: RenderState) -> None:
    """Charges a substring search, whose worst case is the product of both lengths."""
    state.spend(1 + len(container) * min(len(part), 64) // 128)


def not_contains(item: object, container: object, state: RenderState) -> bool:
    """Returns whether a list, object or string does not contain something."""
    return not contains(item, container, state)


COMPARISONS: dict[str, Comparison] = {
    "eq": equal,
    "ne": not_equal,
    "lt": ordering(operator.lt, "<"),
    "lteq": ordering(operator.le, "<="),
    "gt": ordering(operator.gt, ">"),
    "gteq": ordering(operator.ge, ">="),
    "in": contains,
    "notin": not_contains,
}
