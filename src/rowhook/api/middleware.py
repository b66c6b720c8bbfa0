"""The application class: checks the address, handles HEAD, logs and measures each request."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from litestar import Litestar, Request
from litestar.datastructures import URL
from litestar.routes import HTTPRoute
from litestar.types import Message, Method, Receive, Send

from rowhook.api.metrics import Metrics
from rowhook.api.problems import problem
from rowhook.db.standby import MAX_LAG_S, REQUEST_READS, RequestReads, Standby, header_of
from rowhook.server_sent_events import MEDIA_TYPE

log = structlog.get_logger()
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES = frozenset({"/livez", "/readyz", "/metrics"})
NO_ROUTE = "none"
_COOKIE = "rowhook_wrote"
# A standby that is further behind is not read, and a check may be a few seconds old.
_FRESH_S = 2 * MAX_LAG_S
_SET_COOKIE = f"{_COOKIE}=1; Max-Age={_FRESH_S:.0f}; Path=/; HttpOnly".encode()
# Browsers keep no other cookie of a portal in a frame, and this one only with TLS.
_WITH_TLS = b"; SameSite=none; Secure; Partitioned"
_WITHOUT_TLS = b"; SameSite=lax"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Their callers hold keys and keep no cookies.
_WITHOUT_COOKIES = ("/v1/", "/mcp")


class RowhookApp(Litestar):
    """Litestar with one log line and one metric per request, by route and never by path."""

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # type: ignore[override]
        """Handles a request. HEAD is answered as GET without a body (RFC 9110, 9.3.2)."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        began = time.perf_counter()
        # A copy, because the server needs the original method. Litestar adds the route to it.
        inner = scope | {"method": "GET"} if scope["method"] == "HEAD" else scope
        if (standby := self.state.server_ctx.ctx.standby) is not None:
            send = StandbySender(scope, send, standby)
        sender = _ResponseSender(send, lambda: self._allowed(inner), bodiless=inner is not scope)
        _encode_segments(inner)
        handle = super().__call__ if _has_valid_address(inner) else self._reject
        try:
            await handle(inner, receive, sender)
        finally:
            route = inner.get("path_template") or NO_ROUTE
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._record(method, route, sender.status, time.perf_counter() - began)

    async def _reject(self, scope: Any, receive: Receive, send: Send) -> None:
        response = problem(
            400, "The Host header is not a valid host and port, or the query string is not UTF-8."
        )
        request: Request[Any, Any, Any] = Request(scope | {"litestar_app": self})
        await response.to_asgi_response(None, request)(scope, receive, send)

    @cached_property
    def _methods(self) -> dict[str, set[Method]]:
        routes = (route for route in self.routes if isinstance(route, HTTPRoute))
        return {route.path_format: route.methods for route in routes}

    def _allowed(self, scope: Any) -> set[str]:
        return {*self._methods.get(scope.get("path_template"), ())}

    def _record(self, method: str, route: str, status: int | None, seconds: float) -> None:
        metrics: Metrics = self.state.metrics
        metrics.record(method, route, status, seconds)
        write = log.debug if route in _PROBES else log.info
        ms = round(seconds * 1000, 1)
        write("api.answered", method=method, route=route, status=status, ms=ms)


def _encode_segments(scope: Any) -> None:
    """Keeps slashes of a segment encoded: Litestar would split the segment `a%2Fb` in two."""
    raw_path = scope.get("raw_path")
    if raw_path is not None and b"%" in raw_path:
        scope["path"] = "/".join(_encode_delimiters(segment) for segment in raw_path.split(b"/"))


def _encode_delimiters(segment: bytes) -> str:
    # Only the slash, and the percent sign itself, would be ambiguous.
    return unquote(segment.decode("latin-1")).replace("%", "%25").replace("/", "%2F")


def _has_valid_address(scope: Any) -> bool:
    """Whether host and query can be parsed (RFC 9112, 3.2), as later code requires."""
    try:
        urlsplit(str(URL.from_scope(scope)))
    except ValueError:
        return False
    return True


class _ResponseSender:
    """Sends a response, and keeps its status."""

    def __init__(self, send: Send, allowed: Callable[[], set[str]], *, bodiless: bool) -> None:
        self._send = send
        self._allowed = allowed
        self._bodiless = bodiless
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [
                self._corrected(name, value) for name, value in message["headers"]
            ]
            await self._send(message)
            if self._bodiless:
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        elif not self._bodiless:
            await self._send(message)

    def _corrected(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        if name != b"allow":
            return name, value
        # For OPTIONS, Litestar lists only the methods of the path's first handler.
        methods = self._allowed() or set(value.decode("latin-1").split(", "))
        methods |= {"HEAD"} if "GET" in methods else set()
        return name, ", ".join(sorted(methods)).encode()


class StandbySender:
    """Sends a response with the header `Read-From`.

    The pages that follow a form read the primary, so that they show its changes: a cookie tells
    every process to.
    """

    def __init__(self, scope: Any, send: Send, standby: Standby) -> None:
        self._send = send
        self._standby = standby
        self._cookies: list[tuple[bytes, bytes]] = []
        if scope["method"] not in _SAFE and not scope["path"].startswith(_WITHOUT_COOKIES):
            attributes = _WITH_TLS if scope.get("scheme") == "https" else _WITHOUT_TLS
            self._cookies = [(b"set-cookie", _SET_COOKIE + attributes)]
        self._reads = RequestReads(primary_until=_primary_until(scope))
        REQUEST_READS.set(self._reads)

    async def __call__(self, message: Message) -> None:
        """Sends a message, the first one with the headers."""
        if message["type"] == "http.response.start":
            source = header_of(self._reads, self._standby)
            headers = [] if source is None else [(b"read-from", source.encode())]
            message["headers"] = [*message["headers"], *headers, *self._cookies]
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
    is_reload = b"no-cache" in headers.get(b"cache-control", b"").lower()
    return math.inf if is_reload and not is_stream else 0.0


def _cookies(header: str) -> SimpleCookie:
    try:
        return SimpleCookie(header)
    except CookieError:
        return SimpleCookie()
