"""Error pages for exceptions."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from rowhook.dashboard.pages import page, portal_page, redirect
from rowhook.dashboard.portal_frame import PORTAL_COOKIE
from rowhook.db.statements import StatementError, StatementTimeout, Unreachable, UnstorableValue
from rowhook.db.webhook_queries import RevisionConflict
from rowhook.server_sent_events import MEDIA_TYPE
from rowhook.services.access import NotAuthenticated
from rowhook.services.context import Conflict, NotFound, RateLimited, Rejected
from rowhook.services.portal import PortalEnded

log = structlog.get_logger()
AnyRequest = Request[Any, Any, Any]


_TITLES = {
    403: "Not allowed",
    404: "Not found",
    409: "Not possible now",
    412: "Changed in the meantime",
    422: "Not valid",
    429: "Too many requests",
    500: "Internal error",
    503: "Not available",
}


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


def _portal_ended(request: AnyRequest, error: PortalEnded) -> Response[Any]:
    return portal_page(request, "portal_ended.html", status=401, message=str(error))


def _sign_in(request: AnyRequest, error: NotAuthenticated) -> Response[Any]:
    if request.method != "GET" or request.headers.get("accept") == MEDIA_TYPE:
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
    return _error_page(request, error.status_code, error.detail)


def not_found_page(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """Build the page for an unknown path, or for a GET of a path that only takes forms."""
    response = _error_page(request, error.status_code, f"There is no page at {request.url.path}.")
    response.headers.update(error.headers or {})
    return response


def _internal_error(request: AnyRequest, error: Exception) -> Response[Any]:
    log.error("dashboard.request_failed", path=request.url.path, exc_info=error)
    return _error_page(request, 500, "Internal error. Details are in the server log.")


HANDLERS: ExceptionHandlersMap = {
    PortalEnded: _portal_ended,
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
