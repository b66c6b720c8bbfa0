"""What the operators and tests do with two values. It knows values only, no syntax."""

from __future__ import annotations

import operator
from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING, Any

from .faults import Misfit
from .values import COUNTING, Number, countable, counted, kind, numeric

if TYPE_CHECKING:
    from collections.abc import Callable

    from .frame import Frame

    Comparison = Callable[[object, object, Frame], bool]

_SHORT = 256


def same(left: object, right: object, frame: Frame) -> bool:
    """Return whether two JSON values are equal: 1 is 1.0, but true is not 1 and "1" is not 1."""
    frame.spend(4)
    if isinstance(left, str) and isinstance(right, str):
        if len(left) > _SHORT and len(left) == len(right):
            frame.spend(len(left) // 256)
        return left == right
    if left is None or right is None or isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(
            same(item, other, frame) for item, other in zip(left, right, strict=True)
        )
    if isinstance(left, dict) and isinstance(right, dict):
        frame.spend(len(left) // 4)
        return left.keys() == right.keys() and all(
            same(item, right[key], frame) for key, item in left.items()
        )
    return _same_number(left, right, frame)


def _same_number(left: object, right: object, frame: Frame) -> bool:
    _charge_digits(left, right, frame)
    first, second = numeric(left), numeric(right)
    return first is not None and second is not None and first == second


def _charge_digits(left: object, right: object, frame: Frame) -> None:
    for value in (left, right):
        if isinstance(value, Number):
            frame.spend(3 + len(value.text) // 16)


def different(left: object, right: object, frame: Frame) -> bool:
    """Return whether two values are not equal."""
    return not same(left, right, frame)


def ordered(compare: Callable[[Any, Any], bool], sign: str) -> Comparison:
    """Return the comparison that orders two numbers or two texts, and nothing else."""

    def compared(left: object, right: object, frame: Frame) -> bool:
        if type(left) is int and type(right) is int:
            return compare(left, right)
        if isinstance(left, str) and isinstance(right, str):
            frame.spend(min(len(left), len(right)) // 256)
            return compare(left, right)
        _charge_digits(left, right, frame)
        first, second = numeric(left), numeric(right)
        if first is None or second is None:
            raise Misfit(
                f"cannot evaluate {kind(left)} {sign} {kind(right)}. Use numbers or strings."
            )
        return compare(first, second)

    return compared


def contains(item: object, holder: object, frame: Frame) -> bool:
    """Return whether a list has an item, an object a key, or a text a part."""
    if isinstance(holder, list):
        return any(same(item, other, frame) for other in holder)
    if isinstance(holder, dict):
        return isinstance(item, str) and item in holder
    if isinstance(holder, str) and isinstance(item, str):
        charge_search(holder, item, frame)
        return item in holder
    raise Misfit(
        f"cannot evaluate {kind(item)} in {kind(holder)}. Use a list, an object or a string."
    )


def charge_search(holder: str, part: str, frame: Frame) -> None:
    """Charge a search, whose worst case is the product of both lengths for short parts."""
    frame.spend(1 + len(holder) * min(len(part), 64) // 128)


def absent_from(item: object, holder: object, frame: Frame) -> bool:
    """Return whether something is not in a list, object or text."""
    return not contains(item, holder, frame)


COMPARISONS: dict[str, Comparison] = {
    "eq": same,
    "ne": different,
    "lt": ordered(operator.lt, "<"),
    "lteq": ordered(operator.le, "<="),
    "gt": ordered(operator.gt, ">"),
    "gteq": ordered(operator.ge, ">="),
    "in": contains,
    "notin": absent_from,
}


def add(left: object, right: object) -> object:
    """Add two numbers, exactly up to MAX_DIGITS digits."""
    first, second = _both(left, right)
    if type(first) is int and type(second) is int:
        return counted(first + second)
    return _counted_in(COUNTING.add, first, second)


def subtract(left: object, right: object) -> object:
    """Subtract two numbers, exactly up to MAX_DIGITS digits."""
    first, second = _both(left, right)
    if type(first) is int and type(second) is int:
        return counted(first - second)
    return _counted_in(COUNTING.subtract, first, second)


def _counted_in(
    count: Callable[[Decimal | int, Decimal | int], Decimal],
    first: Decimal | int,
    second: Decimal | int,
) -> object:
    try:
        return counted(count(first, second))
    except DecimalException as error:
        raise Misfit("the number is too large to calculate with.") from error


def _both(left: object, right: object) -> tuple[Decimal | int, Decimal | int]:
    try:
        return countable(left), countable(right)
    except Misfit as error:
        raise Misfit(f"{error} + and - take numbers; ~ joins strings.") from error


def negate(value: object) -> object:
    """Turn a number's sign."""
    number = countable(value)
    if type(number) is int:
        return counted(-number)
    assert isinstance(value, Number | float)  # noqa: S101  # countable has said so
    text = value.text if isinstance(value, Number) else repr(value)
    return Number(text[1:] if text.startswith("-") else f"-{text}")
