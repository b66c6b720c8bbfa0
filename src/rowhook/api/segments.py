"""Text ids in a path: an encoded slash belongs to the id, it parts nothing (RFC 3986, 2.2)."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from litestar import Litestar
from litestar.types import Receive, Scope, Send


class Segmented(Litestar):
    """Litestar routes by the decoded path, where `a%2Fb` is two segments; here it is one."""

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # type: ignore[override]
        """Routes by a path whose segments are still encoded where that matters."""
        raw_path = scope.get("raw_path")
        if scope["type"] == "http" and raw_path is not None and b"%" in raw_path:
            scope["path"] = "/".join(_kept(one) for one in raw_path.split(b"/"))
        await super().__call__(scope, receive, send)


def _kept(segment: bytes) -> str:
    # Only what would be misread stays encoded: a slash, and the sign that encodes.
    return unquote(segment.decode("latin-1")).replace("%", "%25").replace("/", "%2F")


def decoded(scope: Scope) -> dict[str, Any]:
    """The path's parameters as they were meant."""
    return {
        name: unquote(value) if isinstance(value, str) else value
        for name, value in scope["path_params"].items()
    }
