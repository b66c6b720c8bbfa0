"""Keyset pages: a cursor is where the page before ended, opaque to who holds it."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from rowhook.compose import Fault
from rowhook.operations.ctx import Rejected

T = TypeVar("T")
MOST = 200
LARGEST_ID = 2**63 - 1
RowId = Annotated[int, Meta(ge=0, le=LARGEST_ID)]


def cursor(*place: Any) -> str:
    """The text of a place in a list."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place(text: str | None, kind: type[T]) -> T | None:
    """Where a cursor points, as the tuple `kind`. Raises Rejected for what is no cursor of ours."""
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found = msgspec.json.decode(raw, type=kind)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise _not_ours() from error
    if "\0" in "".join(one for one in msgspec.to_builtins(found) if isinstance(one, str)):
        raise _not_ours()
    return found


def _not_ours() -> Rejected:
    message = "not a cursor of this list: take next_cursor as it was given, or leave it out"
    return Rejected(Fault(pointer="/cursor", message=message))


def read(texts: list[str], kind: type[T]) -> list[T]:
    """The documents of a page."""
    return [msgspec.json.decode(text, type=kind) for text in texts]


def cut(items: list[T], limit: int) -> tuple[list[T], T | None]:
    """The first `limit` items, and the last of them if there are more."""
    return (items[:limit], items[limit - 1]) if len(items) > limit else (items, None)
