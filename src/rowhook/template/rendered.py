"""A rendered text, with holes where its secrets will stand. It keeps no secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .faults import Misfit, RenderFault
from .frame import overflowing
from .limits import MAX_HEADER, MAX_OUTPUT, MAX_URL
from .outputs import Hole
from .place import Place
from .url import has_dots

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = {Place.URL: MAX_URL, Place.HEADER: MAX_HEADER}


@dataclass(frozen=True, slots=True)
class Rendered:
    """One rendered text. `parts` are its texts and holes in order, empty where it has no holes."""

    place: Place
    text: str = field(repr=False)
    parts: tuple[str, ...] = field(default=(), repr=False)

    def redacted(self) -> str:
        """Return the text as people may see it, with `[secret:<id>]` for each secret."""
        return self.text

    def reveal(self, secrets: Mapping[str, str]) -> str:
        """Return the text with its secrets, each escaped for where it stands.

        Raises RenderFault, which never holds a secret's value, for a secret that is missing or
        does not fit.
        """
        if not self.parts:
            return self.text
        text = "".join(
            _filled(part, secrets) if type(part) is Hole else part for part in self.parts
        )
        _refuse(text, self.place)
        return text


def _filled(hole: Hole, secrets: Mapping[str, str]) -> str:
    try:
        return hole.escape(secrets[hole.id])
    except KeyError:
        raise RenderFault(f"secret:{hole.id} does not exist.") from None
    except Misfit as fault:
        raise RenderFault(f"secret:{hole.id} {fault}") from None


def render_text(pieces: list[str], place: Place, *, has_holes: bool) -> Rendered:
    """Join what a render has written; raises RenderFault for what may not be sent."""
    text = "".join(pieces)
    _refuse(text, place)
    return Rendered(place, text, tuple(pieces) if has_holes else ())


def _refuse(text: str, place: Place) -> None:
    longest = _LONGEST.get(place, MAX_OUTPUT)
    if len(text) > longest:
        raise overflowing()
    if not text.isascii():
        _refuse_bytes(text, longest)
    if place is Place.URL and has_dots(text):
        raise RenderFault("The path of the URL contains a . or .. segment, which is not allowed.")


def _refuse_bytes(text: str, longest: int) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        # from None: that error carries the text, with its secrets
        raise RenderFault(
            "The text contains a lone surrogate, which cannot be encoded as UTF-8."
        ) from None
    if size > longest:
        raise overflowing()
