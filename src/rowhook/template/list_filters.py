"""The filters on lists and objects, each charged for its items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rowhook.template.faults import InvalidValue
from rowhook.template.json_values import LiteralList, Number, as_number, is_true, type_name
from rowhook.template.operators import add
from rowhook.template.syntax_nodes import LOOKUP_ERRORS

if TYPE_CHECKING:
    from rowhook.template.limits import RenderState

NO_DEFAULT = object()
_MIXED = "the items must be all numbers or all texts."


class NoItem(InvalidValue):
    """The value is empty, so that there is no result."""


def first(state: RenderState, value: object) -> object:
    """Returns the first item, character or key."""
    del state
    items = _items(value)
    return next(iter(items)) if isinstance(items, dict) else items[0]


def last(state: RenderState, value: object) -> object:
    """Returns the last item, character or key."""
    del state
    items = _items(value)
    return next(reversed(items)) if isinstance(items, dict) else items[-1]


def _items(value: object) -> Any:
    if not isinstance(value, list | str | dict):
        raise InvalidValue(f"{type_name(value)} has no items.")
    if not value:
        raise NoItem("the value is empty.")
    return value


def as_list(state: RenderState, value: object) -> object:
    """Returns the items of a list, the keys of an object or the characters of a text, as a list."""
    return LiteralList(_sequence(state, value))


def _sequence(state: RenderState, value: object) -> list[Any]:
    if isinstance(value, list):
        state.spend_items(len(value))
        return value
    if isinstance(value, str | dict):
        state.spend_items(4 * len(value))
        return list(value)
    raise InvalidValue(f"expected a list, not {type_name(value)}.")


def pairs(state: RenderState, value: object) -> object:
    """Returns the keys and values of an object, as lists of two."""
    if not isinstance(value, dict):
        raise InvalidValue(f"expected an object, not {type_name(value)}.")
    state.spend_items(16 * len(value))
    return LiteralList(LiteralList(pair) for pair in value.items())


def attribute_of(item: object, attribute: object) -> object:
    """Returns the value at a path such as `a.b.0` of an item; `NO_DEFAULT` if it has none."""
    keys = attribute.split(".") if isinstance(attribute, str) else [attribute]
    for key in keys:
        position = int(key) if isinstance(key, str) and _is_position(item, key) else key
        try:
            item = item[position]  # type: ignore[index]
        except LOOKUP_ERRORS:
            return NO_DEFAULT
    return item


def _is_position(item: object, key: str) -> bool:
    return isinstance(item, list) and key.isascii() and key.isdecimal() and len(key) < 10  # noqa: PLR2004  # digits of an index


def required_attribute(item: object, attribute: object) -> object:
    """Returns the value at a path of an item. Raises InvalidValue if it has none."""
    value = item if attribute is None else attribute_of(item, attribute)
    if value is NO_DEFAULT:
        raise InvalidValue(
            "attribute is not defined for every item. Select those with it first: "
            "selectattr('…', 'defined')."
        )
    return value


def mapped(state: RenderState, value: object, attribute: object, default: object) -> object:
    """Returns an attribute of each item; `default` for those that lack it."""
    items = _sequence(state, value)
    state.spend(4 * len(items))
    if default is NO_DEFAULT:
        return LiteralList(required_attribute(item, attribute) for item in items)
    values = (attribute_of(item, attribute) for item in items)
    return LiteralList(default if value is NO_DEFAULT else value for value in values)


def total(state: RenderState, value: object, attribute: object, start: object) -> object:
    """Returns the sum of the items, or of an attribute of each."""
    result = start
    for item in _sequence(state, value):
        state.spend(10)
        result = add(result, required_attribute(item, attribute))
    return result


def in_order(
    state: RenderState, value: object, reverse: object, case: object, attribute: object
) -> object:
    """Sorts numbers or texts, or objects by one or several attributes (`'a,b'`)."""
    items = _sequence(state, value)
    keys = iter(_keys(state, items, case, attribute))
    state.spend(len(items) * max(1, len(items).bit_length()))
    return LiteralList(sorted(items, key=lambda _: next(keys), reverse=is_true(reverse)))


def distinct(state: RenderState, value: object, case: object, attribute: object) -> object:
    """Returns the items without those whose value occurred before."""
    items = _sequence(state, value)
    kept: dict[object, object] = {}
    for item in items:
        kept.setdefault(_identity(state, required_attribute(item, attribute), case), item)
    state.spend_items(16 * len(kept))
    return LiteralList(kept.values())


def _identity(state: RenderState, value: object, case: object) -> object:
    state.spend(8)
    if isinstance(value, str):
        state.spend(len(value) // 16)
        return "text", value if is_true(case) else value.lower()
    if isinstance(value, Number):
        state.spend(len(value.text) // 16)
        return "number", as_number(value)
    if value is None or isinstance(value, bool):
        return "constant", value
    if isinstance(value, int | float):
        return "number", as_number(value)
    raise InvalidValue("lists and objects cannot be compared. Name an attribute.")


def least(state: RenderState, value: object, case: object, attribute: object) -> object:
    """Returns the smallest item."""
    items, keys = _comparable(state, value, case, attribute)
    return items[keys.index(min(keys))]


def greatest(state: RenderState, value: object, case: object, attribute: object) -> object:
    """Returns the largest item."""
    items, keys = _comparable(state, value, case, attribute)
    return items[keys.index(max(keys))]


def _comparable(
    state: RenderState, value: object, case: object, attribute: object
) -> tuple[list[Any], list[Any]]:
    items = _sequence(state, value)
    if not items:
        raise NoItem("the value is empty.")
    return items, _keys(state, items, case, attribute)


def _keys(state: RenderState, items: list[Any], case: object, attribute: object) -> list[Any]:
    """Returns the sort keys of the items. Raises InvalidValue if they cannot be compared."""
    if not isinstance(attribute, str) or "," not in attribute:
        return _column(state, items, case, attribute)
    columns = [_column(state, items, case, name.strip()) for name in attribute.split(",")]
    return list(zip(*columns, strict=True))


def _column(state: RenderState, items: list[Any], case: object, attribute: object) -> list[Any]:
    values: list[Any] = [required_attribute(item, attribute) for item in items]
    state.spend_items(16 * len(values))
    if all(isinstance(value, str) for value in values):
        state.spend(sum(map(len, values)) // 16)
        return values if is_true(case) else [value.lower() for value in values]
    if all(isinstance(value, bool) for value in values):
        return values
    state.spend(sum(len(value.text) for value in values if isinstance(value, Number)) // 16)
    numbers = [as_number(value) for value in values]
    if None in numbers:
        kinds = sorted({type_name(value) for value in values})
        raise InvalidValue(f"{_MIXED} There are {' and '.join(kinds)}.")
    return numbers
