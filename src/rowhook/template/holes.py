"""What a template writes, seen from outside: its static text, and the holes that data fills.

For those who reason about a template without rendering it. Pure; it evaluates nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import nodes

from .names import describe, split_path
from .parse import parse
from .source import read_source
from .statements import pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .lookups import Key
    from .source import Source

NO_DEFAULT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """One expression at the outermost level of a template.

    `keys` lead from `root` to a value that is written as it is; `root` is None where it is a
    secret or the value is computed, and `said` names it. `to_json`: it is written through
    `tojson`. `default` is what stands in for a missing value, NO_DEFAULT where that fails.
    """

    root: str | None
    keys: tuple[Key, ...] = ()
    to_json: bool = False
    default: object = NO_DEFAULT
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """An `if` or a `for`. `texts` are the static texts of each of its branches, holes as NUL."""

    said: str
    texts: tuple[str, ...]


def read_holes(source: str) -> tuple[str | Hole | Block, ...]:
    """The pieces of a template that compiles, in order. Raises TemplateFaults."""
    read = read_source(source)
    return tuple(_piece(read, node) for node in pieces(parse(read).body))


def _piece(source: Source, node: nodes.Node) -> str | Hole | Block:
    if isinstance(node, nodes.TemplateData):
        return str(node.data)
    if isinstance(node, nodes.If):
        branches = [node.body, *(one.body for one in node.elif_), node.else_]
        return Block(said="An if tag", texts=tuple(map(_text, branches)))
    if isinstance(node, nodes.For):
        return Block(said="A for tag", texts=(_text(node.body), _text(node.else_)))
    return _hole(source, node)


def _text(body: Sequence[nodes.Node]) -> str:
    return "".join(map(_static, pieces(body)))


def _static(node: nodes.Node) -> str:
    """Of an inner block its branches one after the other: each must be balanced by itself."""
    if isinstance(node, nodes.TemplateData):
        return str(node.data)
    if isinstance(node, nodes.If):
        return _text(node.body) + "".join(_text(one.body) for one in node.elif_) + _text(node.else_)
    if isinstance(node, nodes.For):
        return _text(node.body) + _text(node.else_)
    return "\0"


def _hole(source: Source, node: nodes.Node) -> Hole:
    if isinstance(node, nodes.Name) and node.lineno in source.secrets:
        return Hole(root=None, said="a secret")
    said = describe(node)
    to_json, node = _unwrapped(node, "tojson")
    default: object = NO_DEFAULT
    if isinstance(node, nodes.Filter) and node.name == "default" and node.node is not None:
        if len(node.args) > 1 or node.kwargs:
            return Hole(root=None, said=said)
        default = _constant(node.args[0]) if node.args else ""
        if default is NO_DEFAULT:
            return Hole(root=None, said=said)
        node = node.node
    start, keys = split_path(node)
    if not isinstance(start, nodes.Name):
        return Hole(root=None, said=said)
    return Hole(root=str(start.name), keys=keys, to_json=to_json, default=default, said=said)


def _unwrapped(node: nodes.Node, name: str) -> tuple[bool, nodes.Node]:
    if isinstance(node, nodes.Filter) and node.name == name and node.node is not None:
        return True, node.node
    return False, node


def _constant(node: nodes.Node) -> object:
    if isinstance(node, nodes.Const) and isinstance(node.value, str | bool | int | None):
        return node.value
    if isinstance(node, nodes.List) and not node.items:
        return []
    if isinstance(node, nodes.Dict) and not node.items:
        return {}
    return NO_DEFAULT
