"""Reads nodes of Jinja's syntax tree without data: paths, positions and constant values."""

from __future__ import annotations

import operator
import re
from ast import literal_eval
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from jinja2 import nodes

if TYPE_CHECKING:
    from rowhook.template.compilation import Build
    from rowhook.template.limits import RenderState

    Truth = Callable[[nodes.Node], bool]

Key = str | int
# raised for a missing key or index, and for values that have no items
LOOKUP_ERRORS = (KeyError, TypeError, IndexError)
_STEP = re.compile(r"""\.?([^\W\d]\w*)|\[(-?\d+)\]|\[('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]""")
_PATH_NAME = re.compile(rf"[^\W\d]\w*(?:\.[^\W\d]\w*|{_STEP.pattern.partition('|')[2]})*")
_LONGEST = 200
UNKNOWN: Any = object()
Names = dict[str, Any]
_SAME_ITEMS = frozenset({"list", "sort", "items", "default", "d"})
# squares of squares would otherwise grow without bound
_LARGE = 10**9
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
}


def path_name(root: str, keys: tuple[Key, ...]) -> str:
    """Returns a path in the syntax of templates."""
    return root + "".join(key_name(key) for key in keys)


def read_path_name(text: str) -> tuple[str, tuple[Key, ...]] | None:
    """Returns root and keys of a path in the form of `path_name`, else None."""
    if _PATH_NAME.fullmatch(text) is None:
        return None
    root, *steps = _STEP.findall(text)
    return root[0], tuple(_key(*step) for step in steps)


def _key(name: str, position: str, quoted: str) -> Key:
    if position:
        return int(position)
    return str(literal_eval(quoted)) if quoted else name


def key_name(key: Key) -> str:
    """Returns a key with its dot or brackets, as it follows a path."""
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if key.isidentifier() else f"[{key!r}]"


def null_expression(state: RenderState) -> object:
    """Replaces a rejected expression, so that compiling can continue."""
    del state
    return None


def constant_key(node: nodes.Node) -> Key | None:
    """Returns the key of a subscript, if it is constant."""
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
    """Returns the start of a chain of constant keys, and the keys."""
    keys: list[Key] = []
    while (key := constant_key(node)) is not None:
        keys.append(key)
        node = node.node  # type: ignore[attr-defined]  # Getattr and Getitem have it
    return node, tuple(reversed(keys))


def describe(node: nodes.Node) -> str:
    """Returns a description of an expression for messages."""
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
    """Returns the offset of an expression; `lineno` is that of its operator or dot."""
    first = node.lineno
    inner: nodes.Node | None = node
    while inner is not None:
        first = min(first, inner.lineno)
        inner = next(inner.iter_child_nodes(), None)
    return first


def record_position(build: Build, node: nodes.Node, *subjects: str) -> None:
    """Records the offset of subjects lazily, because computing it walks the tree."""
    build.record_position(partial(start_offset, node), *subjects)


def constant_value(node: nodes.Node, names: Names, truth: Truth) -> Any:
    """Returns the value of an expression, or UNKNOWN; `truth` decides conditions on data."""
    if isinstance(node, nodes.Const):
        return node.value
    if isinstance(node, nodes.Name | nodes.Getattr):
        return _name(node, names)
    if isinstance(node, nodes.Filter):
        return _filtered(node, names, truth)
    if isinstance(node, nodes.CondExpr | nodes.Or | nodes.And):
        branch = _branch(node, truth)
        return None if branch is None else constant_value(branch, names, truth)
    return _evaluated(node, names, truth)


def looped_value(node: nodes.Node) -> nodes.Node:
    """Returns the list or object that a slice, `items` or the like of it has items of."""
    inner: nodes.Node | None = node
    while inner is not None:
        node, inner = inner, _same_items(inner)
    return node


def _same_items(node: nodes.Node) -> nodes.Node | None:
    if isinstance(node, nodes.Filter):
        return node.node if node.name in _SAME_ITEMS else None
    if isinstance(node, nodes.Getitem):
        return node.node if isinstance(node.arg, nodes.Slice) else None
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        return node.node.node
    return node.left if isinstance(node, nodes.Or) else None


def length_name(node: nodes.Node) -> str:
    """Returns the name in `names` of the number of items of a list or object."""
    return f"length of {looped_value(node)!r}"


def _filtered(node: nodes.Filter, names: Names, truth: Truth) -> Any:
    if node.name in {"default", "d"}:
        return _default(node, names, truth)
    if node.name in {"length", "count"} and node.node is not None:
        return names.get(length_name(node.node), UNKNOWN)
    return UNKNOWN


def _branch(node: nodes.CondExpr | nodes.Or | nodes.And, truth: Truth) -> nodes.Expr | None:
    if isinstance(node, nodes.CondExpr):
        return node.expr1 if truth(node.test) else node.expr2
    decides = truth(node.left) is isinstance(node, nodes.Or)
    return node.left if decides else node.right


def _evaluated(node: nodes.Node, names: Names, truth: Truth) -> Any:
    if isinstance(node, nodes.Not):
        inner = constant_value(node.node, names, truth)
        return UNKNOWN if inner is UNKNOWN else not inner
    if isinstance(node, nodes.BinExpr):
        return _calculated(node.operator, [node.left, node.right], names, truth)
    if isinstance(node, nodes.Compare) and len(node.ops) == 1:
        return _calculated(node.ops[0].op, [node.expr, node.ops[0].expr], names, truth)
    return UNKNOWN


def _name(node: nodes.Node, names: Names) -> Any:
    start, keys = split_path(node)
    name = start.name if isinstance(start, nodes.Name) else ""
    return names.get(".".join([name, *map(str, keys)]), UNKNOWN)


def _default(node: nodes.Filter, names: Names, truth: Truth) -> Any:
    """Returns the value, or its default, which is a separate decision."""
    inner = node.node
    value = UNKNOWN if inner is None else constant_value(inner, names, truth)
    if value is not UNKNOWN and value is not None:
        return value
    is_defined = nodes.Test(inner, "defined", [], [], None, None, lineno=node.lineno)
    if inner is not None and truth(is_defined):
        return value
    return constant_value(node.args[0], names, truth) if node.args else ""


def _calculated(sign: str, operands: list[nodes.Expr], names: Names, truth: Truth) -> Any:
    values = [constant_value(operand, names, truth) for operand in operands]
    apply = _OPERATORS.get(sign)
    if apply is None or not all(isinstance(value, int) and abs(value) < _LARGE for value in values):
        return UNKNOWN
    if sign in {"//", "%"} and not values[1]:
        return UNKNOWN
    return apply(*values)
