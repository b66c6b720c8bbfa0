"""One way in which an instance breaks its schema, told without the instance's values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_SHOWN_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`pointer` (RFC 6901, "" is the whole instance), the schema `keyword`, and what is wrong."""

    pointer: str
    keyword: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: {self.message} ({self.keyword})"


def pointer_to(path: Iterable[str | int]) -> str:
    """The RFC 6901 pointer of a path of keys and indexes, storable and cut where a key is long."""
    return "".join(f"/{shown(str(one)).replace('~', '~0').replace('/', '~1')}" for one in path)


def shown(text: str, characters: int = _SHOWN_CHARACTERS) -> str:
    """A name from schema or data as a message may hold it: no NUL, no lone surrogate, not long.

    Postgres refuses U+0000 in text, and UTF-8 has no lone surrogates.
    """
    if len(text) > characters:
        text = text[:characters] + "…"
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text.replace("\0", "\\u0000")
