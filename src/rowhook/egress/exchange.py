"""The messages and times of one exchange: encoded requests (RFC 9112) and received responses."""

from __future__ import annotations

import functools
import re
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from rowhook.egress import errors
from rowhook.model import Timings

if TYPE_CHECKING:
    from rowhook.model import Headers

# Methods for which a missing body is stated as empty (RFC 9110 section 8.6).
_WITH_BODY = {"POST", "PUT", "PATCH"}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
RawHeaders = list[tuple[bytes, bytes]]
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/[0-9]\.[0-9] ([1-9][0-9]{2})(?: [^\x00\r\n]*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*([^\x00\r\n]*?)[ \t]*")
# RFC 9112 section 5.2: a line that begins with white space continues the previous one.
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
SWITCHING_PROTOCOLS = 101


def encode(
    method: str, request_target: str, authority: str, headers: Headers, body: bytes | None
) -> bytes:
    """Returns the bytes of a request. Raises Failure if HTTP cannot express it."""
    if not _is_token(method):
        raise errors.unsendable()
    lines = [f"{method} {request_target} HTTP/1.1\r\nHost: {authority}"]
    for name, value in headers:
        if not (_is_token(name) and (value.isprintable() or _UNSENDABLE.search(value) is None)):
            raise errors.unsendable()
        lines.append(f"{name}: {value}")
    if body or method in _WITH_BODY:
        lines.append(f"Content-Length: {len(body or b'')}")
    lines.append("\r\n")
    try:
        head = "\r\n".join(lines).encode()
    except UnicodeEncodeError as error:
        raise errors.unsendable() from error
    return head + body if body else head


@functools.lru_cache(4096)
def _is_token(name: str) -> bool:
    return _TOKEN.fullmatch(name) is not None


class Response(msgspec.Struct, frozen=True):
    """The status, the headers as received, and the body as far as it was read, undecoded."""

    status: int
    headers: RawHeaders
    body: bytes = b""


def is_interim(status: int) -> bool:
    """Returns whether another response follows (RFC 9110 section 15.2)."""
    return status < 200 and status != SWITCHING_PROTOCOLS  # noqa: PLR2004  # 1xx


class BrokenHead:
    """Reads a head whose status line is valid, but not all its lines or its framing.

    Interim heads before it are dropped, and so are the lines that are not valid. The time is linear
    in the bytes, however small the pieces are.
    """

    def __init__(self) -> None:
        self._text = bytearray()
        self._status: int | None = None
        # Everything before it contains no line break, or no blank line, that was searched for.
        self._searched = 0

    def feed(self, data: bytes) -> Response | None:
        """Returns the response if the head is complete. Raises ValueError for its status line."""
        self._text += data
        while self._status is not None or self._read_status():
            blank = _BLANK_LINE.search(self._text, self._searched)
            if blank is None:
                self._searched = max(self._searched, len(self._text) - 3)
                return None
            if self._status is not None and not is_interim(self._status):
                return Response(self._status, _fields(bytes(self._text[: blank.start()])))
            del self._text[: blank.end()]
            self._status, self._searched = None, 0
        return None

    def _read_status(self) -> bool:
        """Reads the status line, and returns whether it is complete."""
        if self._text.startswith((b"\r", b"\n")):
            self._text = self._text.lstrip(b"\r\n")
        newline = self._text.find(b"\n", self._searched)
        if newline < 0:
            self._searched = len(self._text)
            if not b"HTTP/".startswith(self._text[:5]):
                raise ValueError("The status line is not valid.")
            return False
        status_line = _STATUS_LINE.fullmatch(self._text[:newline].removesuffix(b"\r"))
        if status_line is None:
            raise ValueError("The status line is not valid.")
        self._status, self._searched = int(status_line[1]), newline
        return True


def _fields(head: bytes) -> RawHeaders:
    _, *lines = _FOLD.sub(b"", head).replace(b"\r\n", b"\n").split(b"\n")
    fields = [field for line in lines if (field := _FIELD.fullmatch(line))]
    return [(field[1], field[2]) for field in fields]


class ExchangeTimer:
    """The times of one exchange, in seconds of the monotonic clock.

    `connected`: TCP was connected; `opened`: TLS too, if there is any.
    """

    __slots__ = ("connected", "opened", "resolved", "resolving", "responded", "started")

    def __init__(self) -> None:
        self.started = monotonic()
        self.resolving: float | None = None
        self.resolved: float | None = None
        self.connected: float | None = None
        self.opened: float | None = None
        self.responded: float | None = None

    def timings(self, *, secure: bool) -> Timings:
        """Returns the phases in milliseconds; a reused connection has no dns, connect or tls."""
        return Timings(
            dns=_between(self.resolving, self.resolved),
            connect=_between(self.resolved or self.started, self.connected),
            tls=_between(self.connected, self.opened) if secure else None,
            first_byte=_between(self.opened or self.started, self.responded),
            total=_between(self.started, monotonic()),
        )


def _between(begin: float | None, end: float | None) -> float | None:
    return None if begin is None or end is None else round((end - begin) * 1000, 3)
