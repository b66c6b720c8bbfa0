"""Runs `for` loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rowhook.template.faults import RenderFault
from rowhook.template.render_state import UNSET
from rowhook.template.rendered_output import check_separation
from rowhook.template.values import is_true, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowhook.template.compilation import Loop
    from rowhook.template.render_state import Expression, RenderState, Statement

    Assign = Callable[[list[object], object], None]
    Iterate = Callable[[RenderState, list[object]], None]


_ITEM_COST = 4


class LoopParts(NamedTuple):
    """The compiled parts of a loop.

    `slots` are those of one or two variables, `resets` those of `set` in the body. `is_pairs`: the
    loop goes over keys and values of an object. `checks_ends`: values of two iterations may touch.
    """

    items: Expression
    name: str
    is_pairs: bool
    slots: tuple[int, ...]
    loop: Loop
    resets: tuple[int, ...]
    condition: Expression | None
    body: Statement
    otherwise: Statement
    checks_ends: bool


def run_loop(parts: LoopParts) -> Statement:
    """Return the statement of a loop."""
    body = check_separation(parts.body, parts.name) if parts.checks_ends else parts.body
    assign = _assign_pair(parts) if len(parts.slots) > 1 else _assign_item(parts)
    is_simple = len(parts.slots) == 1 and not parts.resets
    iterate = _each_item(parts, body) if is_simple else _each(parts, body, assign)
    count_slot = parts.loop.count_slot

    def loop(state: RenderState) -> None:
        values = _items(parts, state)
        if parts.condition:
            values = _filter(values, parts.condition, assign, state)
        if not values:
            return parts.otherwise(state)
        state.slots[count_slot] = len(values)
        return iterate(state, values)

    return loop


def _each_item(parts: LoopParts, body: Statement) -> Iterate:
    """Iterate with one variable, the most frequent loop."""
    (item_slot,), index_slot = parts.slots, parts.loop.index_slot

    def iterate(state: RenderState, values: list[object]) -> None:
        slots = state.slots
        for index, item in enumerate(values):
            state.steps_left -= _ITEM_COST
            slots[item_slot] = item
            slots[index_slot] = index
            body(state)

    return iterate


def _each(parts: LoopParts, body: Statement, assign: Assign) -> Iterate:
    """Iterate with two variables, or with variables of `set` in the body."""
    index_slot, resets = parts.loop.index_slot, parts.resets

    def iterate(state: RenderState, values: list[object]) -> None:
        slots = state.slots
        for index, item in enumerate(values):
            state.steps_left -= _ITEM_COST
            assign(slots, item)
            slots[index_slot] = index
            for slot in resets:
                slots[slot] = UNSET
            body(state)

    return iterate


def _assign_item(parts: LoopParts) -> Assign:
    (slot,) = parts.slots

    def assign(slots: list[object], item: object) -> None:
        slots[slot] = item

    return assign


def _assign_pair(parts: LoopParts) -> Assign:
    first, second = parts.slots
    name = parts.name

    def assign(slots: list[object], item: object) -> None:
        if not isinstance(item, list | tuple) or len(item) != 2:  # noqa: PLR2004  # a pair
            raise RenderFault(
                f"{name}: an item is not a list of two values. For the keys and values of an "
                f"object write {name}.items().",
                name,
            )
        slots[first], slots[second] = item

    return assign


def _items(parts: LoopParts, state: RenderState) -> list[object]:
    value, name = parts.items(state), parts.name
    if isinstance(value, dict):
        state.spend_items(len(value))
        return list(value.items() if parts.is_pairs else value)
    if isinstance(value, list) and not parts.is_pairs:
        return value
    if parts.is_pairs:
        raise RenderFault(f"{name} is {type_name(value)}. items needs an object.", name)
    raise RenderFault(f"{name} is {type_name(value)}. A loop needs a list or an object.", name)


def _filter(
    values: list[object], condition: Expression, assign: Assign, state: RenderState
) -> list[object]:
    result: list[object] = []
    for item in values:
        state.spend(_ITEM_COST)
        assign(state.slots, item)
        if is_true(condition(state)):
            result.append(item)
    return result
