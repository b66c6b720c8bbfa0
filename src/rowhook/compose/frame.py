"""A request in two parts: what all requests of its webhook have in common, and its own values.

The first is stored once for the webhook (`rowhook.request_frame`), the second with each attempt.
What stands in the event is stored with neither. `rowhook.request_as_sent` joins them again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import msgspec

from rowhook.delivery import EventPart, Frame, Framed

_MOST_FRAMES = 2048


class Part(NamedTuple):
    """A part of a request with its text. `origin` is None for what is of this attempt alone.

    A `str` is the text itself, the same in every attempt; an EventPart is what the event holds.
    """

    origin: str | EventPart | None
    text: str


Origins = tuple[str | EventPart | None, ...]


def constant(text: str) -> Part:
    """A text that every attempt has."""
    return Part(text, text)


def varying(text: str) -> Part:
    """A text of this attempt alone."""
    return Part(None, text)


def of_event(name: str, text: str) -> Part:
    """A text that the event holds under this name."""
    return Part(_EVENT_PARTS[name], text)


_EVENT_PARTS = {
    name: EventPart(name)
    for name in (
        "key", "data", "context", "open_job", "agent", "agent_version", "organization", "commit_id",
        "committed_at", "goal", "template", "session", "interview", "webhook", "reason",
    )
}  # fmt: skip


def framed(
    webhook: UUID,
    organization: UUID,
    method: str,
    url: Part,
    headers: Iterable[tuple[str, Part]],
    body: Iterable[Part] | None,
) -> Framed | None:
    """The request in its two parts; None for one with a NUL, which SQL cannot put together."""
    named = tuple(headers)
    parts = [url, *(part for _, part in named), *(body or ())]
    values = tuple(part.text for part in parts if part.origin is None)
    if any("\x00" in value for value in values):
        return None
    frame = _frame(
        webhook, organization, method, url.origin,
        tuple((name, part.origin) for name, part in named),
        None if body is None else tuple(part.origin for part in body),
    )  # fmt: skip
    return Framed(frame=frame, values=values)


@lru_cache(_MOST_FRAMES)
def _frame(
    webhook: UUID,
    organization: UUID,
    method: str,
    url: str | EventPart | None,
    headers: tuple[tuple[str, str | EventPart | None], ...],
    body: Origins | None,
) -> Frame:
    pieces = msgspec.json.encode(list(_joined(_pieces(method, url, headers, body))))
    digest = hashlib.blake2b(webhook.bytes + pieces, digest_size=16).digest()
    return Frame(
        digest=UUID(bytes=digest), webhook_id=webhook, organization_id=organization,
        pieces=msgspec.Raw(pieces),
    )  # fmt: skip


def _pieces(
    method: str,
    url: str | EventPart | None,
    headers: tuple[tuple[str, str | EventPart | None], ...],
    body: Origins | None,
) -> Iterator[str | int | EventPart]:
    """The JSON text of `{method, url, headers, body}`; origins stand within its quotes."""
    number = 0

    def quoted(origin: str | EventPart | None) -> str | int | EventPart:
        nonlocal number
        if origin is None:
            number += 1
            return number - 1
        return _content(origin) if isinstance(origin, str) else origin

    yield f'{{"method":"{_content(method)}","url":"'
    yield quoted(url)
    yield '","headers":['
    for place, (name, origin) in enumerate(headers):
        yield f'{"," if place else ""}["{_content(name)}","'
        yield quoted(origin)
        yield '"]'
    if body is None:
        yield '],"body":null}'
        return
    yield '],"body":"'
    for origin in body:
        yield quoted(origin)
    yield '"}'


def _joined(pieces: Iterable[str | int | EventPart]) -> Iterator[str | int | EventPart]:
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
