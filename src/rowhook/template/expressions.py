"""Expressions become closures, by an allow-list of nodes: what is not listed is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import nodes

from . import operators
from .apply import compile_filter, compile_test
from .faults import Misfit, RenderFault
from .limits import MAX_DEPTH
from .lookups import read_item
from .names import compile_path, constant_key, describe, nothing, stand_at
from .texts import joined, text_of
from .values import MadeList, MadeObject, truth

if TYPE_CHECKING:
    from collections.abc import Callable

    from .build import Build
    from .frame import Expression, Frame

_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Call: "Calls are not supported. To apply a filter, write value | filter.",
    nodes.Tuple: "Tuples are not supported. Write one expression, or a list in [ ].",
    nodes.Slice: "Slices are not supported. Use truncate, first, last or a loop.",
}


def compile_expression(build: Build, node: nodes.Node, *, lenient: bool = False) -> Expression:
    """Compile one expression. `lenient`: an undefined name gives MISSING instead of a fault."""
    build.depth += 1
    build.cost += 1
    try:
        if build.depth > MAX_DEPTH:
            build.fault(node.lineno, f"The expression is nested deeper than {MAX_DEPTH} levels.")
            return nothing
        return _compile(build, node, lenient=lenient)
    finally:
        build.depth -= 1


def _compile(build: Build, node: nodes.Node, *, lenient: bool) -> Expression:
    path = compile_path(build, node, lenient=lenient)
    if path is not None:
        return path
    may_miss = _MAY_MISS.get(type(node))
    if may_miss is not None:
        return may_miss(build, node, lenient)
    compiler = _COMPILERS.get(type(node))
    if compiler is not None:
        return compiler(build, node)
    message = _REFUSED.get(
        type(node), "Unsupported expression. Use values, operators, filters and tests."
    )
    build.fault(node.lineno, message)
    return nothing


def _constant(build: Build, node: nodes.Const) -> Expression:
    del build
    return constant(node.value)


def _test(build: Build, node: nodes.Test) -> Expression:
    return compile_test(build, node, compile_expression)


def _filter(build: Build, node: nodes.Filter, lenient: bool) -> Expression:  # noqa: FBT001  # _MAY_MISS
    return compile_filter(build, node, compile_expression, lenient=lenient)


def constant(value: object) -> Expression:
    """Return the closure of a written value."""
    return lambda _: value


def _item(build: Build, node: nodes.Getitem | nodes.Getattr, lenient: bool) -> Expression:  # noqa: FBT001  # _MAY_MISS
    base = compile_expression(build, node.node, lenient=lenient)
    key = constant_key(node)
    if key is not None or isinstance(node, nodes.Getattr):
        wanted = constant(key)
    else:
        wanted = compile_expression(build, node.arg)
    return read_item(base, wanted, describe(node.node), lenient=lenient)


def _choice(build: Build, node: nodes.CondExpr, lenient: bool) -> Expression:  # noqa: FBT001  # _MAY_MISS
    test = compile_expression(build, node.test)
    with build.perhaps():
        chosen = compile_expression(build, node.expr1, lenient=lenient)
        other = (
            compile_expression(build, node.expr2, lenient=lenient) if node.expr2 else constant(None)
        )
    return lambda frame: chosen(frame) if truth(test(frame)) else other(frame)


def _both(build: Build, node: nodes.Node) -> Expression:
    terms = _terms(build, node, nodes.And)

    def both(frame: Frame) -> object:
        value: object = None
        for term in terms:
            value = term(frame)
            if not truth(value):
                break
        return value

    return both


def _either(build: Build, node: nodes.Node) -> Expression:
    terms = _terms(build, node, nodes.Or)

    def either(frame: Frame) -> object:
        value: object = None
        for term in terms:
            value = term(frame)
            if truth(value):
                break
        return value

    return either


def _terms(
    build: Build, node: nodes.Node, kind: type[nodes.And | nodes.Or]
) -> tuple[Expression, ...]:
    flat: list[nodes.Node] = []
    while isinstance(node, kind):
        flat.append(node.right)
        node = node.left
    first = compile_expression(build, node)
    with build.perhaps():
        return (first, *(compile_expression(build, term) for term in reversed(flat)))


def _negation(build: Build, node: nodes.Not) -> Expression:
    inner = compile_expression(build, node.node)
    return lambda frame: not truth(inner(frame))


def _comparison(build: Build, node: nodes.Compare) -> Expression:
    first = compile_expression(build, node.expr)
    steps = [
        (operators.COMPARISONS[operand.op], compile_expression(build, operand.expr))
        for operand in node.ops
    ]
    name = describe(node.expr)

    def compared(frame: Frame) -> object:
        left = first(frame)
        try:
            for compare, expression in steps:
                right = expression(frame)
                if not compare(left, right, frame):
                    return False
                left = right
        except Misfit as error:
            raise RenderFault(f"{name}: {error}", name) from error
        return True

    return compared


def _sum(
    count: Callable[[object, object], object],
) -> Callable[[Build, nodes.BinExpr], Expression]:
    def compile_sum(build: Build, node: nodes.BinExpr) -> Expression:
        left = compile_expression(build, node.left)
        right = compile_expression(build, node.right)
        name = f"{describe(node.left)} {node.operator} {describe(node.right)}"
        stand_at(build, node, name)
        build.cost += 10

        def counted(frame: Frame) -> object:
            try:
                return count(left(frame), right(frame))
            except Misfit as error:
                raise RenderFault(f"{name}: {error}", name) from error

        return counted

    return compile_sum


def _signed(build: Build, node: nodes.UnaryExpr) -> Expression:
    inner = compile_expression(build, node.node)
    name = describe(node.node)
    turns = isinstance(node, nodes.Neg)
    build.cost += 10

    def signed(frame: Frame) -> object:
        value = inner(frame)
        try:
            turned = operators.negate(value)
        except Misfit as error:
            raise RenderFault(f"{name}: {error}", name) from error
        return turned if turns else value

    return signed


def _joined(build: Build, node: nodes.Concat) -> Expression:
    parts = [compile_expression(build, part) for part in node.nodes]

    def join(frame: Frame) -> object:
        try:
            return joined([text_of(part(frame), frame) for part in parts], frame)
        except Misfit as error:
            raise RenderFault(f"~: {error}") from error

    return join


def _list(build: Build, node: nodes.List) -> Expression:
    items = [compile_expression(build, item) for item in node.items]
    return lambda frame: MadeList(item(frame) for item in items)


def _object(build: Build, node: nodes.Dict) -> Expression:
    fields: list[tuple[str, Expression]] = []
    for pair in node.items:
        if isinstance(pair.key, nodes.Const) and isinstance(pair.key.value, str):
            fields.append((pair.key.value, compile_expression(build, pair.value)))
        else:
            build.fault(pair.lineno, "The keys of an object must be strings in quotes.")
    return lambda frame: MadeObject((key, value(frame)) for key, value in fields)


_COMPILERS: dict[type[nodes.Node], Callable[[Build, Any], Expression]] = {
    nodes.Const: _constant,
    nodes.Test: _test,
    nodes.And: _both,
    nodes.Or: _either,
    nodes.Not: _negation,
    nodes.Compare: _comparison,
    nodes.Add: _sum(operators.add),
    nodes.Sub: _sum(operators.subtract),
    nodes.Neg: _signed,
    nodes.Pos: _signed,
    nodes.Concat: _joined,
    nodes.List: _list,
    nodes.Dict: _object,
}
_MAY_MISS: dict[type[nodes.Node], Callable[[Build, Any, bool], Expression]] = {
    nodes.Getitem: _item,
    nodes.Getattr: _item,
    nodes.Filter: _filter,
    nodes.CondExpr: _choice,
}
