"""Compiles names into closures that read them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from jinja2 import nodes

from .faults import closest_match
from .limits import MAX_DEPTH
from .lookups import Key, path_name, read_root, read_slot
from .tokens import SECRET_RULE

if TYPE_CHECKING:
    from .build import Build, Loop
    from .frame import Expression, RenderState

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
