"""Compiles blocks, `if`, `for` and `set`, and runs loops. Other statements are rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from jinja2 import nodes

from rowhook.template.body_lexers import ADJACENT, OUTSIDE, UNKNOWN, VALUE, innermost, merge
from rowhook.template.compilation import Loop, Scope
from rowhook.template.escapes import Part
from rowhook.template.expressions import compile_expression, compile_truth
from rowhook.template.faults import RenderFault
from rowhook.template.filter_calls import pairs_of
from rowhook.template.json_values import is_true, type_name
from rowhook.template.limits import UNSET, output_exceeded, steps_exceeded
from rowhook.template.outputs import compile_output, compile_text, outcomes
from rowhook.template.path_reads import RESERVED
from rowhook.template.rendered_output import check_separation
from rowhook.template.syntax_nodes import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rowhook.template.body_lexers import LexerState
    from rowhook.template.compilation import Build
    from rowhook.template.limits import Expression, RenderState, Statement, Step

    Assign = Callable[[list[object], object], None]
    Iterate = Callable[[RenderState, list[object]], None]

_MOST_VARIABLES = 2
_INSTEAD: dict[type[nodes.Node], str] = {
    nodes.AssignBlock: "set needs a value. Write {% set name = value %}.",
}
_ITEM_COST = 4


def flatten_outputs(body: Sequence[nodes.Node]) -> list[nodes.Node]:
    """Returns the nodes of a body, with output nodes replaced by their children."""
    return [
        inner
        for node in body
        for inner in (node.nodes if isinstance(node, nodes.Output) else [node])
    ]


def compile_block(
    build: Build, body: Sequence[nodes.Node], lexer_state: LexerState
) -> tuple[Statement, LexerState]:
    """Compiles consecutive nodes; returns the statement and the lexer state after it."""
    outer, build.cost = build.cost, 1
    steps: list[Step] = []
    children = flatten_outputs(body)
    for node in children:
        step, lexer_state = compile_node(build, node, lexer_state, Part.REST)
        steps.append(step)
    block = sequence(steps, build.cost, children)
    build.cost = outer
    return block, lexer_state


def sequence(steps: Sequence[Step], cost: int, children: list[nodes.Node]) -> Statement:
    """Returns a statement that runs these, after charging their cost and static text together."""
    in_order = tuple(steps)
    size = sum(len(node.data) for node in children if isinstance(node, nodes.TemplateData))

    def run(state: RenderState) -> None:
        state.steps_left -= cost
        state.output_left -= size
        if state.steps_left < 0:
            raise steps_exceeded()
        if state.output_left < 0:
            raise output_exceeded()
        emit = state.emit
        for step in in_order:
            if isinstance(step, str):
                emit(step)
            else:
                step(state)

    return run


def compile_node(
    build: Build, node: nodes.Node, lexer_state: LexerState, part: Part
) -> tuple[Step, LexerState]:
    """Compiles one node of a body."""
    if isinstance(node, nodes.TemplateData):
        return compile_text(build, node, lexer_state)
    if isinstance(node, nodes.If):
        return _if(build, node, lexer_state)
    if isinstance(node, nodes.For):
        return _for(build, node, lexer_state)
    if isinstance(node, nodes.Expr):
        return compile_output(build, node, lexer_state, part)
    if isinstance(node, nodes.Assign):
        return _set(build, node), lexer_state
    build.fault(node.lineno, _INSTEAD.get(type(node), "Unsupported tag. Use if, for and set."))
    return _skip, lexer_state


def _skip(state: RenderState) -> None:
    del state


def _if(build: Build, node: nodes.If, lexer_state: LexerState) -> tuple[Statement, LexerState]:
    scope = build.scopes[-1]
    visible, joined = scope.visible, set(scope.visible)
    blocks: list[Statement] = []
    states: list[LexerState] = []
    tests = [compile_truth(build, node.test)]
    with build.optional_branch():
        tests += [compile_truth(build, branch.test) for branch in node.elif_]
        for body in (node.body, *(branch.body for branch in node.elif_), node.else_):
            # each branch may set the same name
            scope.visible = set(visible)
            block, after = compile_block(build, body, lexer_state)
            joined |= scope.visible
            blocks.append(block)
            states.append(after)
    scope.visible = joined
    branches = tuple(zip(tests, blocks, strict=False))
    return _branch(branches, blocks[-1]), _merge_states(build, node, states)


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
        ends = " and ".join(sorted({lexer_state.where for lexer_state in states}))
        message = f"The branches end {ends}. Close the same quotes and tags in each."
        build.fault(node.lineno, message)
    return merged or states[0]


def _set(build: Build, node: nodes.Assign) -> Statement:
    """Compiles `set`; the value may be undefined, as in Jinja."""
    value = compile_expression(build, node.node, lenient=True)
    build.cost += 2
    slot = _new_variable(build, node)

    def assign(state: RenderState) -> None:
        state.slots[slot] = value(state)

    return assign


def _new_variable(build: Build, node: nodes.Assign) -> int:
    if not isinstance(node.target, nodes.Name):
        message = "set takes one name. Write {% set name = value %}."
        build.fault(node.target.lineno, message)
        return build.allocate()
    name = str(node.target.name)
    if name in build.roots | RESERVED:
        build.fault(node.target.lineno, f"The name {name} is reserved. Use another name.")
    elif name in build.scopes[-1].visible:
        message = (
            f"{name} is set already. Use another name, or decide the value in one place, as in "
            f"{{% set {name} = 'a' if data.x else 'b' %}}."
        )
        build.fault(node.target.lineno, message)
    return build.declare(name, is_set=True).slot


def _for(build: Build, node: nodes.For, lexer_state: LexerState) -> tuple[Statement, LexerState]:
    items, is_pairs = _iterable(build, node)
    build.scopes.append(Scope())
    slots = _loop_slots(build, node)
    loop = Loop(build.allocate(), build.allocate())
    build.loops.append(loop)
    with build.optional_branch():
        condition = _loop_condition(build, node.test) if node.test else None
        build.in_body += 1
        body, after = compile_block(build, node.body, lexer_state)
        build.in_body -= 1
        build.loops.pop()
        scope = build.scopes.pop()
        otherwise, instead = compile_block(build, node.else_, lexer_state)
    _check_loop(build, node, after)
    parts = LoopParts(
        items=items,
        name=describe((pairs_of(node.iter) if is_pairs else None) or node.iter),
        is_pairs=is_pairs,
        slots=slots,
        loop=loop,
        resets=tuple(variable.slot for variable in scope.variables.values() if variable.is_set),
        condition=condition,
        body=body,
        otherwise=otherwise,
        checks_ends=_may_touch(node, after),
    )
    merged = _merge_states(build, node, [lexer_state, after, instead])
    return run_loop(parts), merged


def _iterable(build: Build, node: nodes.For) -> tuple[Expression, bool]:
    """Compiles the iterable of a loop; for pairs of an object, the object itself."""
    pairs = pairs_of(node.iter)
    if pairs is not None and isinstance(node.target, nodes.Tuple):
        return compile_expression(build, pairs), True
    return compile_expression(build, node.iter), False


def _may_touch(node: nodes.For, after: LexerState) -> bool:
    """Returns whether the end of one iteration and the beginning of the next may be one value."""
    first = next(iter(flatten_outputs(node.body)), None)
    place = innermost(after)
    starts_with_text = isinstance(first, nodes.TemplateData) and first.data[:1] not in ADJACENT
    ends_with_value = place.tail in {VALUE, UNKNOWN} or place.tail in ADJACENT
    return place.where == OUTSIDE and ends_with_value and not starts_with_text


def _check_loop(build: Build, node: nodes.For, after: LexerState) -> None:
    first = next(iter(flatten_outputs(node.body)), None)
    is_literal = isinstance(first, nodes.Expr) and not outcomes(first).has_value
    starts_with_value = not is_literal and not isinstance(first, nodes.TemplateData | nodes.Stmt)
    if innermost(after).tail == VALUE and starts_with_value:
        message = (
            "A loop that writes values outside quotes needs a comma between them, as in "
            '{{ item }}{{ "," if not loop.last }}.'
        )
        build.fault(node.lineno, message)
    if node.recursive:
        build.fault(node.lineno, "Recursive loops are not supported. Write one loop in another.")


def _loop_condition(build: Build, test: nodes.Node) -> Expression:
    """Compiles the `if` of a `for`, where `loop` is not available yet."""
    inside, build.in_body = build.in_body, 0
    condition = compile_truth(build, test)
    build.in_body = inside
    return condition


def _loop_slots(build: Build, node: nodes.For) -> tuple[int, ...]:
    """Declares the variables of a loop; returns their slots."""
    target = node.target
    items = target.items if isinstance(target, nodes.Tuple) else [target]
    names = [item for item in items if isinstance(item, nodes.Name)]
    if len(names) < len(items) or len(names) > _MOST_VARIABLES:
        message = "A loop has one variable, or two as in {% for key, value in data.items() %}."
        build.fault(target.lineno, message)
        return (build.allocate(),)
    for name in names:
        if name.name in build.roots | RESERVED:
            message = f"The name {name.name} is reserved. Rename the loop variable."
            build.fault(name.lineno, message)
    return tuple(build.declare(str(name.name), is_set=False).slot for name in names)


class LoopParts(NamedTuple):
    """The compiled parts of a loop.

    `slots` are those of one or two variables, `resets` those of `set` in the body. `is_pairs`: the
    loop iterates over keys and values of an object. `checks_ends`: values of two iterations may
    touch.
    """

    items: Expression
    name: str
    is_pairs: bool
    slots: tuple[int, ...]
    loop: Loop
    resets: tuple[int, ...]
    condition: Expression | None
    body: Statement
    otherwise: Statement
    checks_ends: bool


def run_loop(parts: LoopParts) -> Statement:
    """Returns the statement of a loop."""
    body = check_separation(parts.body, parts.name) if parts.checks_ends else parts.body
    assign = _assign_pair(parts) if len(parts.slots) > 1 else _assign_item(parts)
    is_simple = len(parts.slots) == 1 and not parts.resets
    iterate = _each_item(parts, body) if is_simple else _each(parts, body, assign)
    count_slot = parts.loop.count_slot

    def loop(state: RenderState) -> None:
        values = _items(parts, state)
        if parts.condition:
            values = _filter(values, parts.condition, assign, state)
        if not values:
            return parts.otherwise(state)
        state.slots[count_slot] = len(values)
        return iterate(state, values)

    return loop


def _each_item(parts: LoopParts, body: Statement) -> Iterate:
    """Iterates with one variable, the most frequent loop."""
    (item_slot,), index_slot = parts.slots, parts.loop.index_slot

    def iterate(state: RenderState, values: list[object]) -> None:
        slots = state.slots
        for index, item in enumerate(values):
            state.steps_left -= _ITEM_COST
            slots[item_slot] = item
            slots[index_slot] = index
            body(state)

    return iterate


def _each(parts: LoopParts, body: Statement, assign: Assign) -> Iterate:
    """Iterates with two variables, or with variables of `set` in the body."""
    index_slot, resets = parts.loop.index_slot, parts.resets

    def iterate(state: RenderState, values: list[object]) -> None:
        slots = state.slots
        for index, item in enumerate(values):
            state.steps_left -= _ITEM_COST
            assign(slots, item)
            slots[index_slot] = index
            for slot in resets:
                slots[slot] = UNSET
            body(state)

    return iterate


def _assign_item(parts: LoopParts) -> Assign:
    (slot,) = parts.slots

    def assign(slots: list[object], item: object) -> None:
        slots[slot] = item

    return assign


def _assign_pair(parts: LoopParts) -> Assign:
    first, second = parts.slots
    name = parts.name

    def assign(slots: list[object], item: object) -> None:
        if not isinstance(item, list | tuple) or len(item) != 2:  # noqa: PLR2004  # a pair
            raise RenderFault(
                f"{name}: an item is not a list of two values. For the keys and values of an "
                f"object write {name}.items().",
                name,
            )
        slots[first], slots[second] = item

    return assign


def _items(parts: LoopParts, state: RenderState) -> list[object]:
    value, name = parts.items(state), parts.name
    if isinstance(value, dict):
        state.spend_items(len(value))
        return list(value.items() if parts.is_pairs else value)
    if isinstance(value, list) and not parts.is_pairs:
        return value
    if parts.is_pairs:
        raise RenderFault(f"{name} is {type_name(value)}. items needs an object.", name)
    raise RenderFault(f"{name} is {type_name(value)}. A loop needs a list or an object.", name)


def _filter(
    values: list[object], condition: Expression, assign: Assign, state: RenderState
) -> list[object]:
    result: list[object] = []
    for item in values:
        state.spend(_ITEM_COST)
        assign(state.slots, item)
        if is_true(condition(state)):
            result.append(item)
    return result
