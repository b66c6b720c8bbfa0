"""Compiles filters and tests into closures, and rejects those that are not supported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from rowhook.template.faults import InvalidValue, RenderFault, closest_match
from rowhook.template.filters import FILTERS, REQUIRED, Argument
from rowhook.template.names import describe, null_expression, record_position
from rowhook.template.operators import COMPARISONS
from rowhook.template.values import MISSING, Missing, Number, is_true, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Protocol

    from rowhook.template.compilation import Build
    from rowhook.template.render_state import Expression, RenderState

    class Compile(Protocol):
        """The function that compiles operands."""

        def __call__(self, build: Build, node: nodes.Node, *, lenient: bool = False) -> Expression:
            """Compile one expression."""


_TYPE_TESTS: dict[str, Callable[[object], bool]] = {
    "none": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float | Number) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "mapping": lambda value: isinstance(value, dict),
    "sequence": lambda value: isinstance(value, str | list | dict),
}
_COMPARISON_TESTS = {
    "eq": "eq",
    "equalto": "eq",
    "ne": "ne",
    "lt": "lt",
    "lessthan": "lt",
    "le": "lteq",
    "gt": "gt",
    "greaterthan": "gt",
    "ge": "gteq",
    "in": "in",
}
_TESTS = ("defined", *_TYPE_TESTS, *_COMPARISON_TESTS)


def compile_filter(
    build: Build, node: nodes.Filter, compile_operand: Compile, *, lenient: bool
) -> Expression:
    """Compile `value | name(arguments)`."""
    definition = FILTERS.get(node.name)
    if definition is None or node.node is None:
        build.fault(node.lineno, _unknown("filter", node.name, FILTERS))
        return null_expression
    is_default = node.name == "default"
    # other filters need a value, so that only default may have an undefined operand
    may_be_undefined = is_default or (lenient and definition.apply is None)
    value = compile_operand(build, node.node, lenient=may_be_undefined)
    arguments = _arguments(build, node, definition.arguments, compile_operand)
    build.cost += definition.cost
    if arguments is None:
        return null_expression
    if is_default:
        return _default(value, *arguments)
    description = describe(node)
    record_position(build, node, description)
    if definition.apply is None:
        return _first_or_last(value, node.name, description, lenient=lenient)
    return _apply(definition.apply, value, arguments, description)


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    match = closest_match(name, known)
    hint = f"Did you mean {match}?" if match else f"Use one of {', '.join(known)}."
    return f"Unknown {kind} {name}. {hint}"


def _arguments(
    build: Build, node: nodes.Filter, parameters: tuple[Argument, ...], compile_operand: Compile
) -> list[Expression] | None:
    positional: dict[str, nodes.Expr] = {}
    for argument, value in zip(parameters, node.args, strict=False):
        positional[argument.name] = value
    names = [argument.name for argument in parameters]
    named: dict[str, nodes.Expr] = {str(keyword.key): keyword.value for keyword in node.kwargs}
    invalid = [key for key in named if key in positional or key not in names]
    has_duplicates = len(named) < len(node.kwargs)
    if (
        invalid
        or has_duplicates
        or len(node.args) > len(parameters)
        or node.dyn_args
        or node.dyn_kwargs
    ):
        expected = (
            f"the arguments {', '.join(names)}, each at most once" if names else "no arguments"
        )
        build.fault(node.lineno, f"The filter {node.name} takes {expected}.")
        return None
    return _bind(build, node, parameters, positional | named, compile_operand)


def _bind(
    build: Build,
    node: nodes.Filter,
    parameters: tuple[Argument, ...],
    values: Mapping[str, nodes.Expr],
    compile_operand: Compile,
) -> list[Expression] | None:
    bound: list[Expression] = []
    with build.optional_branch():
        for argument in parameters:
            value = values.get(argument.name)
            if value is None and argument.default is REQUIRED:
                build.fault(
                    node.lineno, f"The filter {node.name} requires the argument {argument.name}."
                )
                return None
            if isinstance(value, nodes.Const) and argument.fault:
                message = argument.fault(value.value)
                if message:
                    build.fault(value.lineno, message)
            bound.append(
                compile_operand(build, value) if value is not None else _constant(argument.default)
            )
    return bound


def _constant(value: object) -> Expression:
    return lambda _: value


def _default(value: Expression, other: Expression, boolean: Expression) -> Expression:
    def default(state: RenderState) -> object:
        result = value(state)
        if type(result) is Missing or (is_true(boolean(state)) and not is_true(result)):
            return other(state)
        return result

    return default


def _first_or_last(value: Expression, name: str, description: str, *, lenient: bool) -> Expression:
    index = 0 if name == "first" else -1

    def first_or_last(state: RenderState) -> object:
        items = value(state)
        if type(items) is Missing:
            return MISSING
        if isinstance(items, list | str) and items:
            return items[index]
        if isinstance(items, dict) and items:
            return next(iter(items) if index == 0 else reversed(items))
        if not isinstance(items, list | str | dict):
            raise RenderFault(f"{description}: {type_name(items)} has no items.", description)
        if lenient:
            return MISSING
        raise RenderFault(f"{description} is not defined: the value is empty.", description)

    return first_or_last


def _apply(
    apply: Callable[..., object], value: Expression, arguments: list[Expression], description: str
) -> Expression:
    if not arguments:

        def apply_alone(state: RenderState) -> object:
            try:
                return apply(state, value(state))
            except InvalidValue as error:
                raise RenderFault(f"{description}: {error}", description) from error

        return apply_alone

    def apply_with_arguments(state: RenderState) -> object:
        try:
            return apply(state, value(state), *[argument(state) for argument in arguments])
        except InvalidValue as error:
            raise RenderFault(f"{description}: {error}", description) from error

    return apply_with_arguments


def compile_test(build: Build, node: nodes.Test, compile_operand: Compile) -> Expression:
    """Compile `value is name` and `value is name(other)`."""
    value = compile_operand(build, node.node, lenient=node.name == "defined")
    arity = 1 if node.name in _COMPARISON_TESTS else 0
    if node.name not in _TESTS:
        build.fault(node.lineno, _unknown("test", node.name, _TESTS))
        return null_expression
    if len(node.args) != arity or node.kwargs or node.dyn_args or node.dyn_kwargs:
        build.fault(
            node.lineno,
            f"The test {node.name} takes {'one argument' if arity else 'no arguments'}.",
        )
        return null_expression
    if node.name == "defined":
        return lambda state: type(value(state)) is not Missing
    if not arity:
        check = _TYPE_TESTS[node.name]
        return lambda state: check(value(state))
    compare = COMPARISONS[_COMPARISON_TESTS[node.name]]
    other = compile_operand(build, node.args[0])
    return _apply(
        lambda state, left, right: compare(left, right, state), value, [other], describe(node.node)
    )
