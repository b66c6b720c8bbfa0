"""Looks up names in objects and lists, never attributes or methods."""

from __future__ import annotations

import re
from ast import literal_eval
from typing import TYPE_CHECKING

from .faults import RenderFault, closest_match
from .values import MISSING, Missing, type_name

if TYPE_CHECKING:
    from .frame import Expression, RenderState

Key = str | int
# raised for a missing key or index, and for values that have no items
LOOKUP_ERRORS = (KeyError, TypeError, IndexError)
_STEP = re.compile(r"""\.?([^\W\d]\w*)|\[(-?\d+)\]|\[('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]""")
_PATH_NAME = re.compile(rf"[^\W\d]\w*(?:\.[^\W\d]\w*|{_STEP.pattern.partition('|')[2]})*")
# their keys are defined by the platform; missing fields of the other roots are null
_PLATFORM = frozenset({"data", "context"})


def path_name(root: str, keys: tuple[Key, ...]) -> str:
    """Return a path in the syntax of templates."""
    return root + "".join(_key_name(key) for key in keys)


def read_path_name(text: str) -> tuple[str, tuple[Key, ...]] | None:
    """Return root and keys of a path in the form of `path_name`, else None."""
    if _PATH_NAME.fullmatch(text) is None:
        return None
    root, *steps = _STEP.findall(text)
    return root[0], tuple(_key(*step) for step in steps)


def _key(name: str, position: str, quoted: str) -> Key:
    if position:
        return int(position)
    return str(literal_eval(quoted)) if quoted else name


def _key_name(key: Key) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if key.isidentifier() else f"[{key!r}]"


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


def read_item(base: Expression, key: Expression, name: str, *, lenient: bool) -> Expression:
    """Return a closure for a key that is computed by the render: `data[data.key]`."""

    def read(state: RenderState) -> object:
        value = base(state)
        item_key = key(state)
        if type(value) is Missing:
            return value
        if type(item_key) is not str and type(item_key) is not int:
            raise RenderFault(
                f"{name}[…]: a key must be a string or an integer, not {type_name(item_key)}."
            )
        try:
            return value[item_key]  # type: ignore[index]
        except LOOKUP_ERRORS:
            if lenient:
                return MISSING
            raise RenderFault(f"{name}[…] is not defined: {_reason(value, name)}.") from None

    return read


def _absent(variables: object, root: str, keys: tuple[Key, ...], *, lenient: bool) -> object:
    """Return null or MISSING for a path that does not exist, or raise a fault that says where."""
    try:
        value = variables[root]  # type: ignore[index]
    except KeyError:
        if lenient:
            return MISSING
        name = path_name(root, keys)
        raise RenderFault(f"{name} is not defined: {root} is not available here.", name) from None
    for index, key in enumerate(keys):
        if value is None and root not in _PLATFORM:
            return None
        try:
            value = value[key]
        except LOOKUP_ERRORS:
            if lenient:
                return MISSING
            raise _not_defined(value, root, keys, index) from None
    return value


def _not_defined(value: object, root: str, keys: tuple[Key, ...], index: int) -> RenderFault:
    name = path_name(root, keys[: index + 1])
    parent = path_name(root, keys[:index])
    key = keys[index]
    if isinstance(value, dict) and isinstance(key, str):
        match = closest_match(key, value)
        hint = f"; did you mean {parent}{_key_name(match)}?" if match is not None else "."
        return RenderFault(f"{name} is not defined{hint}", name)
    return RenderFault(f"{name} is not defined: {_reason(value, parent)}.", name)


def _reason(value: object, name: str) -> str:
    if isinstance(value, list | str):
        unit = "items" if isinstance(value, list) else "characters"
        return f"{name} is {type_name(value)} of {len(value)} {unit}"
    if isinstance(value, dict):
        return f"{name} does not have this key"
    return f"{name} is {type_name(value)}"
