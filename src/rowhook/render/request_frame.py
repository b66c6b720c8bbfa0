"""Builds the request frame: the JSON text that all stored requests of a webhook share.

An attempt stores a reference to its frame (`rowhook.request_frame`) and its own values; parts of
the event are stored only in the event. `rowhook.request_as_sent` joins them again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import NamedTuple
from uuid import UUID

import msgspec

from rowhook.model import EventPart, RequestFrame


class Shared(NamedTuple):
    """The origin of a value that occurs several times in a request, but is stored once."""

    name: str


# The origins of the parts of a text: a `str` is literal text, an EventPart is a part of the event,
# and None is a value of the attempt.
Origins = tuple[str | EventPart | Shared | None, ...]
Piece = str | int | EventPart


def make_frame(
    webhook: UUID,
    organization: UUID,
    method: str,
    url: Origins,
    headers: Sequence[tuple[str, Origins]],
    body: Origins | None,
) -> RequestFrame:
    """Return the frame of `{method, url, headers, body}`; values are numbered in order."""
    return frame_of_pieces(webhook, organization, _pieces(method, url, headers, body))


def frame_of_pieces(webhook: UUID, organization: UUID, pieces: Iterable[Piece]) -> RequestFrame:
    """Return the frame with these pieces of a JSON text."""
    encoded = msgspec.json.encode(list(_merge_texts(pieces)))
    digest = hashlib.blake2b(webhook.bytes + encoded, digest_size=16).digest()
    return RequestFrame(
        digest=UUID(bytes=digest),
        webhook_id=webhook,
        organization_id=organization,
        pieces=msgspec.Raw(encoded),
    )


def _pieces(
    method: str, url: Origins, headers: Sequence[tuple[str, Origins]], body: Origins | None
) -> Iterator[Piece]:
    """Yield the JSON text of the request, with the origins inside quotes."""
    numbers = count()
    shared: dict[Shared, int] = {}

    def quoted(origins: Origins) -> Iterator[Piece]:
        for origin in origins:
            if origin is None:
                yield next(numbers)
            elif isinstance(origin, Shared):
                if origin not in shared:
                    shared[origin] = next(numbers)
                yield shared[origin]
            else:
                yield json_content(origin) if isinstance(origin, str) else origin

    yield f'{{"method":"{json_content(method)}","url":"'
    yield from quoted(url)
    yield '","headers":['
    for index, (name, origins) in enumerate(headers):
        yield f'{"," if index else ""}["{json_content(name)}","'
        yield from quoted(origins)
        yield '"]'
    if body is None:
        yield '],"body":null}'
        return
    yield '],"body":"'
    yield from quoted(body)
    yield '"}'


def _merge_texts(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Merge adjacent texts."""
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


def json_content(text: str) -> str:
    """Return the text as in a JSON string, without the quotes."""
    return msgspec.json.encode(text).decode()[1:-1]
