"""Splits a template into static text, placeholders and blocks, for analysis without rendering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import nodes

from rowhook.template.blocks import flatten_outputs
from rowhook.template.outputs import outcomes
from rowhook.template.source import parse, read_source
from rowhook.template.syntax_nodes import describe, split_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowhook.template.source import Source
    from rowhook.template.syntax_nodes import Key

NO_DEFAULT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """An expression at the outermost level of a template.

    `root` and `keys` are the path of a value that is written unchanged; `root` is None for a secret
    or a computed value. `description` is for messages. `to_json`: the value is written with
    `tojson`. `default` replaces a missing value; NO_DEFAULT if rendering fails then.
    """

    root: str | None
    keys: tuple[Key, ...] = ()
    to_json: bool = False
    default: object = NO_DEFAULT
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """An `if` or `for` tag. `texts` are the static texts of its branches; placeholders are NUL."""

    description: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop(Block):
    """A `for` tag. `items` is its iterable, `body` the parts of its body.

    `variable` is None for the two variables of a loop over pairs. `is_filtered`: the tag has an
    `if`.
    """

    variable: str | None
    items: Placeholder
    body: tuple[str | Placeholder | Block, ...]
    is_filtered: bool


_COMMAS = frozenset({"", ","})


def read_parts(source: str) -> tuple[str | Placeholder | Block, ...]:
    """Returns the parts of a valid template, in order. Raises TemplateFaults."""
    parsed = read_source(source)
    return _parts(parsed, parse(parsed).body)


def _parts(source: Source, body: Sequence[nodes.Node]) -> tuple[str | Placeholder | Block, ...]:
    return tuple(_part(source, node) for node in flatten_outputs(body))


def _part(source: Source, node: nodes.Node) -> str | Placeholder | Block:
    if isinstance(node, nodes.TemplateData):
        return str(node.data)
    if isinstance(node, nodes.Assign):
        return ""
    if isinstance(node, nodes.If):
        branches = [node.body, *(branch.body for branch in node.elif_), node.else_]
        return Block(description="An if tag", texts=tuple(map(_text, branches)))
    if isinstance(node, nodes.For):
        return _loop(source, node)
    if _is_comma(node):
        return Block(description="A comma", texts=(",", ""))
    return _placeholder(source, node)


def _is_comma(node: nodes.Node) -> bool:
    """Returns whether an expression writes a comma or nothing, as `"," if not loop.last`."""
    results = outcomes(node)
    return (
        not results.has_value and {str(leaf.value).strip() for leaf in results.literals} <= _COMMAS
    )


def _loop(source: Source, node: nodes.For) -> Loop:
    return Loop(
        description="A for tag",
        texts=(_text(node.body), _text(node.else_)),
        variable=str(node.target.name) if isinstance(node.target, nodes.Name) else None,
        items=_placeholder(source, node.iter),
        body=_parts(source, node.body),
        is_filtered=node.test is not None,
    )


def _text(body: Sequence[nodes.Node]) -> str:
    return "".join(map(_static, flatten_outputs(body)))


def _static(node: nodes.Node) -> str:
    """Returns the static text of a node; the branches of a block are concatenated."""
    if isinstance(node, nodes.TemplateData):
        return str(node.data)
    if isinstance(node, nodes.If):
        return (
            _text(node.body)
            + "".join(_text(branch.body) for branch in node.elif_)
            + _text(node.else_)
        )
    if isinstance(node, nodes.For):
        return _text(node.body) + _text(node.else_)
    if isinstance(node, nodes.Assign):
        return ""
    return "," if _is_comma(node) else "\0"


def _placeholder(source: Source, node: nodes.Node) -> Placeholder:
    if isinstance(node, nodes.Name) and node.lineno in source.secrets:
        return Placeholder(root=None, description="a secret")
    description = describe(node)
    to_json, node = _unwrap_filter(node, "tojson")
    default: object = NO_DEFAULT
    if isinstance(node, nodes.Filter) and node.name in {"default", "d"} and node.node is not None:
        if len(node.args) > 1 or node.kwargs:
            return Placeholder(root=None, description=description)
        default = _constant(node.args[0]) if node.args else ""
        if default is NO_DEFAULT:
            return Placeholder(root=None, description=description)
        node = node.node
    start, keys = split_path(node)
    if not isinstance(start, nodes.Name):
        return Placeholder(root=None, description=description)
    return Placeholder(
        root=str(start.name), keys=keys, to_json=to_json, default=default, description=description
    )


def _unwrap_filter(node: nodes.Node, name: str) -> tuple[bool, nodes.Node]:
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
