"""Infers how templates use the values of data: as numbers, times, lists or objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from jinja2 import nodes

from rowhook.template.source import parse, read_source
from rowhook.template.syntax_nodes import constant_key

Kind = Literal["number", "index", "time", "list", "pair", "object"]
# The key of an object whose keys no template names.
ANY_KEY = "sample"
_NUMBERS = frozenset({"abs", "int", "float", "round"})
_LISTS = frozenset({"sort", "unique", "selectattr", "rejectattr", "join"})
_ITEMS = frozenset({"first", "last", "min", "max", "sum"})
_SAME = frozenset({"default", "d", "list"})
_CONVERSION = re.compile(r"%[-+ #0-9.]*(?P<code>[a-zA-Z%])")
_ARITHMETIC = (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod)


@dataclass(slots=True)
class Use:
    """The use of a value; `equal` is a constant that it is compared with.

    `item` is how the items of a list, or the values of an object, are used.
    """

    kind: Kind | None = None
    fields: dict[str, Use] = field(default_factory=dict)
    item: Use | None = None
    equal: object = None

    def of(self, kind: Kind) -> Use:
        """Sets the kind, unless there is one, and returns this use."""
        self.kind = self.kind or kind
        return self

    def each(self) -> Use:
        """Returns the use of the items."""
        if self.item is None:
            self.item = Use()
        return self.item

    def at(self, path: Iterable[str]) -> Use | None:
        """Returns the use at a path; a number is the index of an item."""
        here: Use | None = self
        for key in path:
            if here is None:
                return None
            is_index = here.kind == "list" and key.lstrip("-").isdecimal()
            here = here.item if is_index else here.fields.get(key)
        return here

    def attribute(self, path: str) -> Use:
        """Returns the use of a field of fields, such as `address.city`."""
        here = self
        for key in path.split("."):
            here = here.fields.setdefault(key, Use())
        return here


def value_uses(templates: Iterable[str], condition: str | None) -> dict[str, Use]:
    """Returns how `data` and `context` are used by templates and a condition, all of them valid."""
    roots = {"data": Use(), "context": Use()}
    for text in templates:
        _Reader(roots).block(parse(read_source(text)).body)
    if condition is not None:
        is_bare = not condition.lstrip().startswith(("{{", "{%", "{#"))
        text = f"{{{{ {condition} }}}}" if is_bare else condition
        _Reader(roots).block(parse(read_source(text, wrapped=is_bare)).body)
    return roots


class _Reader:
    """Reads statements; `names` are the uses of variables, None for those that are not data."""

    def __init__(self, names: dict[str, Use]) -> None:
        self._names: dict[str, Use | None] = dict(names)

    def block(self, body: list[nodes.Node]) -> None:
        for node in body:
            if isinstance(node, nodes.For):
                self._loop(node)
            elif isinstance(node, nodes.If):
                self._use(node.test)
                for part in (node.body, node.elif_, node.else_):
                    self.block(list(part))
            elif isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
                self._names[node.target.name] = self._use(node.node)
            else:
                self._children(node)

    def _children(self, node: nodes.Node) -> None:
        for child in node.iter_child_nodes():
            self._use(child)

    def _loop(self, node: nodes.For) -> None:
        outer = dict(self._names)
        pairs = self._pairs(node.iter)
        if pairs is not None:
            targets: tuple[Use | None, ...] = (None, pairs.each())
        else:
            looped = self._use(node.iter)
            targets = (None if looped is None else looped.of("list").each(), None)
            if isinstance(node.target, nodes.Tuple) and targets[0] is not None:
                targets = (targets[0].of("pair").each(), targets[0].each())
        names = node.target.items if isinstance(node.target, nodes.Tuple) else [node.target]
        for name, use in zip(names, targets, strict=False):
            self._names[name.name] = use  # type: ignore[attr-defined]  # a Name
        if node.test is not None:
            self._use(node.test)
        self.block(node.body)
        self._names = outer
        self.block(node.else_)

    def _pairs(self, node: nodes.Node) -> Use | None:
        """Returns the use of the object whose keys and values an expression lists."""
        while isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
            node = node.node
        if isinstance(node, nodes.Filter) and node.name in {"items", "list", "sort"}:
            if node.name != "items":
                return None if node.node is None else self._pairs(node.node)
            inner: nodes.Node | None = node.node
        elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
            inner = node.node.node
        else:
            return None
        use = None if inner is None else self._use(inner)
        return Use() if use is None else use.of("object")

    def _use(self, node: nodes.Node) -> Use | None:
        """Returns the use of an expression that is a value of the data, and reads its parts."""
        if isinstance(node, nodes.Name):
            return self._names.get(node.name)
        for kind, read in self._readers():
            if isinstance(node, kind):
                return read(node)
        self._children(node)
        return None

    def _readers(self) -> tuple[tuple[Any, Callable[[Any], Use | None]], ...]:
        return (
            ((nodes.Getattr, nodes.Getitem), self._key),
            (nodes.Filter, self._filter),
            (nodes.Call, self._pairs),
            (nodes.Compare, self._compare),
            (_ARITHMETIC, self._calculate),
            ((nodes.Neg, nodes.Pos), lambda node: self._mark(node.node, "number")),
            ((nodes.Or, nodes.And), lambda node: self._first(node.left, node.right)),
            (nodes.CondExpr, self._inline_if),
        )

    def _mark(self, node: nodes.Node, kind: Kind) -> None:
        use = self._use(node)
        if use is not None:
            use.of(kind)

    def _first(self, *choices: nodes.Node | None) -> Use | None:
        uses = [self._use(node) for node in choices if node is not None]
        return next((use for use in uses if use is not None), None)

    def _inline_if(self, node: nodes.CondExpr) -> Use | None:
        self._use(node.test)
        return self._first(node.expr1, node.expr2)

    def _calculate(self, node: nodes.BinExpr) -> None:
        for side in (node.left, node.right):
            self._mark(side, "number")

    def _key(self, node: nodes.Getattr | nodes.Getitem) -> Use | None:
        base, key = self._use(node.node), constant_key(node)
        argument = node.arg if isinstance(node, nodes.Getitem) else None
        if isinstance(argument, nodes.Slice):
            return base
        if key is None and argument is not None:
            index = self._use(argument)
            if base is None and index is not None:
                index.of("index")
            return None if base is None else base.fields.setdefault(ANY_KEY, Use())
        if base is None:
            return None
        if isinstance(key, int):
            return base.of("list").each()
        return base.fields.setdefault(str(key), Use())

    def _compare(self, node: nodes.Compare) -> None:
        use = self._use(node.expr)
        for operand in node.ops:
            self._use(operand.expr)
            constant = operand.expr.value if isinstance(operand.expr, nodes.Const) else None
            if use is not None and isinstance(constant, int | float) and operand.op != "ne":
                use.of("number")
            if use is not None and operand.op == "eq" and constant is not None:
                use.equal = constant

    def _filter(self, node: nodes.Filter) -> Use | None:
        for argument in (*node.args, *(pair.value for pair in node.kwargs)):
            self._use(argument)
        if node.name == "format":
            self._format(node)
        inner = None if node.node is None else self._use(node.node)
        if inner is None:
            return None
        if node.name in _NUMBERS or node.name == "date":
            inner.of("time" if node.name == "date" else "number")
            return None
        return self._list_filter(node, inner)

    def _list_filter(self, node: nodes.Filter, inner: Use) -> Use | None:
        if node.name in _SAME:
            return inner
        if node.name == "items":
            inner.of("object").each()
            return None
        if node.name not in _LISTS | _ITEMS | {"map"}:
            return None
        item = inner.of("list").each()
        names = _texts(node)
        if names:
            item = item.attribute(names[0])
        if node.name in {"selectattr", "rejectattr"} and names[1:2] == ["eq"]:
            item.equal = next(iter(names[2:]), None)
        if node.name == "sum":
            item.of("number")
        if node.name == "map":
            return Use(kind="list", item=item)
        return inner if node.name in _LISTS else inner.each()

    def _format(self, node: nodes.Filter) -> None:
        text = node.node.value if isinstance(node.node, nodes.Const) else ""
        codes = [match["code"] for match in _CONVERSION.finditer(str(text))]
        for code, argument in zip([code for code in codes if code != "%"], node.args, strict=False):
            if code != "s":
                self._mark(argument, "number")


def _texts(node: nodes.Filter) -> list[str]:
    """Returns the constant texts of a filter's `attribute` and arguments, but no separators."""
    named = [pair.value for pair in node.kwargs if pair.key == "attribute"]
    positional = list(node.args) if node.name in {"selectattr", "rejectattr"} else []
    return [
        argument.value
        for argument in (*named, *positional)
        if isinstance(argument, nodes.Const) and isinstance(argument.value, str)
    ]
