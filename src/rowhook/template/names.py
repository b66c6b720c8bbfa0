"""The names of paths, for messages and for the syntax tree."""

from __future__ import annotations

import re
from ast import literal_eval
from functools import partial
from typing import TYPE_CHECKING

from jinja2 import nodes

if TYPE_CHECKING:
    from rowhook.template.compilation import Build
    from rowhook.template.render_state import RenderState


Key = str | int
# raised for a missing key or index, and for values that have no items
LOOKUP_ERRORS = (KeyError, TypeError, IndexError)
_STEP = re.compile(r"""\.?([^\W\d]\w*)|\[(-?\d+)\]|\[('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]""")
_PATH_NAME = re.compile(rf"[^\W\d]\w*(?:\.[^\W\d]\w*|{_STEP.pattern.partition('|')[2]})*")


def path_name(root: str, keys: tuple[Key, ...]) -> str:
    """Return a path in the syntax of templates."""
    return root + "".join(key_name(key) for key in keys)


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


def key_name(key: Key) -> str:
    """Return a key with its dot or brackets, as it follows a path."""
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if key.isidentifier() else f"[{key!r}]"


_LONGEST = 200


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
