"""A rendered text with placeholders for its secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rowhook.template.faults import InvalidValue, RenderFault
from rowhook.template.limits import MAX_HEADER, MAX_OUTPUT, MAX_URL
from rowhook.template.output_context import OutputContext
from rowhook.template.render_state import output_exceeded
from rowhook.template.url_parts import empty_segment, has_dot_segments
from rowhook.template.value_output import EmptyValue, SecretPlaceholder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_VALUES = (EmptyValue, SecretPlaceholder)
_LONGEST = {OutputContext.URL: MAX_URL, OutputContext.HEADER: MAX_HEADER}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A rendered text. `parts` are its texts and placeholders, empty if there are none."""

    output_context: OutputContext
    text: str = field(repr=False)
    parts: tuple[str, ...] = field(default=(), repr=False)

    def redacted(self) -> str:
        """Return the text with `[secret:<id>]` for each secret."""
        return self.text

    def reveal(self, secrets: Mapping[str, str]) -> str:
        """Return the text with its secrets, each escaped for its context.

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
    """Join the written texts. Raises RenderFault if the result must not be sent."""
    text = "".join(pieces)
    _check(text, output_context)
    if output_context is OutputContext.URL and "" in pieces:
        _check_segments(pieces, pieces)
    return Rendered(output_context, text, tuple(pieces) if has_secrets else ())


def _check_segments(texts: Sequence[str], parts: Sequence[str]) -> None:
    """Raise RenderFault if a value or secret is a whole segment of the path, but empty."""
    empty = empty_segment(texts, [isinstance(part, _VALUES) for part in parts])
    if empty is None:
        return
    part = parts[empty]
    subject = part.name if isinstance(part, EmptyValue) else None
    name = f"secret:{part.id}" if isinstance(part, SecretPlaceholder) else subject
    raise RenderFault(f"{name} is empty, but it is a whole segment of the URL's path.", subject)


def _check(text: str, output_context: OutputContext) -> None:
    longest = _LONGEST.get(output_context, MAX_OUTPUT)
    if len(text) > longest:
        raise output_exceeded()
    if not text.isascii():
        _check_bytes(text, longest)
    if output_context is OutputContext.URL and has_dot_segments(text):
        raise RenderFault("The path of the URL contains a . or .. segment, which is not allowed.")


def _check_bytes(text: str, longest: int) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        # from None, because that error contains the text with its secrets
        raise RenderFault(
            "The text contains a lone surrogate, which cannot be encoded as UTF-8."
        ) from None
    if size > longest:
        raise output_exceeded()
