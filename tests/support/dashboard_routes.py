"""The routes of the dashboard, so that tests of every page are complete."""

from __future__ import annotations

from collections.abc import Iterator

from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from rowhook.dashboard import site
from rowhook.dashboard.live_updates import Streams


def dashboard_routes() -> Iterator[tuple[str, HTTPRouteHandler]]:
    """Each path, such as `/webhooks/{webhook_id}`, with each of its handlers."""
    screens, _ = site.routes(Streams())
    for route in screens.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                yield route.path_format, handler
