"""Resolve names and attribute paths to values; report unknown names with a suggestion."""

from __future__ import annotations

import re
from ast import literal_eval
from functools import partial
from typing import TYPE_CHECKING

from jinja2 import nodes

from rowhook.template.faults import RenderFault, closest_match
from rowhook.template.lexer import SECRET_RULE
from rowhook.template.limits import MAX_DEPTH
from rowhook.template.values import MISSING, Missing, type_name

if TYPE_CHECKING:
    from rowhook.template.compilation import Build, Loop
    from rowhook.template.render_state import Expression, RenderState


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


LOOP_NAMES = ("index", "index0", "first", "last", "length")
_LONGEST = 200
RESERVED = frozenset({"loop", "secret"})


def null_expression(state: RenderState) -> object:
    """Replace a rejected expression, so that compiling can continue."""
    del state
    return None


def constant_key(node: nodes.Node) -> Key | None:
    """Return the key of a subscript, if it is constant."""
    if isinstance(node, nodes.Getattr):
        return str(node.attr)
    if not isinstance(node, nodes.Getitem):
        return None
    key = node.arg
    if isinstance(key, nodes.Neg) and isinstance(key.node, nodes.Const):
        value = key.node.value
        return -value if type(value) is int else None
    value = key.value if isinstance(key, nodes.Const) else None
    return value if type(value) in (int, str) else None


def split_path(node: nodes.Node) -> tuple[nodes.Node, tuple[Key, ...]]:
    """Return the start of a chain of constant keys, and the keys."""
    keys: list[Key] = []
    while (key := constant_key(node)) is not None:
        keys.append(key)
        node = node.node  # type: ignore[attr-defined]  # Getattr and Getitem have it
    return node, tuple(reversed(keys))


def describe(node: nodes.Node) -> str:
    """Return a description of an expression for messages."""
    filters: list[str] = []
    while isinstance(node, nodes.Filter) and node.node is not None:
        filters.append(node.name)
        node = node.node
    start, keys = split_path(node)
    if isinstance(start, nodes.Name):
        filters.append(path_name(start.name, keys))
    elif filters:
        filters.append("…")
    return " | ".join(reversed(filters))[-_LONGEST:] or "an expression"


def start_offset(node: nodes.Node) -> int:
    """Return the offset of an expression; `lineno` is that of its operator or dot."""
    first = node.lineno
    inner: nodes.Node | None = node
    while inner is not None:
        first = min(first, inner.lineno)
        inner = next(inner.iter_child_nodes(), None)
    return first


def record_position(build: Build, node: nodes.Node, *subjects: str) -> None:
    """Record the offset of subjects lazily, because computing it walks the tree."""
    build.record_position(partial(start_offset, node), *subjects)


def compile_path(build: Build, node: nodes.Node, *, lenient: bool) -> Expression | None:
    """Compile a name with constant keys; return None for other expressions."""
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
    for loop in reversed(build.loops):
        if loop.name == name:
            return read_slot(name, loop.base, keys, lenient=lenient)
    if name == "loop" and build.in_body:
        return _loop_value(build, start, keys)
    if name not in build.roots:
        build.fault(start.lineno, _unknown(build, name[:_LONGEST]))
        return null_expression
    path = tuple(str(key) for key in keys) if name in {"data", "context"} else ()
    build.use(name, path, required=not lenient)
    return read_root(name, keys, lenient=lenient)


def _unknown(build: Build, name: str) -> str:
    if name == "secret":
        return SECRET_RULE
    if name == "loop":
        return "loop is only available between for and endfor, not in else."
    known = sorted({*build.roots, *(loop.name for loop in build.loops)})
    match = closest_match(name, known)
    hint = f"Did you mean {match}?" if match else f"Use one of {', '.join(known)}."
    return f"Unknown name {name}. {hint}"


def _loop_value(build: Build, node: nodes.Name, keys: tuple[Key, ...]) -> Expression:
    if len(keys) != 1 or keys[0] not in LOOP_NAMES:
        match = closest_match(str(keys[0]), LOOP_NAMES) if keys else None
        hint = f" Did you mean loop.{match}?" if match else ""
        build.fault(node.lineno, f"The attributes of loop are {', '.join(LOOP_NAMES)}.{hint}")
        return null_expression
    return _loop_reader(build.loops[-1], str(keys[0]))


def _loop_reader(loop: Loop, name: str) -> Expression:
    at, count = loop.base + 1, loop.base + 2
    readers: dict[str, Expression] = {
        "index": lambda state: state.slots[at] + 1,  # type: ignore[operator]
        "index0": lambda state: state.slots[at],
        "first": lambda state: state.slots[at] == 0,
        "last": lambda state: state.slots[at] + 1 == state.slots[count],  # type: ignore[operator]
        "length": lambda state: state.slots[count],
    }
    return readers[name]
