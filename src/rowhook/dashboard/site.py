"""The routers of all pages and of the static files, with their compression."""

from __future__ import annotations

from functools import cache
from typing import Any

from litestar import Router
from litestar.config.compression import CompressionConfig
from litestar.connection import ASGIConnection
from litestar.datastructures import CacheControlHeader, Headers
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.middleware import DefineMiddleware
from litestar.middleware.compression import CompressionMiddleware
from litestar.static_files import create_static_files_router
from litestar.types import Receive, Scope, Send

from rowhook.dashboard.browser_session import (
    SessionMiddleware,
    SessionRequest,
    check_csrf,
    ctx_of,
    require_scope,
)
from rowhook.dashboard.error_pages import HANDLERS
from rowhook.dashboard.live_updates import OwnedStreams, Streams
from rowhook.dashboard.pages import STATIC
from rowhook.dashboard.screens import (
    alert_screen,
    delivery_screens,
    editor_screen,
    held_screen,
    link_screens,
    organization_screens,
    overview_screens,
    replay_screen,
    revision_screen,
    sign_in_screen,
    system_screens,
    test_screen,
    webhook_screens,
)

_YEAR_S = 365 * 86400
_SCREENS = (
    sign_in_screen,
    overview_screens,
    webhook_screens,
    editor_screen,
    test_screen,
    revision_screen,
    link_screens,
    delivery_screens,
    held_screen,
    replay_screen,
    alert_screen,
    organization_screens,
    system_screens,
)


def routes(streams: Streams) -> list[Router]:
    """Build the routers of the dashboard."""

    def the_streams(request: SessionRequest) -> OwnedStreams:
        organization = request.auth.caller.organization
        return streams.of("operators" if organization is None else str(organization))

    screens = Router(
        path="/",
        route_handlers=[handler for screen in _SCREENS for handler in screen.HANDLERS],
        middleware=[compressed_pages(), SessionMiddleware()],
        guards=[require_scope],
        before_request=check_csrf,
        exception_handlers=HANDLERS,
        include_in_schema=False,
        dependencies={
            "ctx": Provide(ctx_of, sync_to_thread=False),
            "streams": Provide(the_streams, sync_to_thread=False),
        },
    )
    return [screens, _static()]


def _static() -> Router:
    """Route the static files, whose URLs change with their content."""
    return create_static_files_router(
        path="/static",
        directories=[STATIC],
        name="dashboard",
        middleware=[compressed_files()],
        guards=[_require_static_file],
        include_in_schema=False,
        cache_control=CacheControlHeader(max_age=_YEAR_S, public=True, immutable=True),
    )


@cache
def _static_files() -> frozenset[str]:
    return frozenset(str(file.relative_to(STATIC)) for file in STATIC.rglob("*") if file.is_file())


def _require_static_file(connection: ASGIConnection[Any, Any, Any, Any], _: object) -> None:
    """Raise NotFoundException for any other name, which is not looked up on the disk.

    Visitors do not learn how the file system answers, for example for a name with a NUL.
    """
    name = str(connection.path_params.get("file_path", "")).lstrip("/")
    if name not in _static_files():
        raise NotFoundException("There is no such file.")


# Addressed by the site's own pages, or by the user in the address bar.
_OWN_SITES = frozenset({"same-origin", "none"})


class _OwnRequestCompression(CompressionMiddleware):
    """Compresses pages only for requests that no other site caused.

    The size of a compressed page depends on the text that it shares with its address. To guess a
    secret of the page from sizes (BREACH), another site makes the browser send many requests.
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
