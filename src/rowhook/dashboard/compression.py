"""Compression of pages and static files."""

from __future__ import annotations

from litestar.config.compression import CompressionConfig
from litestar.datastructures import Headers
from litestar.middleware import DefineMiddleware
from litestar.middleware.compression import CompressionMiddleware
from litestar.types import Receive, Scope, Send

# Addressed by the site's own pages, or by the user in the address bar.
_OWN_SITES = frozenset({"same-origin", "none"})


class _OwnRequestCompression(CompressionMiddleware):
    """Compresses pages only for requests that no other site caused.

    The size of a compressed page tells what it has in common with text from its address. To learn
    a secret of the page by that (BREACH), another site makes the browser send many requests.
    Browsers name the site of a request in Sec-Fetch-Site, which scripts cannot set; without the
    header, and for a link of another site, the page is sent uncompressed.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if Headers.from_scope(scope).get("sec-fetch-site") in _OWN_SITES:
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def compressed_pages() -> DefineMiddleware:
    """The middleware of pages. Event streams are not compressed: gzip would hold events back."""
    config = CompressionConfig(
        backend="gzip", gzip_compress_level=6, minimum_size=1000, exclude_opt_key="is_stream"
    )
    return DefineMiddleware(_OwnRequestCompression, config=config)


def compressed_files() -> DefineMiddleware:
    """The middleware of static files, which are public. Fonts are compressed already."""
    config = CompressionConfig(backend="gzip", exclude=[r"\.woff2$"])
    return DefineMiddleware(CompressionMiddleware, config=config)
