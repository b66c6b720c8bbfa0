"""Filters and tests become closures. It knows the closed lists and refuses what is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from .faults import Misfit, RenderFault, nearest
from .filters import FILTERS, REQUIRED, Argument
from .names import describe, nothing, stand_at
from .operators import COMPARISONS
from .values import MISSING, Missing, Number, kind, truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Protocol

    from .build import Build
    from .frame import Expression, Frame

    class Compile(Protocol):
        """How a filter or test compiles what it stands on."""

        def __call__(self, build: Build, node: nodes.Node, *, lenient: bool = False) -> Expression:
            """Compile one expression."""


_KINDS: dict[str, Callable[[object], bool]] = {
    "none": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float | Number) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "mapping": lambda value: isinstance(value, dict),
    "sequence": lambda value: isinstance(value, str | list | dict),
}
_COMPARING = {
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
_TESTS = ("defined", *_KINDS, *_COMPARING)


def compile_filter(
    build: Build, node: nodes.Filter, compile_it: Compile, *, lenient: bool
) -> Expression:
    """Compile `value | name(arguments)`."""
    listed = FILTERS.get(node.name)
    if listed is None or node.node is None:
        build.fault(node.lineno, _unknown("filter", node.name, FILTERS))
        return nothing
    spare = node.name == "default"
    # upper and its like need a value: what may be missing is only what default looks at
    may_miss = spare or (lenient and listed.apply is None)
    value = compile_it(build, node.node, lenient=may_miss)
    arguments = _arguments(build, node, listed.arguments, compile_it)
    build.cost += listed.cost
    if arguments is None:
        return nothing
    if spare:
        return _default(value, *arguments)
    shown = describe(node)
    stand_at(build, node, shown)
    if listed.apply is None:
        return _end(value, node.name, shown, lenient=lenient)
    return _applied(listed.apply, value, arguments, shown)


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    meant = nearest(name, known)
    hint = f"Did you mean {meant}?" if meant else f"Use one of {', '.join(known)}."
    return f"Unknown {what} {name}. {hint}"


def _arguments(
    build: Build, node: nodes.Filter, listed: tuple[Argument, ...], compile_it: Compile
) -> list[Expression] | None:
    given: dict[str, nodes.Expr] = {}
    for argument, value in zip(listed, node.args, strict=False):
        given[argument.name] = value
    names = [argument.name for argument in listed]
    named: dict[str, nodes.Expr] = {str(keyword.key): keyword.value for keyword in node.kwargs}
    clash = [key for key in named if key in given or key not in names]
    twice = len(named) < len(node.kwargs)
    if clash or twice or len(node.args) > len(listed) or node.dyn_args or node.dyn_kwargs:
        expected = (
            f"the arguments {', '.join(names)}, each at most once" if names else "no arguments"
        )
        build.fault(node.lineno, f"The filter {node.name} takes {expected}.")
        return None
    return _bound(build, node, listed, given | named, compile_it)


def _bound(
    build: Build,
    node: nodes.Filter,
    listed: tuple[Argument, ...],
    given: Mapping[str, nodes.Expr],
    compile_it: Compile,
) -> list[Expression] | None:
    bound: list[Expression] = []
    with build.perhaps():
        for argument in listed:
            value = given.get(argument.name)
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
                compile_it(build, value) if value is not None else _constant(argument.default)
            )
    return bound


def _constant(value: object) -> Expression:
    return lambda _: value


def _default(value: Expression, other: Expression, boolean: Expression) -> Expression:
    def default(frame: Frame) -> object:
        found = value(frame)
        if type(found) is Missing or (truth(boolean(frame)) and not truth(found)):
            return other(frame)
        return found

    return default


def _end(value: Expression, name: str, shown: str, *, lenient: bool) -> Expression:
    place = 0 if name == "first" else -1

    def end(frame: Frame) -> object:
        items = value(frame)
        if type(items) is Missing:
            return MISSING
        if isinstance(items, list | str) and items:
            return items[place]
        if isinstance(items, dict) and items:
            return next(iter(items) if place == 0 else reversed(items))
        if not isinstance(items, list | str | dict):
            raise RenderFault(f"{shown}: {kind(items)} has no items.", shown)
        if lenient:
            return MISSING
        raise RenderFault(f"{shown} is not defined: the value is empty.", shown)

    return end


def _applied(
    apply: Callable[..., object], value: Expression, arguments: list[Expression], shown: str
) -> Expression:
    if not arguments:

        def applied(frame: Frame) -> object:
            try:
                return apply(frame, value(frame))
            except Misfit as error:
                raise RenderFault(f"{shown}: {error}", shown) from error

        return applied

    def applied_with(frame: Frame) -> object:
        try:
            return apply(frame, value(frame), *[argument(frame) for argument in arguments])
        except Misfit as error:
            raise RenderFault(f"{shown}: {error}", shown) from error

    return applied_with


def compile_test(build: Build, node: nodes.Test, compile_it: Compile) -> Expression:
    """Compile `value is name` and `value is name(other)`."""
    value = compile_it(build, node.node, lenient=node.name == "defined")
    wanted = 1 if node.name in _COMPARING else 0
    if node.name not in _TESTS:
        build.fault(node.lineno, _unknown("test", node.name, _TESTS))
        return nothing
    if len(node.args) != wanted or node.kwargs or node.dyn_args or node.dyn_kwargs:
        build.fault(
            node.lineno,
            f"The test {node.name} takes {'one argument' if wanted else 'no arguments'}.",
        )
        return nothing
    if node.name == "defined":
        return lambda frame: type(value(frame)) is not Missing
    if not wanted:
        check = _KINDS[node.name]
        return lambda frame: check(value(frame))
    compare = COMPARISONS[_COMPARING[node.name]]
    other = compile_it(build, node.args[0])
    return _applied(
        lambda frame, left, right: compare(left, right, frame), value, [other], describe(node.node)
    )
