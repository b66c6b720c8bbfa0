"""Ids with encoded slashes in paths: `%2F` is data, not a delimiter (RFC 3986, 2.2)."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from litestar import Litestar
from litestar.types import Receive, Scope, Send


class EncodedPathLitestar(Litestar):
    """Routes by the encoded path: Litestar would split the segment `a%2Fb` in two."""

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # type: ignore[override]
        """Route by a path in which slashes and percent signs of the segments are still encoded."""
        raw_path = scope.get("raw_path")
        if scope["type"] == "http" and raw_path is not None and b"%" in raw_path:
            scope["path"] = "/".join(
                _encode_delimiters(segment) for segment in raw_path.split(b"/")
            )
        await super().__call__(scope, receive, send)


def _encode_delimiters(segment: bytes) -> str:
    # Only the slash, and the percent sign itself, would be ambiguous.
    return unquote(segment.decode("latin-1")).replace("%", "%25").replace("/", "%2F")


def decoded_path_params(scope: Scope) -> dict[str, Any]:
    """Decode the path parameters."""
    return {
        name: unquote(value) if isinstance(value, str) else value
        for name, value in scope["path_params"].items()
    }
