"""How names find values: items of objects and lists, never attributes or methods."""

from __future__ import annotations

import re
from ast import literal_eval
from typing import TYPE_CHECKING

from .faults import RenderFault, nearest
from .values import MISSING, Missing, kind

if TYPE_CHECKING:
    from .frame import Expression, Frame

Key = str | int
# a text has no key, null has no items, a list no fifth item
ABSENT = (KeyError, TypeError, IndexError)
_STEP = re.compile(r"""\.?([^\W\d]\w*)|\[(-?\d+)\]|\[('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]""")
_PATH_NAME = re.compile(rf"[^\W\d]\w*(?:\.[^\W\d]\w*|{_STEP.pattern.partition('|')[2]})*")
# of these the fields are ours: a name without a value is null. Data's fields are the platform's
_PLATFORM = frozenset({"data", "context"})


def path_name(root: str, keys: tuple[Key, ...]) -> str:
    """Return how a path is written in a template."""
    return root + "".join(_key_name(key) for key in keys)


def read_path_name(text: str) -> tuple[str, tuple[Key, ...]] | None:
    """Return root and keys of what `path_name` wrote; None for any other text."""
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
    """Return the closure that reads a path from a root variable."""

    def absent(frame: Frame) -> object:
        return _absent(frame.variables, root, keys, lenient=lenient)

    if len(keys) == 1:
        (only,) = keys

        def read_one(frame: Frame) -> object:
            try:
                return frame.variables[root][only]  # type: ignore[index]
            except ABSENT:
                return absent(frame)

        return read_one

    def read_more(frame: Frame) -> object:
        try:
            value = frame.variables[root]
            for key in keys:
                value = value[key]  # type: ignore[index]
        except ABSENT:
            return absent(frame)
        return value

    return read_more


def read_slot(name: str, slot: int, keys: tuple[Key, ...], *, lenient: bool) -> Expression:
    """Return the closure that reads a path from a loop's variable."""

    def read(frame: Frame) -> object:
        value = frame.slots[slot]
        try:
            for key in keys:
                value = value[key]  # type: ignore[index]
        except ABSENT:
            return _absent({name: frame.slots[slot]}, name, keys, lenient=lenient)
        return value

    return read


def read_item(base: Expression, key: Expression, name: str, *, lenient: bool) -> Expression:
    """Return the closure for a key that is only known when rendering: `data[data.key]`."""

    def read(frame: Frame) -> object:
        value = base(frame)
        wanted = key(frame)
        if type(value) is Missing:
            return value
        if type(wanted) is not str and type(wanted) is not int:
            raise RenderFault(
                f"{name}[…]: a key must be a string or an integer, not {kind(wanted)}."
            )
        try:
            return value[wanted]  # type: ignore[index]
        except ABSENT:
            if lenient:
                return MISSING
            raise RenderFault(f"{name}[…] is not defined: {_reason(value, name)}.") from None

    return read


def _absent(variables: object, root: str, keys: tuple[Key, ...], *, lenient: bool) -> object:
    """Answer a path that was not found: null, MISSING, or the fault that says where it ends."""
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
        except ABSENT:
            if lenient:
                return MISSING
            raise _not_defined(value, root, keys, index) from None
    return value


def _not_defined(value: object, root: str, keys: tuple[Key, ...], index: int) -> RenderFault:
    name = path_name(root, keys[: index + 1])
    parent = path_name(root, keys[:index])
    key = keys[index]
    if isinstance(value, dict) and isinstance(key, str):
        meant = nearest(key, value)
        hint = f"; did you mean {parent}{_key_name(meant)}?" if meant is not None else "."
        return RenderFault(f"{name} is not defined{hint}", name)
    return RenderFault(f"{name} is not defined: {_reason(value, parent)}.", name)


def _reason(value: object, name: str) -> str:
    if isinstance(value, list | str):
        unit = "items" if isinstance(value, list) else "characters"
        return f"{name} is {kind(value)} of {len(value)} {unit}"
    if isinstance(value, dict):
        return f"{name} has no such key"
    return f"{name} is {kind(value)}"
