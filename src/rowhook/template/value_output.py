"""Writes values to the output, escaped for their context.

For a secret, a placeholder is written, which is filled after rendering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowhook.template.escapes import (
    form_text,
    header_text,
    percent_encoded,
    plain_text,
    to_text,
    xml_text,
)
from rowhook.template.faults import InvalidValue, RenderFault
from rowhook.template.json_text import any_json, json_inner, json_string
from rowhook.template.output_context import INSIDE, VALUE, OutputContext
from rowhook.template.render_state import output_exceeded
from rowhook.template.url_parts import PART_ESCAPES, Part
from rowhook.template.values import Encoded, Json, scalar_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowhook.template.output_context import LexerState
    from rowhook.template.render_state import Expression, RenderState, Statement

    Escape = Callable[[str], str]

_BODIES: dict[OutputContext, Escape] = {
    OutputContext.XML: xml_text,
    OutputContext.FORM: form_text,
    OutputContext.TEXT: plain_text,
    OutputContext.HEADER: header_text,
}
# percent-encoding takes longer than other escapes, so it is charged
_CHARGED_ESCAPES = frozenset({form_text, percent_encoded})


class SecretPlaceholder(str):
    """The redacted form of a secret, with its id and escape."""

    __slots__ = ("escape", "id")
    id: str
    escape: Escape


def secret_placeholder(secret: str, escape: Escape) -> SecretPlaceholder:
    """Return the placeholder for a secret."""
    placeholder = SecretPlaceholder(f"[secret:{secret}]")
    placeholder.id, placeholder.escape = secret, escape
    return placeholder


def escape_for(output_context: OutputContext, lexer_state: LexerState, part: Part) -> Escape:
    """Return the escape for a text or secret in a context."""
    if output_context is OutputContext.URL:
        return PART_ESCAPES[part]
    if output_context is OutputContext.JSON:
        return json_inner if lexer_state[0] == INSIDE else json_string
    return _BODIES[output_context]


def lexer_state_after_value(output_context: OutputContext, lexer_state: LexerState) -> LexerState:
    """Return the lexer state after a value."""
    return (
        (lexer_state[0], "" if lexer_state[0] == INSIDE else VALUE)
        if output_context is OutputContext.JSON
        else lexer_state
    )


def write_secret(placeholder: SecretPlaceholder) -> Statement:
    """Return a statement that writes a placeholder. Its content is charged when it is filled."""

    def write(state: RenderState) -> None:
        state.output_left -= len(placeholder)
        if state.output_left < 0:
            raise output_exceeded()
        state.emit(placeholder)

    return write


def write_value(
    value: Expression, name: str, output_context: OutputContext, escape: Escape
) -> Statement:
    """Return a statement that writes a value with this escape."""
    if output_context is OutputContext.JSON and escape is json_string:
        return _write_json(value, name)
    if output_context in {OutputContext.URL, OutputContext.HEADER}:
        return _write_text(value, name, escape, lambda result, _: scalar_text(result))
    return _write_text(value, name, escape, to_text)


def _write_json(value: Expression, name: str) -> Statement:
    def write(state: RenderState) -> None:
        result = value(state)
        try:
            text = result if type(result) is Json else any_json(result, state)
        except InvalidValue as error:
            raise RenderFault(f"{name} {error}", name) from error
        state.output_left -= len(text)
        if state.output_left < 0:
            raise output_exceeded()
        state.emit(text)

    return write


def _write_text(
    value: Expression, name: str, escape: Escape, read: Callable[[object, RenderState], str]
) -> Statement:
    is_charged = escape in _CHARGED_ESCAPES

    def write(state: RenderState) -> None:
        result = value(state)
        try:
            text = result if type(result) is str else read(result, state)
            if len(text) > state.output_left:  # escaping never shortens
                raise output_exceeded()
            if is_charged:
                state.spend(len(text) // 2)
            if type(text) is not Encoded or not is_charged:
                text = escape(text)
        except InvalidValue as error:
            raise RenderFault(f"{name} {error}", name) from error
        state.output_left -= len(text)
        if state.output_left < 0:
            raise output_exceeded()
        state.emit(text)

    return write
