"""Splits response headers into a frame, which is stored once, and the values of one response.

A receiver answers with the same header names each time, and with the same value for most of them.
Which values are the same is learned from its responses: the first is stored whole.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple
from uuid import UUID

from rowhook.model import Headers, RequestFrame
from rowhook.render.request_frame import Piece, frame_of_pieces, json_content

MAX_SHAPES = 2048
_MAX_CHARACTERS = 4096


class FramedHeaders(NamedTuple):
    """Response headers in their stored form."""

    frame: RequestFrame
    values: tuple[str, ...]


class _Shape(NamedTuple):
    """The values that all responses with these header names have had in common, None for others."""

    common: tuple[str | None, ...]
    frame: RequestFrame | None


class ResponseFrames:
    """The frames of the responses that this worker received last."""

    def __init__(self) -> None:
        self._shapes: OrderedDict[tuple[UUID, tuple[str, ...]], _Shape] = OrderedDict()

    def split(self, request: RequestFrame, headers: Headers) -> FramedHeaders | None:
        """Return the framed headers of a response to a request with this frame.

        None for the first response with these header names, and for headers that are very long or
        contain control characters.
        """
        names = tuple(name for name, _ in headers)
        values = tuple(value for _, value in headers)
        text = "".join((*names, *values))
        # NUL and lone surrogates, which PostgreSQL refuses, are not printable.
        if not text or len(text) > _MAX_CHARACTERS or not text.isprintable():
            return None
        key = (request.webhook_id, names)
        known = self._shapes.get(key)
        if known is None:
            self._store(key, _Shape(values, None))
            return None
        self._shapes.move_to_end(key)
        common = tuple(
            value if value == before else None
            for value, before in zip(values, known.common, strict=True)
        )
        frame = known.frame
        if frame is None or common != known.common:
            frame = frame_of_pieces(
                request.webhook_id, request.organization_id, _pieces(names, common)
            )
            self._store(key, _Shape(common, frame))
        own = tuple(value for value, shared in zip(values, common, strict=True) if shared is None)
        return FramedHeaders(frame, own)

    def _store(self, key: tuple[UUID, tuple[str, ...]], shape: _Shape) -> None:
        self._shapes[key] = shape
        if len(self._shapes) > MAX_SHAPES:
            self._shapes.popitem(last=False)


def _pieces(names: tuple[str, ...], common: tuple[str | None, ...]) -> Iterator[Piece]:
    """Yield the JSON text [[name, value], …], with the places of the values that differ."""
    numbers = count()
    for index, (name, value) in enumerate(zip(names, common, strict=True)):
        yield f'{"," if index else "["}["{json_content(name)}","'
        yield next(numbers) if value is None else json_content(value)
        yield '"]'
    yield "]"
