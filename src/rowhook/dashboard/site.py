"""The routers of all pages and of the static files."""

from __future__ import annotations

from functools import cache
from typing import Any

from litestar import Router
from litestar.connection import ASGIConnection
from litestar.datastructures import CacheControlHeader
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.static_files import create_static_files_router

from rowhook.dashboard.browser_session import (
    SessionMiddleware,
    SessionRequest,
    check_csrf,
    ctx_of,
    require_scope,
)
from rowhook.dashboard.compression import compressed_files, compressed_pages
from rowhook.dashboard.error_pages import HANDLERS
from rowhook.dashboard.live_updates import OwnedStreams, Streams
from rowhook.dashboard.pages import STATIC
from rowhook.dashboard.screens import (
    access_screens,
    alert_screen,
    delivery_screens,
    editor_screen,
    held_screen,
    link_screens,
    overview_screens,
    portal_screen,
    replay_screen,
    revision_screen,
    search_screen,
    sign_in_screen,
    system_screens,
    test_screen,
    webhook_screens,
)

_YEAR_S = 365 * 86400
_SCREENS = (
    sign_in_screen,
    portal_screen,
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
    access_screens,
    system_screens,
    search_screen,
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

    What the file system says of a name, such as one with a NUL, is not for visitors.
    """
    name = str(connection.path_params.get("file_path", "")).lstrip("/")
    if name not in _static_files():
        raise NotFoundException("There is no such file.")
