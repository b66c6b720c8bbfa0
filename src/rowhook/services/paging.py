"""Keyset pagination with opaque cursors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated, Any, Protocol, TypeVar

import msgspec
from msgspec import Meta

from rowhook.render.configuration import Fault
from rowhook.services.context import Rejected

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
MOST = 200
LARGEST_ID = 2**63 - 1
RowId = Annotated[int, Meta(ge=0, le=LARGEST_ID)]


class _Page(Protocol[T_co]):
    @property
    def items(self) -> Sequence[T_co]: ...

    @property
    def next_cursor(self) -> str | None: ...


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


def page(texts: list[str], kind: type[T], limit: int, *position: str) -> tuple[list[T], str | None]:
    """Decodes the first `limit` documents; the cursor of the next page is of these fields.

    It is None if there are no more.
    """
    items, last = cut(read(texts, kind), limit)
    return items, None if last is None else cursor(*(getattr(last, name) for name in position))


async def every_item(page_at: Callable[[str | None], Awaitable[_Page[T]]]) -> AsyncIterator[T]:
    """Yields the items of all pages of a list; `page_at` reads the page at a cursor."""
    position = None
    while True:
        listed = await page_at(position)
        for item in listed.items:
            yield item
        position = listed.next_cursor
        if position is None:
            return


def cut(items: list[T], limit: int) -> tuple[list[T], T | None]:
    """Returns the first `limit` items, and the last of them if there are more."""
    return (items[:limit], items[limit - 1]) if len(items) > limit else (items, None)
