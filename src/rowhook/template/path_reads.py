"""Closures that read values by root, loop variable, key, index and slice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from rowhook.template.faults import RenderFault, closest_match
from rowhook.template.names import LOOKUP_ERRORS, key_name, path_name
from rowhook.template.render_state import UNSET
from rowhook.template.values import Missing, type_name

if TYPE_CHECKING:
    from rowhook.template.names import Key
    from rowhook.template.render_state import Expression, RenderState


# their keys are defined by the platform; missing fields of the other roots are null
_PLATFORM = frozenset({"data", "context"})


def read_root(root: str, keys: tuple[Key, ...], *, lenient: bool) -> Expression:
    """Return a closure that reads a path from a root variable."""

    def absent(state: RenderState) -> object:
        return _absent(state.variables, root, keys, lenient=lenient)

    if len(keys) == 1:
        (key,) = keys

        def read_one(state: RenderState) -> object:
            try:
                return state.variables[root][key]  # type: ignore[index]
            except LOOKUP_ERRORS:
                return absent(state)

        return read_one

    def read_more(state: RenderState) -> object:
        try:
            value = state.variables[root]
            for key in keys:
                value = value[key]  # type: ignore[index]
        except LOOKUP_ERRORS:
            return absent(state)
        return value

    return read_more


def read_slot(name: str, slot: int, keys: tuple[Key, ...], *, lenient: bool) -> Expression:
    """Return a closure that reads a path from a loop variable."""

    def read(state: RenderState) -> object:
        value = state.slots[slot]
        try:
            for key in keys:
                value = value[key]  # type: ignore[index]
        except LOOKUP_ERRORS:
            return _absent({name: state.slots[slot]}, name, keys, lenient=lenient)
        return value

    return read


def read_variable(name: str, slot: int, keys: tuple[Key, ...], *, lenient: bool) -> Expression:
    """Return a closure that reads a path from a variable of `set`, which may be undefined."""
    read_keys = read_slot(name, slot, keys, lenient=lenient)

    def read(state: RenderState) -> object:
        value = state.slots[slot]
        if value is UNSET:
            value = Missing(partial(_not_set, name))
        if type(value) is not Missing:
            return read_keys(state)
        if lenient:
            return value
        raise value.fault()

    return read


def _not_set(name: str) -> RenderFault:
    message = f"{name} is not defined: the branch that sets it was not taken."
    return RenderFault(message, name)


def read_item(base: Expression, key: Expression, name: str, *, lenient: bool) -> Expression:
    """Return a closure for a key that is computed by the render: `data[data.key]`."""

    def read(state: RenderState) -> object:
        value = base(state)
        item_key = key(state)
        if type(value) is Missing:
            return value
        if not isinstance(item_key, str) and type(item_key) is not int:
            raise RenderFault(
                f"{name}[…]: a key must be a string or an integer, not {type_name(item_key)}."
            )
        try:
            return value[item_key]  # type: ignore[index]
        except LOOKUP_ERRORS:
            fault = partial(_no_item, value, name)
            if lenient:
                return Missing(fault)
            raise fault() from None

    return read


def _no_item(value: object, name: str) -> RenderFault:
    return RenderFault(f"{name}[…] is not defined: {_reason(value, name)}.")


_Bound = Callable[["RenderState"], object]


def read_slice(
    base: Expression, bounds: tuple[_Bound, _Bound, _Bound], name: str, *, lenient: bool
) -> Expression:
    """Return a closure for `value[start:stop:step]` of a list or a text."""

    def read(state: RenderState) -> object:
        value = base(state)
        if type(value) is Missing:
            if lenient:
                return value
            raise value.fault()
        if not isinstance(value, str | list):
            raise RenderFault(
                f"{name}[…:…]: a slice needs a list or a string, not {type_name(value)}."
            )
        start, stop, step = (bound(state) for bound in bounds)
        for limit in (start, stop, step):
            if limit is not None and type(limit) is not int:
                raise RenderFault(
                    f"{name}[…:…]: a bound must be an integer, not {type_name(limit)}."
                )
        if step == 0:
            raise RenderFault(f"{name}[…:…]: the step must not be 0.")
        part = value[start:stop:step]  # type: ignore[index]  # integers or None
        (state.spend_items if isinstance(part, list) else state.spend_text)(len(part))
        return part

    return read


def _absent(variables: object, root: str, keys: tuple[Key, ...], *, lenient: bool) -> object:
    """Return null or Missing for a path that does not exist, or raise a fault that says where."""
    fault = None
    try:
        value = variables[root]  # type: ignore[index]
    except KeyError:
        fault = partial(_not_available, root, keys)
        value = None
    for index, key in enumerate(keys if fault is None else ()):
        if value is None and root not in _PLATFORM:
            return None
        try:
            value = value[key]
        except LOOKUP_ERRORS:
            fault = partial(_not_defined, value, root, keys, index)
            break
    if fault is None:
        return value
    if lenient:
        return Missing(fault)
    raise fault() from None


def _not_available(root: str, keys: tuple[Key, ...]) -> RenderFault:
    name = path_name(root, keys)
    return RenderFault(f"{name} is not defined: {root} is not available here.", name)


def _not_defined(value: object, root: str, keys: tuple[Key, ...], index: int) -> RenderFault:
    name = path_name(root, keys[: index + 1])
    parent = path_name(root, keys[:index])
    key = keys[index]
    if isinstance(value, dict) and isinstance(key, str):
        match = closest_match(key, value)
        hint = f"; did you mean {parent}{key_name(match)}?" if match is not None else "."
        return RenderFault(f"{name} is not defined{hint}", name)
    return RenderFault(f"{name} is not defined: {_reason(value, parent)}.", name)


def _reason(value: object, name: str) -> str:
    if isinstance(value, list | str):
        unit = "items" if isinstance(value, list) else "characters"
        return f"{name} is {type_name(value)} of {len(value)} {unit}"
    if isinstance(value, dict):
        return f"{name} does not have this key"
    return f"{name} is {type_name(value)}"
