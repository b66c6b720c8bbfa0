"""What every request passes, whatever becomes of it: its address, HEAD, the log, the measures."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import structlog
from litestar import Request
from litestar.datastructures import URL
from litestar.routes import HTTPRoute
from litestar.types import Message, Method, Receive, Send

from rowhook.api.metrics import Measures
from rowhook.api.problem import problem
from rowhook.api.segments import Segmented

log = structlog.get_logger()
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES = frozenset({"/livez", "/readyz", "/metrics"})
NO_ROUTE = "none"


class Front(Segmented):
    """The application. One line and one measurement a request, with its route, never its path."""

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # type: ignore[override]
        """Answers HEAD as GET without a body (RFC 9110, 9.3.2)."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        began = time.perf_counter()
        # A copy: to the server it stays a HEAD, and the route is found in it later.
        inner = scope | {"method": "GET"} if scope["method"] == "HEAD" else scope
        out = _Out(send, lambda: self._allowed(inner), bodiless=inner is not scope)
        face = super().__call__ if _is_readable(inner) else self._refuse
        try:
            await face(inner, receive, out)
        finally:
            route = inner.get("path_template") or NO_ROUTE
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._note(method, route, out.status, time.perf_counter() - began)

    async def _refuse(self, scope: Any, receive: Receive, send: Send) -> None:
        refusal = problem(
            400, "The Host header is not a valid host and port, or the query string is not UTF-8."
        )
        request: Request[Any, Any, Any] = Request(scope | {"litestar_app": self})
        await refusal.to_asgi_response(None, request)(scope, receive, send)

    @cached_property
    def _methods(self) -> dict[str, set[Method]]:
        return {one.path_format: one.methods for one in self.routes if isinstance(one, HTTPRoute)}

    def _allowed(self, scope: Any) -> set[str]:
        return {*self._methods.get(scope.get("path_template"), ())}

    def _note(self, method: str, route: str, status: int | None, seconds: float) -> None:
        measures: Measures = self.state.measures
        measures.note(method, route, status, seconds)
        say = log.debug if route in _PROBES else log.info
        ms = round(seconds * 1000, 1)
        say("api.answered", method=method, route=route, status=status, ms=ms)


def _is_readable(scope: Any) -> bool:
    """Whether the address can be told of (RFC 9112, 3.2): a page and a log ask for it."""
    try:
        urlsplit(str(URL.from_scope(scope)))
    except ValueError:
        return False
    return True


class _Out:
    """Passes an answer on and knows its status."""

    def __init__(self, send: Send, allowed: Callable[[], set[str]], *, bodiless: bool) -> None:
        self._send = send
        self._allowed = allowed
        self._bodiless = bodiless
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [self._corrected(*one) for one in message["headers"]]
            await self._send(message)
            if self._bodiless:
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        elif not self._bodiless:
            await self._send(message)

    def _corrected(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        if name != b"allow":
            return name, value
        # Litestar's own answer to OPTIONS names the methods of the path's first handler alone.
        methods = self._allowed() or set(value.decode("latin-1").split(", "))
        methods |= {"HEAD"} if "GET" in methods else set()
        return name, ", ".join(sorted(methods)).encode()
