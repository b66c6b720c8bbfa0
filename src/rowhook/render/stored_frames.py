"""Frames: the texts that the stored requests or responses of a webhook share.

An attempt stores references to its frames (`rowhook.request_frame`) and its own values; parts of
the event are stored only in the event. `rowhook.request_as_sent` joins them again.

A receiver answers with the same header names each time, and with the same value for most of them.
Which values these are is learned from its responses: the first is stored whole.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import NamedTuple
from uuid import UUID

import msgspec

from rowhook.model import EventPart, FramedRequest, Headers, RedactedRequest, RequestFrame
from rowhook.render.payload import PAYLOAD_ORIGINS
from rowhook.render.webhook_compiler import Webhook
from rowhook.template.compiler import Template


class Shared(NamedTuple):
    """The origin of a value that occurs several times in a request, but is stored once."""

    name: str


# The origins of the parts of a text: a `str` is literal text, an EventPart is a part of the event,
# and None is a value of the attempt.
Origins = tuple[str | EventPart | Shared | None, ...]
Piece = str | int | EventPart

_KEY = (EventPart("key"),)
_WIRE_KEY = (Shared("key"),)
_EPOCH = Shared("epoch")
# By kind of body; `static` and the default payloads are handled separately.
_BODIES: dict[str, Origins] = {"raw": (EventPart("data"),), "rendered": (None,)}
MAX_SHAPES = 2048
_MAX_CHARACTERS = 4096


def frame_request(
    webhook: Webhook,
    request: RedactedRequest,
    *,
    key: str,
    epoch: int,
    kind: str,
    values: tuple[str, ...],
    is_traced: bool = False,
) -> FramedRequest | None:
    """Returns the framed request, or None if SQL could not reassemble it.

    `kind` is the kind of body: `none`, `static`, `rendered`, `raw`, or a key of PAYLOAD_ORIGINS.
    `values` are the parts of the body that belong to this attempt. If the request `is_traced`, its
    last header is the trace.
    """
    fixed = len(webhook.fixed_headers)
    headers = request.headers[:-1] if is_traced else request.headers
    signature = headers[fixed : len(headers) - len(webhook.headers)]
    signed = _signature_values(signature, key, epoch)
    if signed is None:
        return None
    all_values = signed + values
    if webhook.headers or is_traced or not _is_static(webhook.url):
        own = headers[len(headers) - len(webhook.headers) :]
        all_values = (
            *(() if _is_static(webhook.url) else (request.url,)),
            *signed,
            *(
                value
                for (_, value), (_, part) in zip(own, webhook.headers, strict=True)
                if not part.is_static
            ),
            *(value for _, value in request.headers[len(headers) :]),
            *values,
        )
    shape = (kind, len(signed), is_traced)
    frame = webhook.frames.get(shape)
    if frame is None:
        # At most four per kind of body: with the event's key or a hashed key, traced or not.
        frame = webhook.frames[shape] = _request_frame(
            webhook, request, signature, key, kind, is_traced=is_traced
        )
    return FramedRequest(frame=frame, values=all_values)


def _is_static(template: Template | None) -> bool:
    return template is None or template.is_static


def _signature_values(signature: Headers, key: str, epoch: int) -> tuple[str, ...] | None:
    """Returns the values of the signature headers, in the order of _signature_origins."""
    if not signature:
        return ()
    (_, sent_key), (_, branded), _, (_, timestamp), (_, standard) = signature
    prefix = f"t={epoch},"
    if timestamp != str(epoch) or not branded.startswith(prefix):
        return None
    branded = branded[len(prefix) :]
    if sent_key == key:
        return timestamp, branded, standard
    return sent_key, timestamp, branded, standard


def _signature_origins(signature: Headers, key: str) -> list[tuple[str, Origins]]:
    if not signature:
        return []
    sent_key: Origins = _KEY if signature[0][1] == key else _WIRE_KEY
    origins: tuple[Origins, ...] = (
        sent_key,
        ("t=", _EPOCH, ",", None),
        sent_key,
        (_EPOCH,),
        (None,),
    )
    return [(name, origin) for (name, _), origin in zip(signature, origins, strict=True)]


def _request_frame(
    webhook: Webhook,
    request: RedactedRequest,
    signature: Headers,
    key: str,
    kind: str,
    *,
    is_traced: bool,
) -> RequestFrame:
    headers: list[tuple[str, Origins]] = [(name, (value,)) for name, value in webhook.fixed_headers]
    headers += _signature_origins(signature, key)
    own = request.headers[len(headers) : len(headers) + len(webhook.headers)]
    headers += [
        (name, (value if part.is_static else None,))
        for (name, value), (_, part) in zip(own, webhook.headers, strict=True)
    ]
    if is_traced:
        headers.append((request.headers[-1][0], (None,)))
    return make_frame(
        webhook.id,
        webhook.organization_id,
        request.method,
        (request.url if _is_static(webhook.url) else None,),
        headers,
        _body_origins(request, kind),
    )


def _body_origins(request: RedactedRequest, kind: str) -> Origins | None:
    if request.body is None:
        return None
    if kind == "static":
        return (request.body,)
    return _BODIES.get(kind) or PAYLOAD_ORIGINS[kind]


def make_frame(
    webhook: UUID,
    organization: UUID,
    method: str,
    url: Origins,
    headers: Sequence[tuple[str, Origins]],
    body: Origins | None,
) -> RequestFrame:
    """Returns the frame of `{method, url, headers, body}`; values are numbered in order."""
    return frame_of_pieces(webhook, organization, _pieces(method, url, headers, body))


def frame_of_pieces(webhook: UUID, organization: UUID, pieces: Iterable[Piece]) -> RequestFrame:
    """Returns the frame with these pieces of a JSON text."""
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
    """Yields the JSON text of the request, with the origins inside quotes."""
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
    """Merges adjacent texts."""
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
    """Returns the text as in a JSON string, without the quotes."""
    return msgspec.json.encode(text).decode()[1:-1]


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
        """Returns the framed headers of a response to a request with this frame.

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
        shape = self._shapes.get(key)
        if shape is None:
            self._store(key, _Shape(values, None))
            return None
        self._shapes.move_to_end(key)
        common = tuple(
            value if value == before else None
            for value, before in zip(values, shape.common, strict=True)
        )
        frame = shape.frame
        if frame is None or common != shape.common:
            frame = frame_of_pieces(
                request.webhook_id, request.organization_id, _header_pieces(names, common)
            )
            self._store(key, _Shape(common, frame))
        own = tuple(value for value, shared in zip(values, common, strict=True) if shared is None)
        return FramedHeaders(frame, own)

    def _store(self, key: tuple[UUID, tuple[str, ...]], shape: _Shape) -> None:
        self._shapes[key] = shape
        if len(self._shapes) > MAX_SHAPES:
            self._shapes.popitem(last=False)


def _header_pieces(names: tuple[str, ...], common: tuple[str | None, ...]) -> Iterator[Piece]:
    """Yields the JSON text [[name, value], …], with the places of the values that differ."""
    numbers = count()
    for index, (name, value) in enumerate(zip(names, common, strict=True)):
        yield f'{"," if index else "["}["{json_content(name)}","'
        yield next(numbers) if value is None else json_content(value)
        yield '"]'
    yield "]"
