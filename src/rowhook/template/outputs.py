"""Compiles static text and output expressions, whose constant texts are written unchanged."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import nodes

from rowhook.template.body_lexers import (
    ADJACENT,
    INSIDE,
    OUTSIDE,
    UNKNOWN,
    after_value,
    innermost,
    merge,
)
from rowhook.template.compilation import LEXERS, OutputContext
from rowhook.template.escapes import Part, bad_character
from rowhook.template.expressions import compile_expression
from rowhook.template.json_values import json_string
from rowhook.template.rendered_output import (
    check_separation,
    empty_value,
    place_of,
    secret_placeholder,
    write_literals,
    write_secret,
    write_value,
)
from rowhook.template.syntax_nodes import describe, record_position, start_offset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rowhook.template.body_lexers import LexerState
    from rowhook.template.compilation import Build
    from rowhook.template.limits import RenderState, Statement, Step
    from rowhook.template.rendered_output import Place

_PUNCTUATION = re.compile(r"[\s,:\[\]{}]+")
_SCALAR = re.compile(
    r"\s*(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
    r'|"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*")\s*'
)
_COST = 4
_URL_CHARACTERS = (
    "White space, control characters and \\ are not allowed in a URL. Percent-encode them."
)
# where a text joined with ~ is not escaped, but the data in it is
_JOINED = frozenset({OutputContext.URL, OutputContext.FORM, OutputContext.XML})


class Outcomes(NamedTuple):
    """Possible results of an output expression: constant texts, nothing, or a value of the data.

    `blanks` are the inline `if`s without `else`, which write nothing if they are false.
    """

    literals: tuple[nodes.Const, ...]
    blanks: tuple[nodes.CondExpr, ...]
    has_value: bool


def outcomes(node: nodes.Node) -> Outcomes:
    """Returns the possible results of an output expression."""
    leaves = list(_leaves(node))
    literals = tuple(
        leaf for leaf in leaves if isinstance(leaf, nodes.Const) and isinstance(leaf.value, str)
    )
    blanks = tuple(leaf for leaf in leaves if isinstance(leaf, nodes.CondExpr))
    return Outcomes(literals, blanks, len(literals) + len(blanks) < len(leaves))


def _leaves(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yields the expressions that may be the result; a CondExpr represents its missing `else`."""
    # without recursion, because operators may be nested deeply; True: under `default` or `or`
    rest: list[tuple[nodes.Node, bool]] = [(node, False)]
    while rest:
        node, is_default = rest.pop()
        if isinstance(node, nodes.CondExpr):
            rest.append((node.expr1, is_default))
            if node.expr2 is not None:
                rest.append((node.expr2, is_default))
            elif not is_default:
                yield node
        elif isinstance(node, nodes.Or | nodes.And):
            rest.append((node.left, is_default or isinstance(node, nodes.Or)))
            rest.append((node.right, is_default))
        elif isinstance(node, nodes.Filter) and node.name in {"default", "d"} and node.node:
            rest.append((node.node, True))
            others = [*node.args[:1], *(pair.value for pair in node.kwargs)]
            rest += [(other, is_default) for other in others]
        else:
            yield node


def literal_texts(
    results: Outcomes, output_context: OutputContext, state: LexerState, part: Part
) -> dict[str, str] | None:
    """Returns the output of each constant text; None if they are escaped like values.

    The empty text also represents a missing `else`.
    """
    if not results.literals or output_context is OutputContext.TEXT:
        return None
    texts = {str(node.value) for node in results.literals}
    place = innermost(state)
    if place.where == OUTSIDE:
        return json_texts(texts, results)
    if place.where == INSIDE or output_context is OutputContext.HEADER:
        return None
    if output_context is OutputContext.URL and part is not Part.REST:
        return None
    return {text: text for text in texts | {""}}


def json_texts(texts: set[str], results: Outcomes) -> dict[str, str]:
    """Returns the texts outside quotes: scalars and punctuation as written, others as strings.

    Next to punctuation, nothing is written for "" and a missing `else`; otherwise "" and null.
    """
    replacements = {
        text: text if _SCALAR.fullmatch(text) or _PUNCTUATION.fullmatch(text) else json_string(text)
        for text in texts
    }
    if any(_PUNCTUATION.fullmatch(text) for text in texts):
        replacements[""] = ""
    elif results.blanks and "" not in texts:
        replacements[""] = "null"
    return replacements


def writes_value(
    results: Outcomes, replacements: dict[str, str] | None, output_context: OutputContext
) -> bool:
    """Returns whether an output may write more than punctuation and markup."""
    if results.has_value or replacements is None:
        return True
    return output_context is not OutputContext.XML and not all(
        _PUNCTUATION.fullmatch(text or ",") for text in replacements
    )


def state_after(
    results: Outcomes,
    replacements: dict[str, str] | None,
    output_context: OutputContext,
    state: LexerState,
) -> LexerState | None:
    """Returns the lexer state after an output; None if the results end in different states."""
    lexer = LEXERS.get(output_context)
    value_state = after_value(state)
    if lexer is None or replacements is None:
        return value_state
    texts = set(replacements)
    if not results.blanks and "" not in {str(node.value) for node in results.literals}:
        texts.discard("")
    states = [_after_text(lexer.text, state, replacements[text]) for text in sorted(texts)]
    if results.has_value:
        states.append(value_state)
    merged: LexerState | None = states[0]
    for other in states[1:]:
        merged = merge(merged, other) if merged else None
    return merged


