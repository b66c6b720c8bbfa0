"""Compiles blocks, `if` and `for`. Other statements are rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from rowhook.template.compilation import Loop
from rowhook.template.expressions import compile_expression
from rowhook.template.faults import RenderFault
from rowhook.template.names import RESERVED, describe
from rowhook.template.output_context import VALUE, merge
from rowhook.template.pieces import compile_output, compile_text
from rowhook.template.render_state import output_exceeded, steps_exceeded
from rowhook.template.url_parts import Part
from rowhook.template.values import is_true, type_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowhook.template.compilation import Build
    from rowhook.template.output_context import LexerState
    from rowhook.template.render_state import Expression, RenderState, Statement


_ITEM_COST = 4


def flatten_outputs(body: Sequence[nodes.Node]) -> list[nodes.Node]:
    """Return the nodes of a body, with output nodes replaced by their children."""
    return [
        inner
        for node in body
        for inner in (node.nodes if isinstance(node, nodes.Output) else [node])
    ]


def compile_block(
    build: Build, body: Sequence[nodes.Node], lexer_state: LexerState
) -> tuple[Statement, LexerState]:
    """Compile consecutive nodes; return the statement and the lexer state after it."""
    outer, build.cost = build.cost, 1
    statements: list[Statement] = []
    children = flatten_outputs(body)
    for node in children:
        statement, lexer_state = compile_node(build, node, lexer_state, Part.REST)
        statements.append(statement)
    block = sequence(statements, build.cost, children)
    build.cost = outer
    return block, lexer_state


def sequence(statements: list[Statement], cost: int, children: list[nodes.Node]) -> Statement:
    """Return a statement that runs these, after charging their cost and static text at once."""
    steps = tuple(statements)
    size = sum(len(node.data) for node in children if isinstance(node, nodes.TemplateData))

    def run(state: RenderState) -> None:
        state.steps_left -= cost
        state.output_left -= size
        if state.steps_left < 0:
            raise steps_exceeded()
        if state.output_left < 0:
            raise output_exceeded()
        for step in steps:
            step(state)

    return run


def compile_node(
    build: Build, node: nodes.Node, lexer_state: LexerState, part: Part
) -> tuple[Statement, LexerState]:
    """Compile one node of a body."""
    if isinstance(node, nodes.TemplateData):
        return compile_text(build, node, lexer_state)
    if isinstance(node, nodes.If):
        return _if(build, node, lexer_state)
    if isinstance(node, nodes.For):
        return _for(build, node, lexer_state)
    if isinstance(node, nodes.Expr):
        return compile_output(build, node, lexer_state, part)
    build.fault(node.lineno, "Unsupported tag. Use if and for.")
    return _skip, lexer_state


def _skip(state: RenderState) -> None:
    del state


def _if(build: Build, node: nodes.If, lexer_state: LexerState) -> tuple[Statement, LexerState]:
    test = compile_expression(build, node.test)
    with build.optional_branch():
        first, after = compile_block(build, node.body, lexer_state)
        branches = [(test, first)]
        states = [after]
        for branch in node.elif_:
            test = compile_expression(build, branch.test)
            block, after = compile_block(build, branch.body, lexer_state)
            branches.append((test, block))
            states.append(after)
        otherwise, after = compile_block(build, node.else_, lexer_state)
    return _branch(tuple(branches), otherwise), _merge_states(build, node, [*states, after])


def _branch(branches: tuple[tuple[Expression, Statement], ...], last: Statement) -> Statement:
    def branch(state: RenderState) -> None:
        for test, block in branches:
            if is_true(test(state)):
                return block(state)
        return last(state)

    return branch


def _merge_states(build: Build, node: nodes.Node, states: list[LexerState]) -> LexerState:
    merged: LexerState | None = states[0]
    for lexer_state in states[1:]:
        merged = merge(merged, lexer_state) if merged else None
    if merged is None:
        ends = " and ".join(sorted({lexer_state[0] for lexer_state in states}))
        message = f"The branches end {ends}. Close the same quotes and tags in each."
        build.fault(node.lineno, message)
    return merged or states[0]


def _for(build: Build, node: nodes.For, lexer_state: LexerState) -> tuple[Statement, LexerState]:
    items = compile_expression(build, node.iter)
    name = _loop_name(build, node)
    loop = Loop(name, 3 * len(build.loops))
    build.slots = max(build.slots, loop.base + 3)
    build.loops.append(loop)
    with build.optional_branch():
        condition = _loop_condition(build, node.test) if node.test else None
        build.in_body += 1
        body, after = compile_block(build, node.body, lexer_state)
        build.in_body -= 1
        build.loops.pop()
        otherwise, instead = compile_block(build, node.else_, lexer_state)
    first = next(iter(flatten_outputs(node.body)), None)
    if after[1] == VALUE and not isinstance(first, nodes.TemplateData):
        build.fault(
            node.lineno, "A loop that writes values outside quotes needs a comma between them."
        )
    if node.recursive:
        build.fault(node.lineno, "Recursive loops are not supported.")
    lexer_state = _merge_states(build, node, [lexer_state, after, instead])
    return _loop(items, describe(node.iter), loop.base, condition, body, otherwise), lexer_state


def _loop_condition(build: Build, test: nodes.Node) -> Expression:
    """Compile the `if` of a `for`, where `loop` is not available yet."""
    inside, build.in_body = build.in_body, 0
    condition = compile_expression(build, test)
    build.in_body = inside
    return condition


def _loop_name(build: Build, node: nodes.For) -> str:
    target = node.target
    if not isinstance(target, nodes.Name):
        build.fault(
            target.lineno, "A loop has one variable. Write for item in …, then item[0], item[1]."
        )
        return "\0"
    if target.name in build.roots | RESERVED:
        build.fault(target.lineno, f"The name {target.name} is reserved. Rename the loop variable.")
    return str(target.name)


def _loop(
    items: Expression,
    name: str,
    base: int,
    condition: Expression | None,
    body: Statement,
    otherwise: Statement,
) -> Statement:
    def loop(state: RenderState) -> None:
        values = _items(items(state), name, state)
        slots = state.slots
        if condition:
            values = _filter(values, condition, base, state)
        if not values:
            return otherwise(state)
        slots[base + 2] = len(values)
        for index, item in enumerate(values):
            state.steps_left -= _ITEM_COST
            slots[base] = item
            slots[base + 1] = index
            body(state)
        return None

    return loop


def _items(value: object, name: str, state: RenderState) -> list[object]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        state.spend(len(value) // 4)
        return list(value)
    message = f"{name} is {type_name(value)}. A loop needs a list or an object."
    raise RenderFault(message, name)


def _filter(
    values: list[object], condition: Expression, base: int, state: RenderState
) -> list[object]:
    result: list[object] = []
    for item in values:
        state.spend(_ITEM_COST)
        state.slots[base] = item
        if is_true(condition(state)):
            result.append(item)
    return result
