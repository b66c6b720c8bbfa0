"""A received response, and the responses of broken heads."""

from __future__ import annotations

import re

import msgspec

RawHeaders = list[tuple[bytes, bytes]]

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\x00\r\n]*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00\r\n]*?)[ \t]*")
SWITCHING_PROTOCOLS = 101


class Response(msgspec.Struct, frozen=True):
    """The status, the headers as received, and the body as far as it was read, undecoded."""

    status: int
    headers: RawHeaders
    body: bytes = b""


def is_interim(status: int) -> bool:
    """Return whether another response follows (RFC 9110 section 15.2)."""
    return status < 200 and status != SWITCHING_PROTOCOLS  # noqa: PLR2004  # 1xx


def salvage(heads: bytes) -> Response | None:
    """Read a complete head whose status line is valid, but not all its lines or its framing.

    `heads` begins with the interim heads. The lines that are not valid are dropped. Returns None
    if the head is not complete yet. Raises ValueError if its status line is not valid.
    """
    while True:
        heads = heads.lstrip(b"\r\n")
        status = _status(heads)
        blank = _BLANK_LINE.search(heads)
        if status is None or blank is None:
            return None
        if not is_interim(status):
            _, *lines = heads[: blank.start()].replace(b"\r\n", b"\n").split(b"\n")
            fields = [field for line in lines if (field := _FIELD.fullmatch(line))]
            return Response(status, [(field[1], field[2]) for field in fields])
        heads = heads[blank.end() :]


def _status(head: bytes) -> int | None:
    """Return the status of the first line, or None if the line is not complete yet."""
    line, newline, _ = head.partition(b"\n")
    status_line = _STATUS_LINE.fullmatch(line.removesuffix(b"\r"))
    if status_line is None and (newline or not b"HTTP/1.".startswith(line[:7])):
        raise ValueError("The status line is not valid.")
    return int(status_line[1]) if status_line is not None and newline else None
