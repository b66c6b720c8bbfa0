"""Reads the complete head of a response before its body, so that the status is never lost.

aiohttp's parser drops a head if the same segment contains a body that it cannot parse; here the
head is parsed on its own. Interim responses (1xx) are dropped at once.
"""

from __future__ import annotations

import re
from time import monotonic
from typing import TYPE_CHECKING, Any

from aiohttp import EMPTY_PAYLOAD, ClientPayloadError, HttpVersion11
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict, CIMultiDictProxy

from rowhook.egress.timings import current

if TYPE_CHECKING:
    import asyncio

    from aiohttp.streams import StreamReader

    Response = tuple[RawResponseMessage, StreamReader]

# Limits for all heads of a response, including interim ones. Bytes.
MAX_HEAD = 65_536
MAX_HEADS = 256

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\x00\r\n]*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00\r\n]*?)[ \t]*")
_FRAMING = {b"content-length", b"transfer-encoding"}


class HeadFirstProtocol(ResponseHandler):
    """aiohttp's client protocol, which parses one head at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._awaiting = False
        self._partial = b""
        self._head = b""
        self._heads = self._head_bytes = 0
        # The factory runs when TCP is connected and before TLS begins.
        self._marks = current.get()
        if self._marks is not None:
            self._marks.connected = monotonic()
            self._marks.dials += 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Record when the connection, including TLS, was ready."""
        if self._marks is not None:
            self._marks.opened = monotonic()
            self._marks = None
        super().connection_made(transport)

    def set_response_params(self, **params: Any) -> None:
        """Begin an exchange; the next data is a head."""
        self._awaiting = True
        self._partial = self._head = b""
        self._heads = self._head_bytes = 0
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Feed the parser with one head at a time, then with the body."""
        if self._awaiting and data:
            self._read_heads(data)
        else:
            super().data_received(data)

    def feed_data(self, data: Response, size: int = 0) -> None:
        """Accept the final head, drop interim ones, and disconnect on an unsolicited response."""
        code = data[0].code
        if not self._awaiting:
            self._disconnect()
        elif code >= 200 or code == 101:  # noqa: PLR2004 - RFC 9110 section 15.2
            self._awaiting = False
            super().feed_data(data, size)

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """Fail the exchange, but deliver a complete status, and fail the reader of the body."""
        if self._awaiting and self._head and (response := _salvage(self._head)):
            self.feed_data(response)
        if self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(ClientPayloadError("the body is incomplete"))
        super().set_exception(exc, *(() if exc_cause is None else (exc_cause,)))

    def _read_heads(self, data: bytes) -> None:
        searched = max(0, len(self._partial) - 3)
        data, self._partial = self._partial + data, b""
        while self._awaiting:
            data = self._skip_blank_lines(data)
            blank = _BLANK_LINE.search(data, searched)
            if blank is None:
                self._store_partial(data)
                return
            head, data, searched = data[: blank.end()], data[blank.end() :], 0
            self._read_head(head)
        if data and self._exception is None:
            super().data_received(data)

    def _read_head(self, head: bytes) -> None:
        self._heads += 1
        self._head_bytes += len(head)
        if self._head_bytes > MAX_HEAD or self._heads > MAX_HEADS:
            self._fail()
            return
        self._head = head
        super().data_received(head)
        self._head = b""
        if self._exception is not None:
            self._awaiting = False

    def _skip_blank_lines(self, data: bytes) -> bytes:
        if data[:1] not in b"\r\n":
            return data
        rest = data.lstrip(b"\r\n")
        self._head_bytes += len(data) - len(rest)
        return rest

    def _store_partial(self, data: bytes) -> None:
        if self._head_bytes + len(data) > MAX_HEAD or not b"HTTP/".startswith(data[:5]):
            self._fail()
        else:
            self._partial = data

    def _fail(self) -> None:
        self._awaiting = False
        self._disconnect()
        self.set_exception(
            HttpProcessingError(message="not an HTTP response, or its head is too large")
        )

    def _disconnect(self) -> None:
        if self.transport is not None:
            self.transport.close()


def _salvage(head: bytes) -> Response | None:
    """Parse a head whose only error is the framing of the body (RFC 9112 section 6.3)."""
    status, *lines = head.strip(b"\r\n").replace(b"\r\n", b"\n").split(b"\n")
    status_match = _STATUS_LINE.fullmatch(status)
    fields = [_FIELD.fullmatch(line) for line in lines]
    raw = tuple((field[1], field[2]) for field in fields if field)
    if (
        status_match is None
        or len(raw) < len(fields)
        or not _FRAMING & {name.lower() for name, _ in raw}
    ):
        return None
    text = CIMultiDict((name.decode("ascii"), value.decode("latin-1")) for name, value in raw)
    message = RawResponseMessage(
        version=HttpVersion11,
        code=int(status_match[1]),
        reason="",
        headers=CIMultiDictProxy(text),
        raw_headers=raw,
        should_close=True,
        compression=None,
        upgrade=False,
        chunked=False,
    )
    return message, EMPTY_PAYLOAD