def _after_text(
    text_state: Callable[[LexerState, str], LexerState], state: LexerState, text: str
) -> LexerState:
    if not text:
        return state
    place = innermost(state)
    if place.where == OUTSIDE and not _PUNCTUATION.fullmatch(text):
        return after_value(state)
    return _in_layer(state, text, text_state)


def _in_layer(
    state: LexerState, text: str, text_state: Callable[[LexerState, str], LexerState]
) -> LexerState:
    """Returns the state after a text that is written into the innermost JSON text."""
    if state.inner is not None and state.inner.where in {OUTSIDE, INSIDE}:
        return state._replace(inner=_in_layer(state.inner, text, text_state))
    if state.where == OUTSIDE:
        return state._replace(tail=text[-1])
    return text_state(state, text)


def compile_text(
    build: Build, node: nodes.TemplateData, lexer_state: LexerState
) -> tuple[Step, LexerState]:
    """Compiles static text. The enclosing block charges its length."""
    text = node.data
    is_unknown = innermost(lexer_state).tail == UNKNOWN and text[:1] in ADJACENT
    lexer = LEXERS.get(build.output_context)
    if lexer:
        fault = lexer.text_fault(lexer_state, text)
        if fault:
            build.fault(node.lineno, fault)
        lexer_state = lexer.text(lexer_state, text)
    _check_characters(build, node.lineno, text)
    if not is_unknown:
        return text, lexer_state
    return check_separation(lambda state: state.emit(text), "The text after it"), lexer_state


def _check_characters(build: Build, offset: int, text: str, *, is_literal: bool = False) -> None:
    at = None
    message = ""
    if build.output_context is OutputContext.URL:
        at, message = bad_character(text), _URL_CHARACTERS
    elif build.output_context is OutputContext.HEADER:
        at = next((at for at, char in enumerate(text) if not " " <= char <= "~"), None)
        message = "A header may contain only visible ASCII characters and spaces, on one line."
    if at is not None:
        build.fault(offset if is_literal else offset + at, message)


def compile_output(
    build: Build, node: nodes.Expr, lexer_state: LexerState, part: Part
) -> tuple[Statement, LexerState]:
    """Compiles an expression, or a secret, that is written to the output."""
    is_joined = build.output_context in _JOINED and part is Part.REST
    if is_joined and isinstance(node, nodes.Concat):
        return _compile_joined(build, node, lexer_state)
    build.cost += _COST
    place = place_of(build.output_context, lexer_state, part)
    secret = build.source.secrets.get(node.lineno) if isinstance(node, nodes.Name) else None
    results = outcomes(node)
    replacements = literal_texts(results, build.output_context, lexer_state, part)
    after = _check_place(build, node, results, replacements, lexer_state)
    if secret is not None:
        build.secrets.add(secret)
        return write_secret(secret_placeholder(secret, place)), after
    name = describe(node)
    is_in_path = build.output_context is OutputContext.URL and part is Part.REST
    empty = empty_value(name) if is_in_path else ""
    if replacements is None:
        value = compile_expression(build, node)
        write = write_value(value, name, build.output_context, place, empty)
    else:
        write = _compile_literals(build, node, results, replacements, place, empty)
    record_position(build, node, name)
    if innermost(lexer_state).tail == UNKNOWN and place.is_json:
        write = check_separation(write, name)
    return write, after


def _check_place(
    build: Build,
    node: nodes.Expr,
    results: Outcomes,
    replacements: dict[str, str] | None,
    lexer_state: LexerState,
) -> LexerState:
    """Reports a value that is not allowed here; returns the lexer state after it."""
    lexer = LEXERS.get(build.output_context)
    if lexer and writes_value(results, replacements, build.output_context):
        fault = lexer.value_fault(lexer_state)
        if fault:
            build.fault(start_offset(node), fault)
    after = state_after(results, replacements, build.output_context, lexer_state)
    if after is None:
        message = "The results of this expression open or close different quotes or tags."
        build.fault(start_offset(node), message)
    return after or lexer_state


def _compile_literals(
    build: Build,
    node: nodes.Expr,
    results: Outcomes,
    replacements: dict[str, str],
    place: Place,
    empty: str,
) -> Statement:
    """Compiles an expression that may result in a text that is not escaped."""
    for literal in results.literals:
        _check_characters(build, literal.lineno, literal.value, is_literal=True)
    build.literals.update(id(literal) for literal in results.literals)
    build.blanks.update(id(blank) for blank in results.blanks)
    value = compile_expression(build, node)
    slot = build.allocate()
    write = write_value(
        lambda state: state.slots[slot], describe(node), build.output_context, place, empty
    )
    return write_literals(value, replacements, slot, write, empty)


def _compile_joined(
    build: Build, node: nodes.Concat, lexer_state: LexerState
) -> tuple[Statement, LexerState]:
    """Compiles texts joined with ~ one by one, so that only those of the data are escaped."""
    statements: list[Statement] = []
    for operand in node.nodes:
        statement, lexer_state = compile_output(build, operand, lexer_state, Part.REST)
        statements.append(statement)

    def write(state: RenderState) -> None:
        for statement in statements:
            statement(state)

    return write, lexer_state
