"""Writes values to the output, escaped for their context, and joins the pieces.

For a secret, a placeholder is written, which is filled after rendering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from rowhook.template.body_lexers import ADJACENT, COMMENT, INSIDE, OUTSIDE, TWO_VALUES
from rowhook.template.compilation import OutputContext
from rowhook.template.escapes import (
    PART_ESCAPES,
    Part,
    ascii_header_json,
    empty_segment,
    form_text,
    has_dot_segments,
    header_text,
    percent_encoded,
    plain_text,
    to_text,
    xml_comment_text,
    xml_text,
)
from rowhook.template.faults import InvalidValue, RenderFault
from rowhook.template.json_values import (
    Encoded,
    Json,
    Literal,
    any_json,
    json_inner,
    json_string,
    scalar_text,
)
from rowhook.template.limits import MAX_HEADER, MAX_OUTPUT, MAX_URL, output_exceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rowhook.template.body_lexers import LexerState
    from rowhook.template.limits import Expression, RenderState, Statement

    Escape = Callable[[str], str]

_BODIES: dict[OutputContext, Escape] = {
    OutputContext.XML: xml_text,
    OutputContext.FORM: form_text,
    OutputContext.TEXT: plain_text,
    OutputContext.HEADER: header_text,
}
# percent-encoding takes longer than other escapes, so it is charged
_CHARGED_ESCAPES = frozenset({form_text, percent_encoded})
_LONGEST = {OutputContext.URL: MAX_URL, OutputContext.HEADER: MAX_HEADER}
_ALWAYS_ALLOWED = min(MAX_URL, MAX_HEADER)


class SecretPlaceholder(str):
    """The redacted form of a secret, with its id and escape."""

    __slots__ = ("escape", "id")
    id: str
    escape: Escape


class EmptyValue(str):
    """The empty text of a value in a URL. `name` is its expression, for messages."""

    __slots__ = ("name",)
    name: str


class Place(NamedTuple):
    """The form in which a value is written: as a JSON value or as a text, and then escaped.

    `is_charged` if the escape takes long; `keeps_encoded` if it does not apply to Encoded.
    """

    is_json: bool
    escape: Escape
    is_charged: bool = False
    keeps_encoded: bool = False


def place_of(output_context: OutputContext, lexer_state: LexerState, part: Part) -> Place:
    """Returns how a value is written in a context."""
    if output_context is OutputContext.JSON:
        return _json_place(lexer_state, plain_text)
    if output_context is OutputContext.URL:
        escape = PART_ESCAPES[part]
    elif lexer_state.where == COMMENT:
        escape = xml_comment_text
    else:
        escape = _BODIES[output_context]
    inner = lexer_state.inner
    if inner is not None and inner.where in {INSIDE, OUTSIDE}:
        return _json_place(inner, ascii_header_json if escape is header_text else escape)
    is_charged = escape in _CHARGED_ESCAPES
    return Place(is_json=False, escape=escape, is_charged=is_charged, keeps_encoded=is_charged)


def _json_place(state: LexerState | None, outer: Escape) -> Place:
    """Returns how a value is written into a JSON text, with the escapes of each layer."""
    layers = 0
    while state is not None and state.where == INSIDE:
        layers += 1
        state = state.inner
    is_json = state is not None and state.where == OUTSIDE
    if layers == 1 and outer is plain_text:
        return Place(is_json=is_json, escape=json_inner, is_charged=is_json)
    if not layers:
        return Place(is_json, outer, is_charged=outer is not plain_text)

    def escape(text: str) -> str:
        for _ in range(layers):
            text = json_inner(text)
        return outer(text)

    return Place(is_json=is_json, escape=escape, is_charged=True)


def secret_placeholder(secret: str, place: Place) -> SecretPlaceholder:
    """Returns the placeholder for a secret."""
    placeholder = SecretPlaceholder(f"[secret:{secret}]")
    placeholder.id = secret
    placeholder.escape = place.escape
    if place.is_json:
        placeholder.escape = lambda text: place.escape(json_string(text))
    return placeholder


def write_secret(placeholder: SecretPlaceholder) -> Statement:
    """Returns a statement that writes a placeholder. Its content is charged when it is filled."""

    def write(state: RenderState) -> None:
        state.output_left -= len(placeholder)
        if state.output_left < 0:
            raise output_exceeded()
        state.emit(placeholder)

    return write


def write_value(
    value: Expression, name: str, output_context: OutputContext, place: Place, empty: str = ""
) -> Statement:
    """Returns a statement that writes a value; `empty` replaces an empty text."""
    if place.is_json and place.escape is plain_text:
        return _write_json(value, name)
    if place.is_json:
        is_flat = output_context in {OutputContext.URL, OutputContext.HEADER}
        return _write_text(value, name, place, _scalar_json if is_flat else _json_of)
    if place.escape is json_inner:
        return _write_quoted(value, name)
    if output_context in {OutputContext.URL, OutputContext.HEADER}:
        return _write_text(value, name, place, _scalar, empty)
    return _write_text(value, name, place, to_text)


def _scalar(value: object, state: RenderState) -> str:
    del state
    return scalar_text(value)


def _json_of(value: object, state: RenderState) -> str:
    return value if type(value) is Json else any_json(value, state)


def _scalar_json(value: object, state: RenderState) -> str:
    """Returns the JSON of a scalar or of `tojson`. Raises InvalidValue for lists and objects."""
    scalar_text(value)
    return _json_of(value, state)


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


def _write_quoted(value: Expression, name: str) -> Statement:
    """Writes a text inside the quotes of a JSON body, the most frequent place."""

    def write(state: RenderState) -> None:
        result = value(state)
        try:
            text = result if type(result) is str else to_text(result, state)
        except InvalidValue as error:
            raise RenderFault(f"{name} {error}", name) from error
        text = json_inner(text)
        state.output_left -= len(text)
        if state.output_left < 0:
            raise output_exceeded()
        state.emit(text)

    return write


def _write_text(
    value: Expression,
    name: str,
    place: Place,
    read: Callable[[object, RenderState], str],
    empty: str = "",
) -> Statement:
    is_json, escape, is_charged, keeps_encoded = place

    def write(state: RenderState) -> None:
        result = value(state)
        try:
            text = read(result, state) if is_json or type(result) is not str else result
            if len(text) > state.output_left:  # escaping never shortens
                raise output_exceeded()
            if is_charged:
                state.spend(len(text) // 2)
            if not keeps_encoded or type(text) is not Encoded:
                text = escape(text)
        except InvalidValue as error:
            raise RenderFault(f"{name} {error}", name) from error
        state.output_left -= len(text)
        if state.output_left < 0:
            raise output_exceeded()
        state.emit(text or empty)

    return write


def empty_value(name: str) -> EmptyValue:
    """Returns the mark of an empty value in a URL."""
    empty = EmptyValue()
    empty.name = name
    return empty


def write_literals(
    value: Expression,
    replacements: Mapping[str, str],
    slot: int,
    write_other: Statement,
    empty: str,
) -> Statement:
    """Returns a statement that writes constant texts as `replacements` says.

    `write_other` writes other values, which it reads from the slot.
    """
    is_marked = isinstance(empty, EmptyValue)

    def write(state: RenderState) -> None:
        result = value(state)
        if type(result) is not Literal:
            state.slots[slot] = result
            return write_other(state)
        text = replacements[result]
        state.output_left -= len(text)
        if state.output_left < 0:
            raise output_exceeded()
        if text or is_marked:
            state.emit(text or empty)
        return None

    return write


def check_separation(write: Statement, name: str) -> Statement:
    """Returns a statement that fails if its first character touches the value before it."""

    def write_apart(state: RenderState) -> None:
        at = len(state.out)
        write(state)
        if touches(state.out, at):
            raise RenderFault(f"{name}: {TWO_VALUES}", name)

    return write_apart


def touches(out: list[str], at: int) -> bool:
    """Returns whether the texts before and after an index would be one value."""
    return 0 < at < len(out) and out[at - 1][-1:] in ADJACENT and out[at][:1] in ADJACENT


_VALUES = (EmptyValue, SecretPlaceholder)


class Rendered(msgspec.Struct, frozen=True):
    """A rendered text. `parts` are its texts and placeholders, empty if there are none."""

    output_context: OutputContext
    text: str
    parts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Rendered({self.output_context})"

    def redacted(self) -> str:
        """Returns the text with `[secret:<id>]` for each secret."""
        return self.text

    def reveal(self, secrets: Mapping[str, str]) -> str:
        """Returns the text with its secrets, each escaped for its context.

        Raises RenderFault, without the value, for a secret that is missing or not valid there.
        """
        if not self.parts:
            return self.text
        filled = [
            _fill(part, secrets) if type(part) is SecretPlaceholder else part for part in self.parts
        ]
        text = "".join(filled)
        _check(text, self.output_context)
        if self.output_context is OutputContext.URL and "" in filled:
            _check_segments(filled, self.parts)
        return text


def _fill(placeholder: SecretPlaceholder, secrets: Mapping[str, str]) -> str:
    try:
        return placeholder.escape(secrets[placeholder.id])
    except KeyError:
        raise RenderFault(f"secret:{placeholder.id} does not exist.") from None
    except InvalidValue as fault:
        raise RenderFault(f"secret:{placeholder.id} {fault}") from None


def render_text(pieces: list[str], output_context: OutputContext, *, has_secrets: bool) -> Rendered:
    """Joins the written texts. Raises RenderFault if the result must not be sent."""
    text = "".join(pieces)
    _check(text, output_context)
    if output_context is OutputContext.URL and "" in pieces:
        _check_segments(pieces, pieces)
    return Rendered(output_context, text, tuple(pieces) if has_secrets else ())


def _check_segments(texts: Sequence[str], parts: Sequence[str]) -> None:
    """Raises RenderFault if a value or secret is a whole segment of the path, but empty."""
    empty = empty_segment(texts, [isinstance(part, _VALUES) for part in parts])
    if empty is None:
        return
    part = parts[empty]
    subject = part.name if isinstance(part, EmptyValue) else None
    name = f"secret:{part.id}" if isinstance(part, SecretPlaceholder) else subject
    raise RenderFault(f"{name} is empty, but it is a whole segment of the URL's path.", subject)


def _check(text: str, output_context: OutputContext) -> None:
    # Hashing a member of an enum takes longer than both tests of a short text.
    if len(text) > _ALWAYS_ALLOWED or not text.isascii():
        _check_bytes(text, _LONGEST.get(output_context, MAX_OUTPUT))
    if output_context is OutputContext.URL and has_dot_segments(text):
        raise RenderFault("The path of the URL contains a . or .. segment, which is not allowed.")


def _check_bytes(text: str, longest: int) -> None:
    if len(text) > longest:
        raise output_exceeded()
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        # from None, because that error contains the text with its secrets
        raise RenderFault(
            "The text contains a lone surrogate, which cannot be encoded as UTF-8."
        ) from None
    if size > longest:
        raise output_exceeded()
