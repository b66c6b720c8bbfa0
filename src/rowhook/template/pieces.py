"""Compiles static text and output expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from rowhook.template.expressions import compile_expression
from rowhook.template.names import describe, record_position, start_offset
from rowhook.template.output_context import BODY_LEXERS, OutputContext
from rowhook.template.url_parts import Part, bad_character
from rowhook.template.value_output import (
    escape_for,
    lexer_state_after_value,
    secret_placeholder,
    write_secret,
    write_value,
)

if TYPE_CHECKING:
    from rowhook.template.compilation import Build
    from rowhook.template.output_context import LexerState
    from rowhook.template.render_state import RenderState, Statement


_COST = 4


def compile_text(
    build: Build, node: nodes.TemplateData, lexer_state: LexerState
) -> tuple[Statement, LexerState]:
    """Compile static text. The enclosing block charges its length."""
    text = node.data
    lexer = BODY_LEXERS.get(build.output_context)
    if lexer:
        fault = lexer.text_fault(lexer_state, text)
        if fault:
            build.fault(node.lineno, fault)
        lexer_state = lexer.text(lexer_state, text)
    _check_characters(build, node)

    def write(state: RenderState) -> None:
        state.emit(text)

    return write, lexer_state


def _check_characters(build: Build, node: nodes.TemplateData) -> None:
    at = None
    message = ""
    if build.output_context is OutputContext.URL:
        at = bad_character(node.data)
        message = (
            "White space, control characters and \\ are not allowed in a URL. Percent-encode them."
        )
    elif build.output_context is OutputContext.HEADER:
        at = next((at for at, char in enumerate(node.data) if not " " <= char <= "~"), None)
        message = "A header may contain only visible ASCII characters and spaces, on one line."
    if at is not None:
        build.fault(node.lineno + at, message)


def compile_output(
    build: Build, node: nodes.Expr, lexer_state: LexerState, part: Part
) -> tuple[Statement, LexerState]:
    """Compile an expression, or a secret, that is written to the output."""
    build.cost += _COST
    lexer = BODY_LEXERS.get(build.output_context)
    fault = lexer.value_fault(lexer_state) if lexer else None
    if fault:
        build.fault(start_offset(node), fault)
    escape = escape_for(build.output_context, lexer_state, part)
    after = lexer_state_after_value(build.output_context, lexer_state)
    secret = build.source.secrets.get(node.lineno) if isinstance(node, nodes.Name) else None
    if secret is not None:
        build.secrets.add(secret)
        return write_secret(secret_placeholder(secret, escape)), after
    value = compile_expression(build, node)
    name = describe(node)
    record_position(build, node, name)
    return write_value(value, name, build.output_context, escape), after
