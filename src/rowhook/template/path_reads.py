"""Compiles names with keys, items and slices into closures that read them.

Unknown names are reported with a suggestion.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from jinja2 import nodes

from rowhook.template.faults import RenderFault, closest_match
from rowhook.template.json_values import Missing, type_name
from rowhook.template.limits import MAX_DEPTH, UNSET
from rowhook.template.source import SECRET_RULE
from rowhook.template.syntax_nodes import (
    LOOKUP_ERRORS,
    key_name,
    null_expression,
    path_name,
    record_position,
    split_path,
    start_offset,
)

if TYPE_CHECKING:
    from rowhook.template.compilation import Build, Loop
    from rowhook.template.limits import Expression, RenderState
    from rowhook.template.syntax_nodes import Key

LOOP_NAMES = ("index", "index0", "first", "last", "length")
RESERVED = frozenset({"loop", "secret"})
_LONGEST = 200
# their keys are defined by the platform; missing fields of the other roots are null
_DATA_ROOTS = frozenset({"data", "context"})
# Names of other template engines and of the API, with their equivalents.
_INSTEAD = {
    **dict.fromkeys(("null", "nil", "NULL", "Null", "undefined", "NONE"), "Write none."),
    **dict.fromkeys(("TRUE", "yes", "YES"), "Write true."),
    **dict.fromkeys(("FALSE", "no", "NO"), "Write false."),
    **dict.fromkeys(("now", "utcnow", "today"), "Write timestamp, the time of this attempt."),
    **dict.fromkeys(("output", "result", "payload"), "Write data."),
    **dict.fromkeys(("metadata", "meta"), "Write context."),
    **dict.fromkeys(("range", "dict", "namespace"), "Loop over the data, or over a slice of it."),
    **dict.fromkeys(("secrets", "env", "environ", "vault"), "Write {{secret:<id>}}."),
    "commit": "Write commit_id, committed_at or data.",
}
_Bound = Callable[["RenderState"], object]


def compile_path(build: Build, node: nodes.Node, *, lenient: bool) -> Expression | None:
    """Compiles a name with constant keys; returns None for other expressions."""
    start, keys = split_path(node)
    if not isinstance(start, nodes.Name):
        return None
    if len(keys) > MAX_DEPTH:
        build.fault(node.lineno, f"The path has more than {MAX_DEPTH} keys.")
        return null_expression
    build.cost += 1 + len(keys)
    name = start.name
    if not lenient:
        # The fault of a render names the path up to the missing key.
        ends = range(len(keys) + 1)
        record_position(build, start, *(path_name(name, keys[:end]) for end in ends))
    variable = build.variable(name)
    if variable is not None:
        read = read_variable if variable.is_set else read_slot
        return read(name, variable.slot, keys, lenient=lenient)
    if name == "loop" and build.in_body:
        return _loop_value(build, start, keys)
    if name not in build.roots:
        build.fault(start.lineno, unknown_name(build, name[:_LONGEST]))
        return null_expression
    return _root_value(build, start, keys, lenient=lenient)


def _root_value(
    build: Build, start: nodes.Name, keys: tuple[Key, ...], *, lenient: bool
) -> Expression:
    is_data = start.name in _DATA_ROOTS
    if not is_data:
        build.platform_paths.setdefault((start.name, keys), start_offset(start))
    path = tuple(str(key) for key in keys) if is_data else ()
    build.use(start.name, path, required=not lenient)
    return read_root(start.name, keys, lenient=lenient)


def unknown_name(build: Build, name: str) -> str:
    """Returns the error message of a name that is not defined, with a suggestion."""
    if name == "secret":
        return SECRET_RULE
    if name == "loop":
        return "loop is only available between for and endfor, not in else."
    names = sorted({*build.roots, *build.visible_names()})
    match = closest_match(name, names)
    hint = (
        f"Did you mean {match}?"
        if match
        else f"A field of the data is written data.{name}. The names are {', '.join(names)}."
    )
    return f"Unknown name {name}. {_INSTEAD.get(name, hint)}"


def _loop_value(build: Build, node: nodes.Name, keys: tuple[Key, ...]) -> Expression:
    if len(keys) != 1 or keys[0] not in LOOP_NAMES:
        match = closest_match(str(keys[0]), LOOP_NAMES) if keys else None
        hint = f" Did you mean loop.{match}?" if match else ""
        build.fault(node.lineno, f"The attributes of loop are {', '.join(LOOP_NAMES)}.{hint}")
        return null_expression
    return _loop_reader(build.loops[-1], str(keys[0]))


def _loop_reader(loop: Loop, name: str) -> Expression:
    at, count = loop.index_slot, loop.count_slot
    readers: dict[str, Expression] = {
        "index": lambda state: state.slots[at] + 1,  # type: ignore[operator]
        "index0": lambda state: state.slots[at],
        "first": lambda state: state.slots[at] == 0,
        "last": lambda state: state.slots[at] + 1 == state.slots[count],  # type: ignore[operator]
        "length": lambda state: state.slots[count],
    }
    return readers[name]


def read_root(root: str, keys: tuple[Key, ...], *, lenient: bool) -> Expression:
    """Returns a closure that reads a path from a root variable."""

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
    """Returns a closure that reads a path from a loop variable."""

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
    """Returns a closure that reads a path from a variable of `set`, which may be undefined."""
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
    """Returns a closure for a key that is computed by the render: `data[data.key]`."""

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


def read_slice(
    base: Expression, bounds: tuple[_Bound, _Bound, _Bound], name: str, *, lenient: bool
) -> Expression:
    """Returns a closure for `value[start:stop:step]` of a list or a text."""

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
    """Returns null or Missing for a path that does not exist, or raises a fault that says where."""
    fault = None
    try:
        value = variables[root]  # type: ignore[index]
    except KeyError:
        fault = partial(_not_available, root, keys)
        value = None
    for index, key in enumerate(keys if fault is None else ()):
        if value is None and root not in _DATA_ROOTS:
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
