"""JSON pointers (RFC 6901) as texts and as lists of steps."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from jsonpointer import escape, unescape


def join(steps: Iterable[str | int]) -> str:
    """Return the pointer of a path of keys and indexes."""
    return "".join(f"/{escape(str(step))}" for step in steps)


def split(pointer: str) -> list[str]:
    """Return the steps of a pointer; the text before the first slash is ignored."""
    return [unescape(step) for step in pointer.split("/")[1:]]


def split_reference(reference: str) -> list[str]:
    """Return the steps of the pointer in the fragment of a URI, such as `#/$defs/a%20b`."""
    return split(unquote(reference.partition("#")[2]))
