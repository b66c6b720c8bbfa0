"""The site: routers of all pages and static files, their compression, and error pages."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from litestar import Request, Response, Router
from litestar.config.compression import CompressionConfig
from litestar.connection import ASGIConnection
from litestar.datastructures import CacheControlHeader, Headers
from litestar.di import Provide
from litestar.exceptions import HTTPException, NotFoundException
from litestar.middleware import DefineMiddleware
from litestar.middleware.compression import CompressionMiddleware
from litestar.static_files import create_static_files_router
from litestar.types import ExceptionHandlersMap, Receive, Scope, Send

from rowhook.dashboard.browser_session import (
    SessionMiddleware,
    SessionRequest,
    check_csrf,
    ctx_of,
    require_scope,
)
from rowhook.dashboard.live_updates import OwnedStreams, Streams
from rowhook.dashboard.pages import STATIC, page, portal_ended_page, portal_page, redirect
from rowhook.dashboard.portal_frame import PORTAL_COOKIE
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
from rowhook.db.statements import StatementError, StatementTimeout, Unreachable, UnstorableValue
from rowhook.db.webhook_queries import RevisionConflict
from rowhook.server_sent_events import MEDIA_TYPE
from rowhook.services.access import NotAuthenticated
from rowhook.services.context import Conflict, NotFound, RateLimited, Rejected
from rowhook.services.portal import PortalEnded

log = structlog.get_logger()
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
# Addressed by the site's own pages, or by the user in the address bar.
_OWN_SITES = frozenset({"same-origin", "none"})
AnyRequest = Request[Any, Any, Any]
_TITLES = {
    401: "Signed out",
    403: "Not allowed",
    404: "Not found",
    409: "Not possible now",
    412: "Changed in the meantime",
    413: "Too large",
    422: "Not valid",
    429: "Too many requests",
    500: "Internal error",
    503: "Not available",
}


def routes(streams: Streams) -> list[Router]:
    """Builds the routers of the dashboard."""

    def the_streams(request: SessionRequest) -> OwnedStreams:
        organization = request.auth.caller.organization
        return streams.of("operators" if organization is None else str(organization))

    screens = Router(
        path="/",
        route_handlers=[handler for screen in _SCREENS for handler in screen.HANDLERS],
        middleware=[compressed_pages(), SessionMiddleware()],
        guards=[require_scope],
        before_request=check_csrf,
        exception_handlers=_ERROR_PAGES,
        include_in_schema=False,
        dependencies={
            "ctx": Provide(ctx_of, sync_to_thread=False),
            "streams": Provide(the_streams, sync_to_thread=False),
        },
    )
    return [screens, _static()]


def _static() -> Router:
    """Routes the static files, whose URLs change with their content."""
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
    """Raises NotFoundException for any other name, which is not looked up on the disk.

    Visitors do not learn how the file system answers, for example for a name with a NUL.
    """
    name = str(connection.path_params.get("file_path", "")).lstrip("/")
    if name not in _static_files():
        raise NotFoundException("File not found.")


class _OwnRequestCompression(CompressionMiddleware):
    """Compresses pages only for requests that no other site caused.

    The size of a compressed page depends on the text that it shares with its address. To guess a
    secret of the page from sizes (BREACH), another site makes the browser send many requests.
    Browsers name the site of a request in Sec-Fetch-Site, which scripts cannot set; without the
    header, and for a link of another site, the page is sent uncompressed.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles a request."""
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


def _error_page(
    request: AnyRequest, status: int, message: str, faults: list[tuple[str, str]] | None = None
) -> Response[Any]:
    # In the frame of a portal, an error is shown too. It shows nothing of an organization.
    is_portal = not request.scope.get("auth") and PORTAL_COOKIE in request.cookies
    return (portal_page if is_portal else page)(
        request,
        "refused.html",
        status=status,
        refusal=status,
        title=_TITLES.get(status) or HTTPStatus(status).phrase,
        message=message,
        faults=faults or [],
    )


def _sign_in(request: AnyRequest, error: NotAuthenticated) -> Response[Any]:
    if request.method != "GET":
        message = "Nothing was changed. Sign in, go back and submit the form again."
        return _error_page(request, 401, message)
    if request.headers.get("accept") == MEDIA_TYPE:
        return _error_page(request, 401, str(error))
    query = f"?{request.url.query}" if request.url.query else ""
    target = quote(request.url.path + query, safe="")
    return redirect("/sign-in" if target == "%2F" else f"/sign-in?next={target}")


def _rejected(request: AnyRequest, error: Rejected) -> Response[Any]:
    faults = [(fault.pointer, fault.message) for fault in error.faults]
    return _error_page(request, 422, "The request is not valid.", faults)


def _not_found(request: AnyRequest, error: NotFound) -> Response[Any]:
    return _error_page(request, 404, str(error))


def _conflict(request: AnyRequest, error: Conflict) -> Response[Any]:
    faults = [("", conflict.get("message", "")) for conflict in error.errors]
    return _error_page(request, 409, str(error), faults)


def _too_many(request: AnyRequest, error: RateLimited) -> Response[Any]:
    return _error_page(
        request, 429, f"{str(error).rstrip('.')}. Try again in {error.wait_s:.0f} s."
    )


def _revision_changed(request: AnyRequest, error: RevisionConflict) -> Response[Any]:
    return _error_page(
        request,
        412,
        f"{str(error).rstrip('.')}. Reload the page and apply your change to the current revision.",
    )


def _postgres_error(request: AnyRequest, error: StatementError) -> Response[Any]:
    if isinstance(error, UnstorableValue):
        message = f"PostgreSQL cannot store this value: {error.diag.message_primary or error}"
        return _error_page(request, 422, message)
    return _internal_error(request, error)


def _database_unreachable(request: AnyRequest, error: Exception) -> Response[Any]:
    log.warning("dashboard.database_unreachable", error=type(error).__name__)
    return _error_page(request, 503, "The database cannot be reached. Reload the page in a moment.")


def _query_timed_out(request: AnyRequest, _: Exception) -> Response[Any]:
    return _error_page(request, 503, "The query took longer than a minute. Narrow the filters.")


def _http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    message = error.detail
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        message = "The form is larger than 1 MiB. Go back and shorten it."
    return _error_page(request, error.status_code, message)


def not_found_page(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """Builds the page for an unknown path, or for a GET of a path that only takes forms."""
    response = _error_page(request, error.status_code, f"There is no page at {request.url.path}.")
    response.headers.update(error.headers or {})
    return response


def _internal_error(request: AnyRequest, error: Exception) -> Response[Any]:
    log.error("dashboard.request_failed", path=request.url.path, exc_info=error)
    return _error_page(request, 500, "Try again. The server log has the details.")


_ERROR_PAGES: ExceptionHandlersMap = {
    PortalEnded: portal_ended_page,
    NotAuthenticated: _sign_in,
    Rejected: _rejected,
    NotFound: _not_found,
    Conflict: _conflict,
    RateLimited: _too_many,
    RevisionConflict: _revision_changed,
    StatementError: _postgres_error,
    **dict.fromkeys(Unreachable, _database_unreachable),
    StatementTimeout: _query_timed_out,
    HTTPException: _http_error,
    Exception: _internal_error,
}
