"""Implements the operators and comparison tests."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from rowhook.template.faults import InvalidValue
from rowhook.template.values import Number, as_number, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowhook.template.render_state import RenderState

    Comparison = Callable[[object, object, RenderState], bool]

_SHORT = 256


def equal(left: object, right: object, state: RenderState) -> bool:
    """Return whether two JSON values are equal: 1 equals 1.0, but true and "1" do not equal 1."""
    state.spend(4)
    if type(left) is int and type(right) is int:
        return left == right
    if isinstance(left, str) and isinstance(right, str):
        if len(left) > _SHORT and len(left) == len(right):
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
    """Return whether two values are not equal."""
    return not equal(left, right, state)


def ordering(compare: Callable[[Any, Any], bool], sign: str) -> Comparison:
    """Return a comparison of two numbers or two strings."""

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
    """Return whether a list contains an item, an object a key, or a string a substring."""
    if isinstance(container, list):
        return any(equal(item, other, state) for other in container)
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
    """Charge a substring search, whose worst case is the product of both lengths."""
    state.spend(1 + len(container) * min(len(part), 64) // 128)


def not_contains(item: object, container: object, state: RenderState) -> bool:
    """Return whether a list, object or string does not contain something."""
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
