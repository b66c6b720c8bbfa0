"""The routers of all pages and of the static files."""

from __future__ import annotations

from litestar import Router
from litestar.datastructures import CacheControlHeader
from litestar.di import Provide
from litestar.static_files import create_static_files_router

from rowhook.dashboard.live import Streams
from rowhook.dashboard.page import STATIC
from rowhook.dashboard.refusals import HANDLERS
from rowhook.dashboard.screens import (
    adopt,
    audit,
    deliveries,
    delivery,
    editor,
    failures,
    goals,
    held,
    keys,
    links,
    overview,
    replay,
    revisions,
    secrets,
    sign_in,
    system,
    trial,
    webhook,
    webhooks,
)
from rowhook.dashboard.visit import SessionMiddleware, check_csrf, ctx_of, require_scope

_YEAR_S = 365 * 86400
_SCREENS = (
    sign_in,
    overview,
    webhooks,
    webhook,
    editor,
    trial,
    revisions,
    links,
    goals,
    deliveries,
    delivery,
    held,
    failures,
    replay,
    secrets,
    keys,
    audit,
    system,
    adopt,
)


def routes(streams: Streams) -> list[Router]:
    """Build the routers of the dashboard."""

    def the_streams() -> Streams:
        return streams

    screens = Router(
        path="/",
        route_handlers=[handler for screen in _SCREENS for handler in screen.HANDLERS],
        middleware=[SessionMiddleware()],
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
        include_in_schema=False,
        cache_control=CacheControlHeader(max_age=_YEAR_S, public=True, immutable=True),
    )
