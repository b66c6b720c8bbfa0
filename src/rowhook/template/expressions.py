"""Compiles expressions into closures. Nodes that are not in the allow-list are rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import nodes

from rowhook.template import operators
from rowhook.template.escapes import join_texts, to_text
from rowhook.template.faults import InvalidValue, RenderFault
from rowhook.template.filter_calls import compile_filter, compile_test
from rowhook.template.limits import MAX_DEPTH
from rowhook.template.names import (
    compile_path,
    constant_key,
    describe,
    null_expression,
    read_item,
    record_position,
)
from rowhook.template.values import LiteralList, LiteralObject, is_true

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowhook.template.compilation import Build
    from rowhook.template.render_state import Expression, RenderState


_UNSUPPORTED: dict[type[nodes.Node], str] = {
    nodes.Call: "Calls are not supported. To apply a filter, write value | filter.",
    nodes.Tuple: "Tuples are not supported. Write one expression, or a list in [ ].",
    nodes.Slice: "Slices are not supported. Use truncate, first, last or a loop.",
}


def compile_expression(build: Build, node: nodes.Node, *, lenient: bool = False) -> Expression:
    """Compile an expression. `lenient`: an undefined name is MISSING instead of a fault."""
    build.depth += 1
    build.cost += 1
    try:
        if build.depth > MAX_DEPTH:
            build.fault(node.lineno, f"The expression is nested deeper than {MAX_DEPTH} levels.")
            return null_expression
        return _compile(build, node, lenient=lenient)
    finally:
        build.depth -= 1


def _compile(build: Build, node: nodes.Node, *, lenient: bool) -> Expression:
    path = compile_path(build, node, lenient=lenient)
    if path is not None:
        return path
    lenient_compiler = _LENIENT_COMPILERS.get(type(node))
    if lenient_compiler is not None:
        return lenient_compiler(build, node, lenient)
    compiler = _COMPILERS.get(type(node))
    if compiler is not None:
        return compiler(build, node)
    message = _UNSUPPORTED.get(
        type(node), "Unsupported expression. Use values, operators, filters and tests."
    )
    build.fault(node.lineno, message)
    return null_expression


def _constant(build: Build, node: nodes.Const) -> Expression:
    del build
    return constant(node.value)


def _test(build: Build, node: nodes.Test) -> Expression:
    return compile_test(build, node, compile_expression)


def _filter(build: Build, node: nodes.Filter, lenient: bool) -> Expression:  # noqa: FBT001  # _LENIENT_COMPILERS
    return compile_filter(build, node, compile_expression, lenient=lenient)


def constant(value: object) -> Expression:
    """Return the closure of a constant."""
    return lambda _: value


def _item(build: Build, node: nodes.Getitem | nodes.Getattr, lenient: bool) -> Expression:  # noqa: FBT001  # _LENIENT_COMPILERS
    base = compile_expression(build, node.node, lenient=lenient)
    key = constant_key(node)
    if key is not None or isinstance(node, nodes.Getattr):
        key_expression = constant(key)
    else:
        key_expression = compile_expression(build, node.arg)
    return read_item(base, key_expression, describe(node.node), lenient=lenient)


def _conditional(build: Build, node: nodes.CondExpr, lenient: bool) -> Expression:  # noqa: FBT001  # _LENIENT_COMPILERS
    test = compile_expression(build, node.test)
    with build.optional_branch():
        if_true = compile_expression(build, node.expr1, lenient=lenient)
        if_false = (
            compile_expression(build, node.expr2, lenient=lenient) if node.expr2 else constant(None)
        )
    return lambda state: if_true(state) if is_true(test(state)) else if_false(state)


def _and(build: Build, node: nodes.Node) -> Expression:
    terms = _terms(build, node, nodes.And)

    def evaluate_and(state: RenderState) -> object:
        value: object = None
        for term in terms:
            value = term(state)
            if not is_true(value):
                break
        return value

    return evaluate_and


def _or(build: Build, node: nodes.Node) -> Expression:
    terms = _terms(build, node, nodes.Or)

    def evaluate_or(state: RenderState) -> object:
        value: object = None
        for term in terms:
            value = term(state)
            if is_true(value):
                break
        return value

    return evaluate_or


def _terms(
    build: Build, node: nodes.Node, kind: type[nodes.And | nodes.Or]
) -> tuple[Expression, ...]:
    flat: list[nodes.Node] = []
    while isinstance(node, kind):
        flat.append(node.right)
        node = node.left
    first = compile_expression(build, node)
    with build.optional_branch():
        return (first, *(compile_expression(build, term) for term in reversed(flat)))


def _negation(build: Build, node: nodes.Not) -> Expression:
    inner = compile_expression(build, node.node)
    return lambda state: not is_true(inner(state))


def _comparison(build: Build, node: nodes.Compare) -> Expression:
    first = compile_expression(build, node.expr)
    steps = [
        (operators.COMPARISONS[operand.op], compile_expression(build, operand.expr))
        for operand in node.ops
    ]
    name = describe(node.expr)

    def compare_all(state: RenderState) -> object:
        left = first(state)
        try:
            for compare, expression in steps:
                right = expression(state)
                if not compare(left, right, state):
                    return False
                left = right
        except InvalidValue as error:
            raise RenderFault(f"{name}: {error}", name) from error
        return True

    return compare_all


def _sum(
    count: Callable[[object, object], object],
) -> Callable[[Build, nodes.BinExpr], Expression]:
    def compile_sum(build: Build, node: nodes.BinExpr) -> Expression:
        left = compile_expression(build, node.left)
        right = compile_expression(build, node.right)
        name = f"{describe(node.left)} {node.operator} {describe(node.right)}"
        record_position(build, node, name)
        build.cost += 10

        def calculate(state: RenderState) -> object:
            try:
                return count(left(state), right(state))
            except InvalidValue as error:
                raise RenderFault(f"{name}: {error}", name) from error

        return calculate

    return compile_sum


def _sign(build: Build, node: nodes.UnaryExpr) -> Expression:
    inner = compile_expression(build, node.node)
    name = describe(node.node)
    is_negation = isinstance(node, nodes.Neg)
    build.cost += 10

    def signed(state: RenderState) -> object:
        value = inner(state)
        try:
            negated = operators.negate(value)
        except InvalidValue as error:
            raise RenderFault(f"{name}: {error}", name) from error
        return negated if is_negation else value

    return signed


def _concatenation(build: Build, node: nodes.Concat) -> Expression:
    parts = [compile_expression(build, part) for part in node.nodes]

    def join(state: RenderState) -> object:
        try:
            return join_texts([to_text(part(state), state) for part in parts], state)
        except InvalidValue as error:
            raise RenderFault(f"~: {error}") from error

    return join


def _list(build: Build, node: nodes.List) -> Expression:
    items = [compile_expression(build, item) for item in node.items]
    return lambda state: LiteralList(item(state) for item in items)


def _object(build: Build, node: nodes.Dict) -> Expression:
    fields: list[tuple[str, Expression]] = []
    for pair in node.items:
        if isinstance(pair.key, nodes.Const) and isinstance(pair.key.value, str):
            fields.append((pair.key.value, compile_expression(build, pair.value)))
        else:
            build.fault(pair.lineno, "The keys of an object must be strings in quotes.")
    return lambda state: LiteralObject((key, value(state)) for key, value in fields)


_COMPILERS: dict[type[nodes.Node], Callable[[Build, Any], Expression]] = {
    nodes.Const: _constant,
    nodes.Test: _test,
    nodes.And: _and,
    nodes.Or: _or,
    nodes.Not: _negation,
    nodes.Compare: _comparison,
    nodes.Add: _sum(operators.add),
    nodes.Sub: _sum(operators.subtract),
    nodes.Neg: _sign,
    nodes.Pos: _sign,
    nodes.Concat: _concatenation,
    nodes.List: _list,
    nodes.Dict: _object,
}
_LENIENT_COMPILERS: dict[type[nodes.Node], Callable[[Build, Any, bool], Expression]] = {
    nodes.Getitem: _item,
    nodes.Getattr: _item,
    nodes.Filter: _filter,
    nodes.CondExpr: _conditional,
}
