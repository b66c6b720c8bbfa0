"""What all requests of a webhook have in common, told once: the frame of their JSON text.

A delivery is stored as its frame and its own values (`rowhook.request_frame`); what stands in its
event is stored with neither. `rowhook.request_as_sent` joins them again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import NamedTuple
from uuid import UUID

import msgspec

from rowhook.delivery import EventPart, Frame


class Shared(NamedTuple):
    """The origin of a value that has several places in one request: it is stored once."""

    name: str


# Where the parts of a text come from. A `str` is the text itself, the same in every attempt; an
# EventPart is what the event holds; None is a value of this attempt alone.
Origins = tuple[str | EventPart | Shared | None, ...]
Piece = str | int | EventPart


def make_frame(
    webhook: UUID,
    organization: UUID,
    method: str,
    url: Origins,
    headers: Sequence[tuple[str, Origins]],
    body: Origins | None,
) -> Frame:
    """The frame of `{method, url, headers, body}`; values are numbered in the order of places."""
    pieces = msgspec.json.encode(list(_joined(_pieces(method, url, headers, body))))
    digest = hashlib.blake2b(webhook.bytes + pieces, digest_size=16).digest()
    return Frame(
        digest=UUID(bytes=digest),
        webhook_id=webhook,
        organization_id=organization,
        pieces=msgspec.Raw(pieces),
    )


def _pieces(
    method: str, url: Origins, headers: Sequence[tuple[str, Origins]], body: Origins | None
) -> Iterator[Piece]:
    """The JSON text of the request; origins stand within its quotes."""
    numbers = count()
    known: dict[Shared, int] = {}

    def quoted(origins: Origins) -> Iterator[Piece]:
        for origin in origins:
            if origin is None:
                yield next(numbers)
            elif isinstance(origin, Shared):
                if origin not in known:
                    known[origin] = next(numbers)
                yield known[origin]
            else:
                yield _content(origin) if isinstance(origin, str) else origin

    yield f'{{"method":"{_content(method)}","url":"'
    yield from quoted(url)
    yield '","headers":['
    for place, (name, origins) in enumerate(headers):
        yield f'{"," if place else ""}["{_content(name)}","'
        yield from quoted(origins)
        yield '"]'
    if body is None:
        yield '],"body":null}'
        return
    yield '],"body":"'
    yield from quoted(body)
    yield '"}'


def _joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Texts that follow each other are one."""
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
            continue
        if text:
            yield text
        yield piece
        text = ""
    if text:
        yield text


def _content(text: str) -> str:
    return msgspec.json.encode(text).decode()[1:-1]
