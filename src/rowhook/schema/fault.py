"""Faults of an instance, without its values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_MAX_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A violation of a schema: JSON pointer into the instance, schema keyword and message."""

    pointer: str
    keyword: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: {self.message} ({self.keyword})"


def pointer_to(path: Iterable[str | int]) -> str:
    """Return the RFC 6901 pointer of a path; long keys are truncated."""
    return "".join(
        f"/{printable(str(step)).replace('~', '~0').replace('/', '~1')}" for step in path
    )


def printable(text: str, characters: int = _MAX_CHARACTERS) -> str:
    """Return a text for messages: truncated, with NUL and lone surrogates escaped.

    PostgreSQL does not store U+0000 in text, and UTF-8 has no lone surrogates.
    """
    if len(text) > characters:
        text = text[:characters] + "…"
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text.replace("\0", "\\u0000")
