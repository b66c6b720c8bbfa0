"""Compiles static text and output expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from rowhook.template.expressions import compile_expression
from rowhook.template.json_lexer import ADJACENT
from rowhook.template.lexer_states import UNKNOWN, innermost
from rowhook.template.literals import literal_texts, outcomes, state_after, writes_value
from rowhook.template.names import describe, record_position, start_offset
from rowhook.template.output_context import LEXERS, OutputContext
from rowhook.template.url_parts import Part, bad_character
from rowhook.template.value_output import (
    check_separation,
    empty_value,
    place_of,
    secret_placeholder,
    write_literals,
    write_secret,
    write_value,
)

if TYPE_CHECKING:
    from rowhook.template.compilation import Build
    from rowhook.template.lexer_states import LexerState
    from rowhook.template.literals import Outcomes
    from rowhook.template.render_state import RenderState, Statement
    from rowhook.template.value_output import Place


_COST = 4
_URL_CHARACTERS = (
    "White space, control characters and \\ are not allowed in a URL. Percent-encode them."
)
# where a text joined with ~ stands as written, and the data in it is escaped
_JOINED = frozenset({OutputContext.URL, OutputContext.FORM, OutputContext.XML})


def compile_text(
    build: Build, node: nodes.TemplateData, lexer_state: LexerState
) -> tuple[Statement, LexerState]:
    """Compile static text. The enclosing block charges its length."""
    text = node.data
    is_unknown = innermost(lexer_state).tail == UNKNOWN and text[:1] in ADJACENT
    lexer = LEXERS.get(build.output_context)
    if lexer:
        fault = lexer.text_fault(lexer_state, text)
        if fault:
            build.fault(node.lineno, fault)
        lexer_state = lexer.text(lexer_state, text)
    _check_characters(build, node.lineno, text)

    def write(state: RenderState) -> None:
        state.emit(text)

    return check_separation(write, "The text after it") if is_unknown else write, lexer_state


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
    """Compile an expression, or a secret, that is written to the output."""
    is_joined = build.output_context in _JOINED and part is Part.REST
    if is_joined and isinstance(node, nodes.Concat):
        return _compile_joined(build, node, lexer_state)
    build.cost += _COST
    place = place_of(build.output_context, lexer_state, part)
    secret = build.source.secrets.get(node.lineno) if isinstance(node, nodes.Name) else None
    found = outcomes(node)
    written = literal_texts(found, build.output_context, lexer_state, part)
    after = _check_place(build, node, found, written, lexer_state)
    if secret is not None:
        build.secrets.add(secret)
        return write_secret(secret_placeholder(secret, place)), after
    name = describe(node)
    is_in_path = build.output_context is OutputContext.URL and part is Part.REST
    empty = empty_value(name) if is_in_path else ""
    if written is None:
        value = compile_expression(build, node)
        write = write_value(value, name, build.output_context, place, empty)
    else:
        write = _compile_literals(build, node, found, written, place, empty)
    record_position(build, node, name)
    if innermost(lexer_state).tail == UNKNOWN and place.is_json:
        write = check_separation(write, name)
    return write, after


def _check_place(
    build: Build,
    node: nodes.Expr,
    found: Outcomes,
    written: dict[str, str] | None,
    lexer_state: LexerState,
) -> LexerState:
    """Report a value that must not stand here; return the lexer state after it."""
    lexer = LEXERS.get(build.output_context)
    if lexer and writes_value(found, written, build.output_context):
        fault = lexer.value_fault(lexer_state)
        if fault:
            build.fault(start_offset(node), fault)
    after = state_after(found, written, build.output_context, lexer_state)
    if after is None:
        message = "The results of this expression open or close different quotes or tags."
        build.fault(start_offset(node), message)
    return after or lexer_state


def _compile_literals(
    build: Build,
    node: nodes.Expr,
    found: Outcomes,
    written: dict[str, str],
    place: Place,
    empty: str,
) -> Statement:
    """Compile an expression that may result in a text that stands as written."""
    for literal in found.literals:
        _check_characters(build, literal.lineno, literal.value, is_literal=True)
    build.literals.update(id(literal) for literal in found.literals)
    build.blanks.update(id(blank) for blank in found.blanks)
    value = compile_expression(build, node)
    slot = build.allocate()
    write = write_value(
        lambda state: state.slots[slot], describe(node), build.output_context, place, empty
    )
    return write_literals(value, written, slot, write, empty)


def _compile_joined(
    build: Build, node: nodes.Concat, lexer_state: LexerState
) -> tuple[Statement, LexerState]:
    """Compile texts joined with ~ one by one, so that only those of the data are escaped."""
    statements: list[Statement] = []
    for operand in node.nodes:
        statement, lexer_state = compile_output(build, operand, lexer_state, Part.REST)
        statements.append(statement)

    def write(state: RenderState) -> None:
        for statement in statements:
            statement(state)

    return write, lexer_state
