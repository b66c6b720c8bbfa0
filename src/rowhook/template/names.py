"""Names in a template become closures that read them, or faults that say what was meant."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from jinja2 import nodes

from .faults import nearest
from .limits import MAX_DEPTH
from .lookups import Key, path_name, read_root, read_slot
from .tokens import SECRET_RULE

if TYPE_CHECKING:
    from .build import Build, Loop
    from .frame import Expression, Frame

LOOP_NAMES = ("index", "index0", "first", "last", "length")
_LONGEST = 200
RESERVED = frozenset({"loop", "secret"})


def nothing(frame: Frame) -> object:
    """Stand in for what was refused, so that compiling can go on."""
    del frame
    return None


def constant_key(node: nodes.Node) -> Key | None:
    """Return the key that a subscript names, if it is written out."""
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
    """Return what a chain of written-out keys starts from, and the keys."""
    keys: list[Key] = []
    while (key := constant_key(node)) is not None:
        keys.append(key)
        node = node.node  # type: ignore[attr-defined]  # Getattr and Getitem have it
    return node, tuple(reversed(keys))


def describe(node: nodes.Node) -> str:
    """Return how people would name an expression, for the messages of a render."""
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


def beginning(node: nodes.Node) -> int:
    """Return the offset where an expression begins: a node knows that of its operator or dot."""
    first = node.lineno
    inner: nodes.Node | None = node
    while inner is not None:
        first = min(first, inner.lineno)
        inner = next(inner.iter_child_nodes(), None)
    return first


def stand_at(build: Build, node: nodes.Node, *subjects: str) -> None:
    """Note that these stand where an expression begins; the tree is walked when that is asked."""
    build.stand(partial(beginning, node), *subjects)


def compile_path(build: Build, node: nodes.Node, *, lenient: bool) -> Expression | None:
    """Compile a name with written-out keys; None for what is no such thing."""
    start, keys = split_path(node)
    if not isinstance(start, nodes.Name):
        return None
    if len(keys) > MAX_DEPTH:
        build.fault(node.lineno, f"The path has more than {MAX_DEPTH} keys.")
        return nothing
    build.cost += 1 + len(keys)
    name = start.name
    if not lenient:
        # A render's fault names the path as far as it was found.
        ends = range(len(keys) + 1)
        stand_at(build, start, *(path_name(name, keys[:end]) for end in ends))
    for loop in reversed(build.loops):
        if loop.name == name:
            return read_slot(name, loop.base, keys, lenient=lenient)
    if name == "loop" and build.in_body:
        return _loop_value(build, start, keys)
    if name not in build.roots:
        build.fault(start.lineno, _unknown(build, name[:_LONGEST]))
        return nothing
    path = tuple(str(key) for key in keys) if name in {"data", "context"} else ()
    build.use(name, path, required=not lenient)
    return read_root(name, keys, lenient=lenient)


def _unknown(build: Build, name: str) -> str:
    if name == "secret":
        return SECRET_RULE
    if name == "loop":
        return "loop is only available between for and endfor, not in else."
    known = sorted({*build.roots, *(loop.name for loop in build.loops)})
    meant = nearest(name, known)
    hint = f"Did you mean {meant}?" if meant else f"Use one of {', '.join(known)}."
    return f"Unknown name {name}. {hint}"


def _loop_value(build: Build, node: nodes.Name, keys: tuple[Key, ...]) -> Expression:
    if len(keys) != 1 or keys[0] not in LOOP_NAMES:
        meant = nearest(str(keys[0]), LOOP_NAMES) if keys else None
        hint = f" Did you mean loop.{meant}?" if meant else ""
        build.fault(node.lineno, f"The attributes of loop are {', '.join(LOOP_NAMES)}.{hint}")
        return nothing
    return _loop_reader(build.loops[-1], str(keys[0]))


def _loop_reader(loop: Loop, name: str) -> Expression:
    at, count = loop.base + 1, loop.base + 2
    readers: dict[str, Expression] = {
        "index": lambda frame: frame.slots[at] + 1,  # type: ignore[operator]
        "index0": lambda frame: frame.slots[at],
        "first": lambda frame: frame.slots[at] == 0,
        "last": lambda frame: frame.slots[at] + 1 == frame.slots[count],  # type: ignore[operator]
        "length": lambda frame: frame.slots[count],
    }
    return readers[name]
