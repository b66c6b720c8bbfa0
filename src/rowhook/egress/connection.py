"""One connection: writes a request and parses its response.

The head is complete before the response counts: a lost connection or a deadline inside it is a
failure. From then on the status is never lost; the body is read only for display, limited in bytes
and time. Invalid lines of the head are ignored if the status line is valid.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import Enum, auto
from time import monotonic
from typing import TYPE_CHECKING, cast

import httptools

from rowhook.egress.exchange import BrokenHead, Response, is_interim

if TYPE_CHECKING:
    from rowhook.egress.exchange import ExchangeTimer, RawHeaders
    from rowhook.egress.origin_pool import Deadlines, Origin, OriginPool

# Limits for all heads of a response, including interim ones.
MAX_HEAD_BYTES = 65_536
MAX_HEADS = 256
# Headers that are kept; as objects, short ones take 20 times their bytes.
MAX_HEADERS = 1_000
READ_BYTES = 65_536
# The body with chunk sizes, chunk extensions and trailers, which may be endless.
MAX_BODY_BYTES = 524_288
# Time for the body after the status has arrived, so that the connection can be reused. Seconds.
BODY_GRACE_S = 2.0
# Idle time of a connection whose server does not state one (Keep-Alive: timeout=…).
IDLE_S = 15.0
MAX_IDLE_S = 60.0
# A request that crosses the server's close is sent again; closing earlier avoids most of them.
IDLE_MARGIN_S = 1.0
# Time for the end of TLS, and for unwritten data, when a connection is closed.
CLOSE_S = 1.0
_SPACE = ord(" ")
_DISCARD = deque[tuple[bytes, bytes]](maxlen=0).append


class ResponseInvalid(Exception):
    """The received bytes are not an HTTP response, or its head is too large."""


class ConnectionEnded(Exception):
    """The connection ended before the head was complete; `__cause__` is the error, if any.

    `is_stale`: it was reused, and no byte of a response was received.
    """

    def __init__(self, *, is_stale: bool) -> None:
        self.is_stale = is_stale
        super().__init__()


class _State(Enum):
    IDLE = auto()
    HEAD = auto()
    # An invalid line was received; the head is read to its end.
    BROKEN_HEAD = auto()
    BODY = auto()


class Connection(asyncio.Protocol):
    """A connection to `origin`, used for one exchange at a time.

    `is_reusable`: the last exchange left it in a state in which another request may be sent.
    `idle_s`: how long it may be kept idle. `lost` is done when it is closed.
    """

    def __init__(self, origin: Origin, deadlines: Deadlines, pool: OriginPool) -> None:
        self.origin = origin
        self.is_reusable = False
        self.idle_s = IDLE_S
        self.tick = 0
        self._deadlines = deadlines
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self._parser = httptools.HttpResponseParser(self)
        # As lenient as browsers: a receiver that they accept is not a failing one.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
            # An interim response may have `Connection: close`, or be of HTTP/1.0.
            lenient_keep_alive=True,
        )
        self._transport: asyncio.Transport | None = None
        self._is_aborted = False
        self._state = _State.IDLE
        self._used = False
        self._early = bytearray()
        self._reset()

    def _reset(self) -> None:
        self._deadline = 0.0
        self._head = bytearray()
        self._broken_head: BrokenHead | None = None
        self._heads = 0
        self._status = 0
        self._headers: RawHeaders = []
        self._keep = self._headers.append
        self._body = bytearray()
        self._received_body_bytes = 0
        self._result: asyncio.Future[Response] | None = None
        self._pending: bytes | None = None
        self._timer: ExchangeTimer | None = None

    async def exchange(
        self, request: bytes, deadline: float, timer: ExchangeTimer | None = None
    ) -> Response:
        """Sends `request` and returns the response, by `deadline` in the loop's time.

        Raises TimeoutError, ResponseInvalid and ConnectionEnded.
        """
        if self._transport is None or self._transport.is_closing() or self.lost.done():
            # A response that arrived before is not one to a request that cannot be sent.
            raise ConnectionEnded(is_stale=self._used)
        self._timer = timer
        self._deadline = deadline
        self._state = _State.HEAD
        self.is_reusable = False
        result: asyncio.Future[Response] = self._loop.create_future()
        self._result = result
        self._deadlines.set(self, deadline)
        if self._used:
            self._pending = request
            self._pool.writes.add(self)
        else:
            self._transport.write(request)
        if self._early:
            self.data_received(bytes(self._early))
            self._early.clear()
        try:
            return await result
        except asyncio.CancelledError:
            self.abort()
            raise

    def write_pending(self) -> None:
        """Writes the request that was left for the end of an iteration of the event loop."""
        request, self._pending = self._pending, None
        if request is None or self._transport is None or self._transport.is_closing():
            return  # the exchange has ended, or ends with the connection
        try:
            self._transport.write(request)
        except RuntimeError as error:
            # uvloop raises it for a handle that has just been closed.
            ended = ConnectionEnded(is_stale=True)
            ended.__cause__ = error
            self._fail(ended)

    def close(self) -> None:
        """Closes the connection after its last bytes, at the latest after `CLOSE_S`."""
        self._deadlines.remove(self)
        if self._transport is not None and not self.lost.done():
            # A peer that does not read would keep it open forever.
            self._deadlines.set(self, self._loop.time() + CLOSE_S)
            self._transport.close()

    def abort(self) -> None:
        """Closes the connection at once, or when it is opened; its exchange, if any, fails."""
        self._deadlines.remove(self)
        self.is_reusable = False
        self._is_aborted = True
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_closing(self) -> bool:
        """Whether no request can be sent any more."""
        return self._transport is None or self._transport.is_closing()

    @property
    def is_open(self) -> bool:
        """Whether it was opened and is not yet closed."""
        return self._transport is not None and not self.lost.done()

    def expire(self) -> None:
        """Ends an exchange at its deadline, an idle connection, or one that does not close."""
        if self._state is _State.IDLE and self.is_closing:
            self.abort()
        elif self._state is _State.IDLE:
            self._pool.discard(self)
            self.close()
        elif self._state is _State.BODY:
            self._end_body()
        else:
            self._fail(TimeoutError())

    # Callbacks of the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport, which is replaced when TLS begins in a tunnel."""
        self._transport = cast("asyncio.Transport", transport)
        if self._is_aborted:
            self._transport.abort()

    def eof_received(self) -> None:
        """Closes at once if the request is not written yet: its response cannot arrive any more."""
        if self._transport is not None and self._transport.get_write_buffer_size():
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parses received data."""
        if self._state is _State.BODY:
            self._read_body(data)
        elif self._pending is not None:
            # It cannot be the response to a request that is not written yet.
            self._fail(ConnectionEnded(is_stale=True))
        elif self._state is not _State.IDLE:
            self._read_head(data)
        elif not self._used and len(self._early) < MAX_HEAD_BYTES:
            self._early += data
        else:
            # It must not be taken for the response to the next request.
            self._pool.discard(self)
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the exchange; the connection leaves the pool."""
        self._pool.forget(self)
        if not self.lost.done():
            self.lost.set_result(None)
        if self._state is _State.IDLE:
            self._deadlines.remove(self)
        elif self._state is _State.BODY:
            self._finish(is_reusable=False)
        else:
            error = ConnectionEnded(is_stale=self._used and not self._head)
            error.__cause__ = exc
            self._fail(error)

    # Callbacks of the parser.

    def on_message_begin(self) -> None:
        """Refuses to reuse a connection with a second response to one request."""
        if self._state is _State.IDLE:
            self.is_reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keeps a header."""
        # Both are rare, and faster to find than to remove.
        if name[-1] <= _SPACE or (value and value[-1] <= _SPACE):
            name, value = name.rstrip(b" \t"), value.rstrip(b" \t")
        self._keep((name, value))
        if len(name) == 10 and name.lower() == b"keep-alive":  # noqa: PLR2004  # its length
            self.idle_s = _idle_s(value)

    def on_headers_complete(self) -> None:
        """Begins the body of a final response; drops the head of an interim one."""
        if self._state is _State.IDLE:
            return
        status = self._parser.get_status_code()
        if status < 100:  # noqa: PLR2004  # RFC 9110 section 15: three digits, 1xx to 5xx
            raise ResponseInvalid
        if is_interim(status):
            self._heads += 1
            self._headers = []
            self._keep = self._headers.append
            return
        self._status = status
        # The following fields are not part of the head: trailers, or headers of a second response.
        self._discard_headers()
        self._state = _State.BODY
        if self._timer is not None:
            self._timer.responded = monotonic()

    def on_body(self, body: bytes) -> None:
        """Keeps the part of the body that is read."""
        if self._state is _State.BODY and len(self._body) < READ_BYTES:
            self._body += body[: READ_BYTES - len(self._body)]

    def on_message_complete(self) -> None:
        """Ends the exchange, unless the response was an interim one."""
        if self._state is _State.BODY:
            # A request that is not completely written cannot be followed by another one.
            unwritten = self._transport is None or self._transport.get_write_buffer_size()
            self._finish(is_reusable=not unwritten and self._parser.should_keep_alive())

    def _read_head(self, data: bytes) -> None:
        room = MAX_HEAD_BYTES - len(self._head)
        data, rest = (data, b"") if len(data) <= room else (data[:room], data[room:])
        self._head += data
        if self._state is _State.HEAD:
            self._parse(data)
        else:
            self._salvage(data)
        if len(self._headers) > MAX_HEADERS:
            self._discard_headers()
        if not rest and self._heads <= MAX_HEADS:
            return
        if self._state is _State.BODY:
            self._read_body(rest)
        elif self._state is _State.IDLE:
            self.is_reusable = False
        else:
            self._fail(ResponseInvalid())

    def _read_body(self, data: bytes) -> None:
        """Parses in pieces: the parser copies the body, and most of a large one is not read."""
        self._received_body_bytes += len(data)
        for start in range(0, len(data), READ_BYTES):
            if self._state is not _State.BODY:
                self.is_reusable = False
                return
            self._parse(data[start : start + READ_BYTES])

    def _parse(self, data: bytes) -> None:
        was_in_body = self._state is _State.BODY
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._end_body()
        except httptools.HttpParserError:
            if self._state is _State.HEAD:
                self._state = _State.BROKEN_HEAD
                self._salvage(bytes(self._head))
            else:
                self._end_body()
        else:
            if self._state is _State.BODY:
                if len(self._body) >= READ_BYTES or self._received_body_bytes >= MAX_BODY_BYTES:
                    self._end_body()
                elif not was_in_body:
                    self._limit_body_time()

    def _discard_headers(self) -> None:
        del self._headers[MAX_HEADERS:]
        self._keep = _DISCARD

    def _end_body(self) -> None:
        """Ends the exchange before the end of the response, and stops receiving."""
        if self._state is _State.BODY:
            self._finish(is_reusable=False)
        self.abort()

    def _limit_body_time(self) -> None:
        self._deadlines.remove(self)
        self._deadlines.set(self, min(self._deadline, self._loop.time() + BODY_GRACE_S))

    def _salvage(self, data: bytes) -> None:
        if self._broken_head is None:
            self._broken_head = BrokenHead()
        try:
            response = self._broken_head.feed(data)
        except ValueError:
            self._fail(ResponseInvalid())
            return
        if response is not None:
            if self._timer is not None:
                self._timer.responded = monotonic()
            self._status, self._headers = response.status, response.headers[:MAX_HEADERS]
            self._body.clear()
            self._finish(is_reusable=False)
            self.abort()

    def _finish(self, *, is_reusable: bool) -> None:
        response = Response(self._status, self._headers, bytes(self._body))
        result = self._end_exchange(is_reusable=is_reusable)
        if result is not None and not result.done():
            result.set_result(response)

    def _fail(self, error: Exception) -> None:
        result = self._end_exchange(is_reusable=False)
        self.abort()
        if result is not None and not result.done():
            result.set_exception(error)

    def _end_exchange(self, *, is_reusable: bool) -> asyncio.Future[Response] | None:
        self._deadlines.remove(self)
        self._state = _State.IDLE
        self._used = True
        self.is_reusable = is_reusable
        result = self._result
        # An idle connection holds nothing of the last exchange.
        self._reset()
        return result


def _idle_s(value: bytes) -> float:
    """Returns how long the server keeps an idle connection, with a margin (RFC 2068 19.7.1)."""
    for parameter in value.split(b","):
        name, _, seconds = parameter.strip().partition(b"=")
        if name.lower() == b"timeout" and seconds.isdigit():
            return min(max(float(seconds) - IDLE_MARGIN_S, 0.0), MAX_IDLE_S)
    return IDLE_S
