"""The JavaScript module for web pages: `/callbacks.js`."""

from __future__ import annotations

from pathlib import Path

from litestar import get
from litestar.datastructures import CacheControlHeader

_SOURCE = Path(__file__).parents[1] / "assets" / "callbacks.js"
_HOUR_S = 3600


@get(
    "/callbacks.js",
    media_type="text/javascript; charset=utf-8",
    include_in_schema=False,
    cache_control=CacheControlHeader(max_age=_HOUR_S, public=True),
    sync_to_thread=False,
)
def module() -> str:
    """Return the module. Other origins can import it if ROWHOOK_CORS_ORIGINS names them."""
    return _SOURCE.read_text(encoding="utf-8")
