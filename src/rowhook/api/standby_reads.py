"""Requests with a standby: which of them read only the primary, and the header `Read-From`."""

from __future__ import annotations

import math
import time
from http.cookies import CookieError, SimpleCookie
from typing import Any

from litestar.types import Message, Send

from rowhook.db.standby import MAX_LAG_S, REQUEST_READS, RequestReads, Standby, header_of
from rowhook.server_sent_events import MEDIA_TYPE

_COOKIE = "rowhook_wrote"
# A standby that is further behind is not read, and a check may be a few seconds old.
_FRESH_S = 2 * MAX_LAG_S
_SET_COOKIE = f"{_COOKIE}=1; Max-Age={_FRESH_S:.0f}; Path=/; HttpOnly; SameSite=lax".encode()
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Their callers hold keys and keep no cookies.
_WITHOUT_COOKIES = ("/v1/", "/mcp")


class StandbySender:
    """Sends a response with the header `Read-From`.

    The pages that follow a form read the primary, so that they show what it changed: a cookie says
    so to every process.
    """

    def __init__(self, scope: Any, send: Send, standby: Standby) -> None:
        self._send = send
        self._standby = standby
        self._sets_cookie = scope["method"] not in _SAFE and not scope["path"].startswith(
            _WITHOUT_COOKIES
        )
        self._reads = RequestReads(primary_until=_primary_until(scope))
        REQUEST_READS.set(self._reads)

    async def __call__(self, message: Message) -> None:
        """Send a message, the first one with the headers."""
        if message["type"] == "http.response.start":
            source = header_of(self._reads, self._standby)
            headers = [] if source is None else [(b"read-from", source.encode())]
            headers += [(b"set-cookie", _SET_COOKIE)] if self._sets_cookie else []
            message["headers"] = [*message["headers"], *headers]
        await self._send(message)


def _primary_until(scope: Any) -> float:
    if scope["method"] not in _SAFE:
        return math.inf
    headers = dict(scope["headers"])
    if _COOKIE in _cookies(headers.get(b"cookie", b"").decode("latin-1")):
        # A stream stays open longer than the cookie lasts.
        return time.monotonic() + _FRESH_S
    # Browsers send no-cache with every event stream.
    is_stream = headers.get(b"accept") == MEDIA_TYPE.encode()
    asks = b"no-cache" in headers.get(b"cache-control", b"").lower()
    return math.inf if asks and not is_stream else 0.0


def _cookies(header: str) -> SimpleCookie:
    try:
        return SimpleCookie(header)
    except CookieError:
        return SimpleCookie()
