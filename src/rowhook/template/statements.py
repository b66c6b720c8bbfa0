"""Blocks, `if` and `for` become statements. Every other statement is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from .build import Loop
from .expressions import compile_expression
from .faults import RenderFault
from .follow import VALUE, merge
from .frame import exhausted, overflowing
from .names import RESERVED, describe
from .pieces import compile_output, compile_text
from .url import Part
from .values import kind, truth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .build import Build
    from .follow import State
    from .frame import Expression, Frame, Statement

_ITEM_COST = 4


def pieces(body: Sequence[nodes.Node]) -> list[nodes.Node]:
    """Return the nodes of a body, with those of its outputs among them."""
    return [
        inner
        for node in body
        for inner in (node.nodes if isinstance(node, nodes.Output) else [node])
    ]


def compile_block(
    build: Build, body: Sequence[nodes.Node], state: State
) -> tuple[Statement, State]:
    """Compile nodes that run one after the other; the state is what their text is inside of."""
    outer, build.cost = build.cost, 1
    statements: list[Statement] = []
    listed = pieces(body)
    for node in listed:
        statement, state = compile_piece(build, node, state, Part.REST)
        statements.append(statement)
    block = sequence(statements, build.cost, listed)
    build.cost = outer
    return block, state


def sequence(statements: list[Statement], cost: int, listed: list[nodes.Node]) -> Statement:
    """Return the statement that runs these, after paying for them and their static text at once."""
    steps = tuple(statements)
    size = sum(len(node.data) for node in listed if isinstance(node, nodes.TemplateData))

    def run(frame: Frame) -> None:
        frame.left -= cost
        frame.room -= size
        if frame.left < 0:
            raise exhausted()
        if frame.room < 0:
            raise overflowing()
        for step in steps:
            step(frame)

    return run


def compile_piece(
    build: Build, node: nodes.Node, state: State, part: Part
) -> tuple[Statement, State]:
    """Compile one node of a body."""
    if isinstance(node, nodes.TemplateData):
        return compile_text(build, node, state)
    if isinstance(node, nodes.If):
        return _if(build, node, state)
    if isinstance(node, nodes.For):
        return _for(build, node, state)
    if isinstance(node, nodes.Expr):
        return compile_output(build, node, state, part)
    build.fault(node.lineno, "Unsupported tag. Use if and for.")
    return _skip, state


def _skip(frame: Frame) -> None:
    del frame


def _if(build: Build, node: nodes.If, state: State) -> tuple[Statement, State]:
    test = compile_expression(build, node.test)
    with build.perhaps():
        first, after = compile_block(build, node.body, state)
        branches = [(test, first)]
        states = [after]
        for each in node.elif_:
            test = compile_expression(build, each.test)
            block, after = compile_block(build, each.body, state)
            branches.append((test, block))
            states.append(after)
        otherwise, after = compile_block(build, node.else_, state)
    return _branching(tuple(branches), otherwise), _meet(build, node, [*states, after])


def _branching(branches: tuple[tuple[Expression, Statement], ...], last: Statement) -> Statement:
    def branch(frame: Frame) -> None:
        for test, block in branches:
            if truth(test(frame)):
                return block(frame)
        return last(frame)

    return branch


def _meet(build: Build, node: nodes.Node, states: list[State]) -> State:
    met: State | None = states[0]
    for state in states[1:]:
        met = merge(met, state) if met else None
    if met is None:
        ends = " and ".join(sorted({state[0] for state in states}))
        message = f"The branches end {ends}. Close the same quotes and tags in each."
        build.fault(node.lineno, message)
    return met or states[0]


def _for(build: Build, node: nodes.For, state: State) -> tuple[Statement, State]:
    items = compile_expression(build, node.iter)
    name = _loop_name(build, node)
    loop = Loop(name, 3 * len(build.loops))
    build.slots = max(build.slots, loop.base + 3)
    build.loops.append(loop)
    with build.perhaps():
        chosen = _filter(build, node.test) if node.test else None
        build.in_body += 1
        body, after = compile_block(build, node.body, state)
        build.in_body -= 1
        build.loops.pop()
        otherwise, instead = compile_block(build, node.else_, state)
    first = next(iter(pieces(node.body)), None)
    if after[1] == VALUE and not isinstance(first, nodes.TemplateData):
        build.fault(
            node.lineno, "A loop that writes values outside quotes needs a comma between them."
        )
    if node.recursive:
        build.fault(node.lineno, "Recursive loops are not supported.")
    state = _meet(build, node, [state, after, instead])
    return _looping(items, describe(node.iter), loop.base, chosen, body, otherwise), state


def _filter(build: Build, test: nodes.Node) -> Expression:
    """Compile the `if` of a `for`, where the loop has not begun: there is no `loop` yet."""
    inside, build.in_body = build.in_body, 0
    chosen = compile_expression(build, test)
    build.in_body = inside
    return chosen


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


def _looping(
    items: Expression,
    name: str,
    base: int,
    chosen: Expression | None,
    body: Statement,
    otherwise: Statement,
) -> Statement:
    def loop(frame: Frame) -> None:
        found = _items(items(frame), name, frame)
        slots = frame.slots
        if chosen:
            found = _chosen(found, chosen, base, frame)
        if not found:
            return otherwise(frame)
        slots[base + 2] = len(found)
        for index, item in enumerate(found):
            frame.left -= _ITEM_COST
            slots[base] = item
            slots[base + 1] = index
            body(frame)
        return None

    return loop


def _items(found: object, name: str, frame: Frame) -> list[object]:
    if isinstance(found, list):
        return found
    if isinstance(found, dict):
        frame.spend(len(found) // 4)
        return list(found)
    message = f"{name} is {kind(found)}. A loop needs a list or an object."
    raise RenderFault(message, name)


def _chosen(found: list[object], chosen: Expression, base: int, frame: Frame) -> list[object]:
    kept: list[object] = []
    for item in found:
        frame.spend(_ITEM_COST)
        frame.slots[base] = item
        if truth(chosen(frame)):
            kept.append(item)
    return kept
