"""The tests, as in `value is string` and `selectattr('key', 'eq', 1)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from rowhook.template.faults import InvalidValue, RenderFault, closest_match
from rowhook.template.json_values import LiteralList, Missing, Number, is_true, type_name
from rowhook.template.list_filters import NO_DEFAULT, attribute_of
from rowhook.template.operators import COMPARISONS
from rowhook.template.syntax_nodes import describe, null_expression

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from rowhook.template.compilation import Build
    from rowhook.template.limits import Expression, RenderState

    class Compile(Protocol):
        """The function that compiles operands."""

        def __call__(self, build: Build, node: nodes.Node, *, lenient: bool = False) -> Expression:
            """Compiles one expression."""


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
    "==": "eq",
    "!=": "ne",
    "<": "lt",
    "<=": "lteq",
    ">": "gt",
    ">=": "gteq",
}
_DEFINED = {"defined": True, "undefined": False}
_TESTS = (*_DEFINED, *_TYPE_TESTS, *(name for name in _COMPARISON_TESTS if name.isalpha()))
# tests of Jinja and other engines, with their equivalents
_INSTEAD = {
    "even": "Write x % 2 == 0.",
    "odd": "Write x % 2 == 1.",
    "divisibleby": "Write x % n == 0.",
    **dict.fromkeys(("null", "nil"), "Write is none."),
    **dict.fromkeys(("empty", "blank"), "Write not x."),
    **dict.fromkeys(("true", "false"), "Write x == true or x == false."),
    **dict.fromkeys(("integer", "float", "int"), "Write is number."),
    **dict.fromkeys(("iterable", "list", "array"), "Write is sequence."),
    **dict.fromkeys(("dict", "object"), "Write is mapping."),
    **dict.fromkeys(("sameas", "equal"), "Write ==."),
    **dict.fromkeys(("match", "search", "contains"), "Write 'text' in x."),
    **dict.fromkeys(("lower", "upper"), "Write x == x | lower or x == x | upper."),
}


def test_fault(name: object) -> str | None:
    """Returns the error message of an unknown test, or None."""
    if name in _TESTS or name in _COMPARISON_TESTS:
        return None
    match = closest_match(str(name), _TESTS)
    hint = f"Did you mean {match}?" if match else f"Use one of {', '.join(_TESTS)}."
    return f"Unknown test {str(name)[:40]}. {_INSTEAD.get(str(name), hint)}"


def arity(name: str) -> int:
    """Returns the number of arguments of a test."""
    return 1 if name in _COMPARISON_TESTS else 0


def compile_test(build: Build, node: nodes.Test, compile_operand: Compile) -> Expression:
    """Compiles `value is name` and `value is name(other)`."""
    value = compile_operand(build, node.node, lenient=node.name in _DEFINED)
    fault = test_fault(node.name)
    if fault is None and (len(node.args) != arity(node.name) or _has_others(node)):
        takes = "one argument" if arity(node.name) else "no arguments"
        fault = f"The test {node.name} takes {takes}."
    if fault is not None:
        build.fault(node.lineno, fault)
        return null_expression
    if node.name in _DEFINED:
        is_defined = _DEFINED[node.name]
        return lambda state: (type(value(state)) is not Missing) is is_defined
    if not node.args:
        check = _TYPE_TESTS[node.name]
        return lambda state: check(value(state))
    return _compare(node, value, compile_operand(build, node.args[0]))


def _has_others(node: nodes.Test | nodes.Filter) -> bool:
    return bool(node.kwargs or node.dyn_args or node.dyn_kwargs)


def _compare(node: nodes.Test, value: Expression, other: Expression) -> Expression:
    compare = COMPARISONS[_COMPARISON_TESTS[node.name]]
    name = describe(node.node)

    def compare_values(state: RenderState) -> object:
        try:
            return compare(value(state), other(state), state)
        except InvalidValue as error:
            raise RenderFault(f"{name}: {error}", name) from error

    return compare_values


def compile_selection(
    build: Build,
    node: nodes.Filter,
    value: Expression,
    description: str,
    compile_operand: Compile,
) -> Expression:
    """Compiles `selectattr` and `rejectattr`."""
    attribute = node.args[0] if node.args else None
    test = node.args[1] if len(node.args) > 1 else None
    others = node.args[2:]
    fault = _selection_fault(node, attribute, test, others)
    if fault is not None or attribute is None:
        build.fault(node.lineno, fault or "")
        return null_expression
    key = compile_operand(build, attribute)
    operand = compile_operand(build, others[0]) if others else _no_operand
    name = str(test.value) if isinstance(test, nodes.Const) else None
    is_kept = node.name == "selectattr"

    def select(state: RenderState) -> object:
        items = value(state)
        if not isinstance(items, list):
            raise RenderFault(
                f"{description}: expected a list, not {type_name(items)}.", description
            )
        path, other = key(state), operand(state)
        state.spend(4 * len(items))
        state.spend_items(len(items))
        try:
            return LiteralList(
                item
                for item in items
                if _passes(name, attribute_of(item, path), other, state) is is_kept
            )
        except InvalidValue as error:
            raise RenderFault(f"{description}: {error}", description) from error

    return select


def _no_operand(state: RenderState) -> object:
    del state
    return None


def _selection_fault(
    node: nodes.Filter, attribute: object, test: object, others: list[nodes.Expr]
) -> str | None:
    if attribute is None or _has_others(node):
        return (
            f"{node.name} needs the key, as in {node.name}('active') or {node.name}('n', 'gt', 3)."
        )
    if test is None:
        return None
    if not isinstance(test, nodes.Const) or not isinstance(test.value, str):
        return f"The test of {node.name} must be a name in quotes, such as 'eq'."
    fault = test_fault(test.value)
    if fault is None and len(others) != arity(test.value):
        takes = "one value" if arity(test.value) else "no value"
        return f"The test {test.value} takes {takes}."
    return fault


def _passes(name: str | None, value: object, other: object, state: RenderState) -> bool:
    """Returns whether an attribute passes a test; one that is absent is undefined."""
    if name is None:
        return value is not NO_DEFAULT and is_true(value)
    if name in _DEFINED:
        return (value is not NO_DEFAULT) is _DEFINED[name]
    if value is NO_DEFAULT:
        return _COMPARISON_TESTS.get(name) == "ne"
    check = _TYPE_TESTS.get(name)
    if check is not None:
        return check(value)
    return COMPARISONS[_COMPARISON_TESTS[name]](value, other, state)
