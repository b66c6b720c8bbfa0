"""Compiles expressions into closures. Nodes that are not in the allow-list are rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import nodes

from rowhook.template.escapes import join_texts, to_text
from rowhook.template.faults import InvalidValue, RenderFault
from rowhook.template.filter_calls import compile_call, compile_filter, constant
from rowhook.template.json_values import Literal, LiteralList, LiteralObject, Missing, is_true
from rowhook.template.limits import MAX_DEPTH
from rowhook.template.operators import COMPARISONS, OPERATIONS, negate
from rowhook.template.path_reads import compile_path, read_item, read_slice
from rowhook.template.syntax_nodes import (
    constant_key,
    describe,
    null_expression,
    path_name,
    record_position,
    split_path,
    start_offset,
)
from rowhook.template.type_tests import compile_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowhook.template.compilation import Build
    from rowhook.template.limits import Expression, RenderState

_TUPLE = "Tuples are not supported. Write one expression, or a list in [ ]."
_OTHER = "Unsupported expression. Use values, operators, filters and tests."
_TEXT_OPERATORS = {
    "+": "+ adds numbers. To join texts write ~.",
    "%": "% calculates with numbers. To format a text write 'text %s' | format(value).",
}


def compile_expression(build: Build, node: nodes.Node, *, lenient: bool = False) -> Expression:
    """Compiles an expression. `lenient`: an undefined name is Missing instead of a fault."""
    build.depth += 1
    build.cost += 1
    try:
        if build.depth > MAX_DEPTH:
            build.fault(node.lineno, f"The expression is nested deeper than {MAX_DEPTH} levels.")
            return null_expression
        return _compile(build, node, lenient=lenient)
    finally:
        build.depth -= 1


def compile_truth(build: Build, node: nodes.Node) -> Expression:
    """Compiles an expression that is only tested for truth: an undefined name is false."""
    return compile_expression(build, node, lenient=True)


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
    build.fault(node.lineno, _TUPLE if isinstance(node, nodes.Tuple) else _OTHER)
    return null_expression


def _constant(build: Build, node: nodes.Const) -> Expression:
    return constant(Literal(node.value) if id(node) in build.literals else node.value)


def _call(build: Build, node: nodes.Call) -> Expression:
    return compile_call(build, node, compile_expression)


def _test(build: Build, node: nodes.Test) -> Expression:
    return compile_test(build, node, compile_expression)


def _filter(build: Build, node: nodes.Filter, lenient: bool) -> Expression:  # noqa: FBT001  # _LENIENT_COMPILERS
    return compile_filter(build, node, compile_expression, lenient=lenient)


def _item(build: Build, node: nodes.Getitem | nodes.Getattr, lenient: bool) -> Expression:  # noqa: FBT001  # _LENIENT_COMPILERS
    base = compile_expression(build, node.node, lenient=lenient)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
        return _slice(build, node.arg, base, describe(node.node), lenient=lenient)
    key = constant_key(node)
    if key is not None or isinstance(node, nodes.Getattr):
        key_expression = constant(key)
    else:
        key_expression = compile_expression(build, node.arg)
    return read_item(base, key_expression, describe(node.node), lenient=lenient)


def _slice(
    build: Build, node: nodes.Slice, base: Expression, name: str, *, lenient: bool
) -> Expression:
    start, stop, step = (
        constant(None) if bound is None else compile_expression(build, bound)
        for bound in (node.start, node.stop, node.step)
    )
    return read_slice(base, (start, stop, step), name, lenient=lenient)


def _conditional(build: Build, node: nodes.CondExpr, lenient: bool) -> Expression:  # noqa: FBT001  # _LENIENT_COMPILERS
    test = compile_truth(build, node.test)
    with build.optional_branch():
        if_true = compile_expression(build, node.expr1, lenient=lenient)
        if_false = (
            compile_expression(build, node.expr2, lenient=lenient)
            if node.expr2
            else constant(_without_else(build, node, lenient=lenient))
        )
    return lambda state: if_true(state) if is_true(test(state)) else if_false(state)


def _without_else(build: Build, node: nodes.CondExpr, *, lenient: bool) -> object:
    """Returns the value of an inline `if` without `else` that is false."""
    if lenient:
        return Missing(lambda: RenderFault("An inline if without else has no value here."))
    return Literal("") if id(node) in build.blanks else None


def _and(build: Build, node: nodes.And, lenient: bool) -> Expression:  # noqa: FBT001  # _LENIENT_COMPILERS
    *terms, last = _terms(build, node, nodes.And, lenient=lenient)

    def evaluate_and(state: RenderState) -> object:
        for term in terms:
            value = term(state)
            if not is_true(value):
                if type(value) is Missing and not lenient:
                    raise value.fault()
                return value
        return last(state)

    return evaluate_and


def _or(build: Build, node: nodes.Or, lenient: bool) -> Expression:  # noqa: FBT001  # _LENIENT_COMPILERS
    *terms, last = _terms(build, node, nodes.Or, lenient=lenient)

    def evaluate_or(state: RenderState) -> object:
        for term in terms:
            value = term(state)
            if is_true(value):
                return value
        return last(state)

    return evaluate_or


def _terms(
    build: Build, node: nodes.Node, kind: type[nodes.And | nodes.Or], *, lenient: bool
) -> tuple[Expression, ...]:
    """Compiles the operands; only the last one must be defined, if its value is used."""
    flat: list[nodes.Node] = []
    while isinstance(node, kind):
        flat.append(node.right)
        node = node.left
    first = compile_truth(build, node)
    with build.optional_branch():
        between = [compile_truth(build, term) for term in reversed(flat[1:])]
        return (first, *between, compile_expression(build, flat[0], lenient=lenient))


def _negation(build: Build, node: nodes.Not) -> Expression:
    inner = compile_truth(build, node.node)
    return lambda state: not is_true(inner(state))


def _comparison(build: Build, node: nodes.Compare) -> Expression:
    first = compile_expression(build, node.expr)
    steps = [
        (COMPARISONS[operand.op], compile_expression(build, operand.expr)) for operand in node.ops
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


def _binary(build: Build, node: nodes.BinExpr) -> Expression:
    """Compiles an operator on numbers."""
    sign = str(node.operator)
    operation = OPERATIONS[sign]
    if _has_wrong_operands(build, node, sign):
        return null_expression
    left = compile_expression(build, node.left)
    right = compile_expression(build, node.right)
    name = f"{describe(node.left)} {sign} {describe(node.right)}"
    record_position(build, node, name)
    build.cost += 10 if sign in "+-" else 30

    def calculate(state: RenderState) -> object:
        try:
            return operation(left(state), right(state))
        except InvalidValue as error:
            raise RenderFault(f"{name}: {error}", name) from error

    return calculate


def _has_wrong_operands(build: Build, node: nodes.BinExpr, sign: str) -> bool:
    """Reports operands that are never numbers."""
    misread = _misread_key(build, node)
    if misread:
        build.fault(start_offset(node), misread)
        return True
    for operand in (node.left, node.right):
        is_text = isinstance(operand, nodes.Const) and isinstance(operand.value, str)
        if is_text or isinstance(operand, nodes.List | nodes.Dict | nodes.Concat):
            advice = _TEXT_OPERATORS.get(sign, f"{sign} calculates with numbers.")
            build.fault(node.lineno, advice)
            return True
    return False


def _misread_key(build: Build, node: nodes.BinExpr) -> str | None:
    """Returns the advice for `data.first-name`, which is a subtraction of an unknown name."""
    parts: list[str] = []
    left: nodes.Node = node
    while isinstance(left, nodes.Sub):
        right = left.right
        while isinstance(right, nodes.Filter) and right.node is not None:
            right = right.node
        if not isinstance(right, nodes.Name):
            return None
        if right.name in build.roots or build.variable(right.name):
            return None
        parts.insert(0, right.name)
        left = left.left
    base, keys = split_path(left)
    if not (parts and keys and isinstance(base, nodes.Name)):
        return None
    key = "-".join(map(str, (keys[-1], *parts)))
    path = path_name(base.name, keys[:-1])
    return f"The minus sign subtracts. For a key with a hyphen write {path}['{key}']."


def _sign(build: Build, node: nodes.UnaryExpr) -> Expression:
    inner = compile_expression(build, node.node)
    name = describe(node.node)
    is_negation = isinstance(node, nodes.Neg)
    build.cost += 10

    def signed(state: RenderState) -> object:
        value = inner(state)
        try:
            negated = negate(value)
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
    constants = [item.value for item in node.items if isinstance(item, nodes.Const)]
    if len(constants) == len(items):
        return constant(LiteralList(constants))
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
    nodes.Call: _call,
    nodes.Not: _negation,
    nodes.Compare: _comparison,
    nodes.Add: _binary,
    nodes.Sub: _binary,
    nodes.Mul: _binary,
    nodes.Div: _binary,
    nodes.FloorDiv: _binary,
    nodes.Mod: _binary,
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
    nodes.And: _and,
    nodes.Or: _or,
}
