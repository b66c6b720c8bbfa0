"""Compiles filters, and items(), the only call; reports those that are not supported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from rowhook.template.faults import InvalidValue, RenderFault, closest_match
from rowhook.template.filters import DEFAULT_VALUE, FILTERS, REQUIRED, Argument
from rowhook.template.format_filters import format_fault, format_text
from rowhook.template.json_values import Missing, is_true
from rowhook.template.list_filters import NoItem
from rowhook.template.syntax_nodes import describe, null_expression, record_position
from rowhook.template.type_tests import compile_selection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rowhook.template.compilation import Build
    from rowhook.template.limits import Expression, RenderState
    from rowhook.template.type_tests import Compile

_FILTER_OF_CALL = {
    **{name: name for name in ("upper", "lower", "title", "capitalize", "replace", "format")},
    **{name: name for name in ("round", "abs", "int", "float", "sum", "min", "max", "list")},
    "strip": "trim",
    "len": "length",
    "str": "string",
    "sorted": "sort",
    "set": "unique",
    "dumps": "tojson",
    "tojson": "tojson",
    "strftime": "date('%Y-%m-%d')",
    "isoformat": "date('%Y-%m-%dT%H:%M:%SZ')",
}
_CALL_ADVICE = {
    "get": "Write data.key | default('none').",
    "keys": "Write {% for key in data.x %}.",
    "values": "Write {% for key, value in data.x.items() %}.",
    "join": "Write data.x | join(', ').",
    "startswith": "Compare a slice: data.x[:3] == 'abc'.",
    "endswith": "Compare a slice: data.x[-3:] == 'abc'.",
    "split": "Texts cannot be split. Send the parts in the data.",
    "range": "Loop over the data, or over a slice of it: data.x[:10].",
    "now": "Write timestamp, the time of this attempt.",
    "utcnow": "Write timestamp, the time of this attempt.",
    **dict.fromkeys(
        ("append", "extend", "update", "pop", "insert", "setdefault", "add", "remove"),
        "Templates cannot change values.",
    ),
}
_CALL_RULE = "Calls are not supported, except data.x.items()."


def compile_call(build: Build, node: nodes.Call, compile_operand: Compile) -> Expression:
    """Compiles `object.items()`, the only call."""
    pairs = pairs_of(node)
    if pairs is None:
        build.fault(node.lineno, _call_advice(node))
        return null_expression
    items = nodes.Filter(pairs, "items", [], [], None, None, lineno=node.lineno)
    return compile_filter(build, items, compile_operand, lenient=False)


def pairs_of(node: nodes.Node) -> nodes.Node | None:
    """Returns the object of `object.items()` and of `object | items`, else None."""
    if isinstance(node, nodes.Filter) and node.name == "items" and not node.args:
        return node.node
    if not isinstance(node, nodes.Call) or node.args or node.kwargs:
        return None
    method = node.node
    if isinstance(method, nodes.Getattr) and method.attr == "items":
        return method.node
    return None


def _call_advice(node: nodes.Call) -> str:
    """Returns the error message of a call, with the correct form."""
    called = node.node
    name = called.attr if isinstance(called, nodes.Getattr) else getattr(called, "name", "")
    if name in _FILTER_OF_CALL:
        return f"{_CALL_RULE} Write data.x | {_FILTER_OF_CALL[name]}."
    return f"{_CALL_RULE} {_CALL_ADVICE.get(name, 'To apply a filter, write value | filter.')}"


# filters of Jinja and other engines, with their equivalents
_INSTEAD = {
    **dict.fromkeys(("uppercase", "upcase"), "Write upper."),
    **dict.fromkeys(("lowercase", "downcase"), "Write lower."),
    **dict.fromkeys(("strip", "striptags"), "Write trim."),
    **dict.fromkeys(("size", "len", "wordcount"), "Write length."),
    **dict.fromkeys(("json", "to_json", "json_encode", "dump", "jsonify"), "Write tojson."),
    **dict.fromkeys(
        ("strftime", "date_format", "datetime", "timestamp"), "Write date('%Y-%m-%d')."
    ),
    **dict.fromkeys(("number_format", "currency", "filesizeformat"), "Write '%.2f' | format(x)."),
    **dict.fromkeys(
        ("safe", "escape", "e", "forceescape", "raw", "html", "xmlattr"),
        "Remove it: the place decides how a value is escaped.",
    ),
    "reverse": "Write x[::-1].",
    "dictsort": "Write {% for key, value in x.items() %}.",
    "groupby": "Send the groups in the data.",
    **dict.fromkeys(("batch", "slice", "limit"), "Write a slice, such as x[:10]."),
    **dict.fromkeys(("select", "reject", "where"), "Write selectattr('key', 'eq', value)."),
    **dict.fromkeys(("pluck", "collect"), "Write map(attribute='key')."),
    "attr": "Write x.key or x['key'].",
    "default_if_none": "Write default('none', true).",
    **dict.fromkeys(("base64", "base64_encode", "b64"), "Write b64encode."),
    **dict.fromkeys(("url_encode", "urlize", "quote"), "Write urlencode."),
    **dict.fromkeys(
        ("split", "random", "wordwrap", "center", "indent", "pprint"), "It is not supported."
    ),
}


def compile_filter(
    build: Build, node: nodes.Filter, compile_operand: Compile, *, lenient: bool
) -> Expression:
    """Compiles `value | name(arguments)`."""
    definition = FILTERS.get(node.name)
    if definition is None or node.node is None:
        build.fault(node.lineno, _unknown(node.name))
        return null_expression
    is_default = definition is FILTERS["default"]
    # other filters need a value, so that only default may have an undefined operand
    may_be_undefined = is_default or (lenient and definition.is_optional)
    value = compile_operand(build, node.node, lenient=may_be_undefined)
    build.cost += definition.cost
    description = describe(node)
    record_position(build, node, description)
    if definition.takes_any:
        return _compile_any(build, node, value, description, compile_operand)
    arguments = _arguments(build, node, definition.arguments, compile_operand, lenient=lenient)
    if arguments is None:
        return null_expression
    if is_default:
        return _default(value, *arguments)
    assert definition.apply is not None  # noqa: S101  # only of filters that are handled above
    if definition.is_optional:
        return _optional(definition.apply, value, arguments, description, lenient=lenient)
    return _apply(definition.apply, value, arguments, description)


def _unknown(name: str) -> str:
    match = closest_match(name, FILTERS)
    hint = f"Did you mean {match}?" if match else f"Use one of {', '.join(FILTERS)}."
    return f"Unknown filter {name[:40]}. {_INSTEAD.get(name, hint)}"


def _compile_any(
    build: Build,
    node: nodes.Filter,
    value: Expression,
    description: str,
    compile_operand: Compile,
) -> Expression:
    """Compiles a filter that takes any number of arguments."""
    if node.name != "format":
        return compile_selection(build, node, value, description, compile_operand)
    names = [str(keyword.key) for keyword in node.kwargs]
    fault = "format takes its values one by one." if node.dyn_args or node.dyn_kwargs else None
    if fault is None and isinstance(node.node, nodes.Const):
        fault = format_fault(node.node.value, len(node.args), names)
    if fault is not None:
        build.fault(node.lineno, fault)
        return null_expression
    positional = [compile_operand(build, argument) for argument in node.args]
    named = [(str(pair.key), compile_operand(build, pair.value)) for pair in node.kwargs]

    def format_values(state: RenderState) -> object:
        values = [argument(state) for argument in positional]
        by_name = {name: argument(state) for name, argument in named}
        try:
            return format_text(state, value(state), values, by_name)
        except InvalidValue as error:
            raise RenderFault(f"{description}: {error}", description) from error

    return format_values


def _arguments(
    build: Build,
    node: nodes.Filter,
    parameters: tuple[Argument, ...],
    compile_operand: Compile,
    *,
    lenient: bool,
) -> list[Expression] | None:
    if node.name == "map" and node.args:
        build.fault(node.lineno, "Write map(attribute='key'). To apply a filter, write a loop.")
        return None
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
    return _bind(build, node, parameters, positional | named, compile_operand, lenient=lenient)


def _bind(
    build: Build,
    node: nodes.Filter,
    parameters: tuple[Argument, ...],
    values: Mapping[str, nodes.Expr],
    compile_operand: Compile,
    *,
    lenient: bool,
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
                compile_operand(build, value, lenient=lenient and argument is DEFAULT_VALUE)
                if value is not None
                else constant(argument.default)
            )
    return bound


def constant(value: object) -> Expression:
    """Returns the closure of a constant."""
    return lambda _: value


def _default(value: Expression, other: Expression, boolean: Expression) -> Expression:
    def default(state: RenderState) -> object:
        result = value(state)
        if type(result) is Missing or (is_true(boolean(state)) and not is_true(result)):
            return other(state)
        return result

    return default


def _optional(
    apply: Callable[..., object],
    value: Expression,
    arguments: list[Expression],
    description: str,
    *,
    lenient: bool,
) -> Expression:
    """Returns the closure of a filter that has no result for an empty value."""

    def fault() -> RenderFault:
        return RenderFault(f"{description} is not defined: the value is empty.", description)

    def apply_to_items(state: RenderState) -> object:
        items = value(state)
        if type(items) is Missing:
            return items
        try:
            return apply(state, items, *[argument(state) for argument in arguments])
        except NoItem:
            if lenient:
                return Missing(fault)
            raise fault() from None
        except InvalidValue as error:
            raise RenderFault(f"{description}: {error}", description) from error

    return apply_to_items


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
