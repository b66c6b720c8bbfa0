"""Encodes requests (RFC 9112)."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from rowhook.egress import errors

if TYPE_CHECKING:
    from rowhook.model import Headers

# Methods for which a missing body is stated as empty (RFC 9110 section 8.6).
_WITH_BODY = {"POST", "PUT", "PATCH"}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def encode(
    method: str, request_target: str, authority: str, headers: Headers, body: bytes | None
) -> bytes:
    """Return the bytes of a request. Raises Failure for what HTTP cannot express."""
    if not _is_token(method):
        raise errors.unsendable()
    lines = [f"{method} {request_target} HTTP/1.1\r\nHost: {authority}"]
    for name, value in headers:
        if not (_is_token(name) and (value.isprintable() or _is_sendable(value))):
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


def _is_sendable(value: str) -> bool:
    return _UNSENDABLE.search(value) is None
