"""Keyset pagination with opaque cursors."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from rowhook.render.configuration import Fault
from rowhook.services.context import Rejected

T = TypeVar("T")
MOST = 200
LARGEST_ID = 2**63 - 1
RowId = Annotated[int, Meta(ge=0, le=LARGEST_ID)]


def cursor(*position: Any) -> str:
    """Encodes a position in a list."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def decode_cursor(text: str | None, kind: type[T]) -> T | None:
    """Decodes a cursor to a tuple of type `kind`. Raises Rejected if it is invalid."""
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        position = msgspec.json.decode(raw, type=kind)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise _invalid_cursor() from error
    if "\0" in "".join(part for part in msgspec.to_builtins(position) if isinstance(part, str)):
        raise _invalid_cursor()
    return position


def _invalid_cursor() -> Rejected:
    message = "Invalid cursor. Use next_cursor of the previous page unchanged, or leave it out."
    return Rejected(Fault(pointer="/cursor", message=message))


def read(texts: list[str], kind: type[T]) -> list[T]:
    """Decodes the documents of a page."""
    return [msgspec.json.decode(text, type=kind) for text in texts]


def cut(items: list[T], limit: int) -> tuple[list[T], T | None]:
    """Returns the first `limit` items, and the last of them if there are more."""
    return (items[:limit], items[limit - 1]) if len(items) > limit else (items, None)
