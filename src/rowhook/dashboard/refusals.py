"""Every refusal as a page: what is wrong, and where to go from there."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from rowhook import operations, postgres
from rowhook.dashboard.page import go, page

log = structlog.get_logger()
Asked = Request[Any, Any, Any]


def _refused(
    request: Asked, status: int, said: str, faults: list[tuple[str, str]] | None = None
) -> Response[Any]:
    title = HTTPStatus(status).phrase
    given = {"refusal": status, "title": title, "said": said, "faults": faults or []}
    return page(request, "refused.html", status=status, **given)


def _sign_in(request: Asked, error: operations.NotAuthenticated) -> Response[Any]:
    if request.method != "GET" or request.headers.get("accept") == "text/event-stream":
        return _refused(request, 401, str(error))
    query = f"?{request.url.query}" if request.url.query else ""
    wanted = quote(request.url.path + query, safe="")
    return go("/sign-in" if wanted == "%2F" else f"/sign-in?next={wanted}")


def _rejected(request: Asked, error: operations.Rejected) -> Response[Any]:
    faults = [(one.pointer, one.message) for one in error.faults]
    return _refused(request, 422, "This cannot be done as it stands.", faults)


def _not_found(request: Asked, error: operations.NotFound) -> Response[Any]:
    return _refused(request, 404, str(error))


def _conflict(request: Asked, error: operations.Conflict) -> Response[Any]:
    faults = [("", one.get("message", "")) for one in error.errors]
    return _refused(request, 409, str(error), faults)


def _too_many(request: Asked, error: operations.RateLimited) -> Response[Any]:
    return _refused(request, 429, f"{error}: try again in {error.wait_s:.0f} s")


def _moved(request: Asked, error: postgres.RevisionConflict) -> Response[Any]:
    return _refused(request, 412, f"{error}: load it again, and apply your change to that")


def _refused_by_postgres(request: Asked, error: postgres.StatementError) -> Response[Any]:
    if isinstance(error, postgres.UnstorableValue):
        said = f"PostgreSQL cannot hold it: {error.diag.message_primary or error}"
        return _refused(request, 422, said)
    return _failed(request, error)


def _away(request: Asked, error: Exception) -> Response[Any]:
    log.warning("dashboard.database_away", error=type(error).__name__)
    return _refused(request, 503, "The database cannot be reached now. Load the page again.")


def _too_long(request: Asked, _: Exception) -> Response[Any]:
    return _refused(request, 503, "It took longer than a minute: ask for less.")


def _http(request: Asked, error: HTTPException) -> Response[Any]:
    return _refused(request, error.status_code, error.detail)


def lost(request: Asked, error: HTTPException) -> Response[Any]:
    """The page at a path where none is, or where a form is sent to and nothing is to be read."""
    answer = _refused(request, error.status_code, f"There is no page at {request.url.path}")
    answer.headers.update(error.headers or {})
    return answer


def _failed(request: Asked, error: Exception) -> Response[Any]:
    log.error("dashboard.failed", path=request.url.path, exc_info=error)
    return _refused(request, 500, "A fault of ours: it is in the log.")


HANDLERS: ExceptionHandlersMap = {
    operations.NotAuthenticated: _sign_in,
    operations.Rejected: _rejected,
    operations.NotFound: _not_found,
    operations.Conflict: _conflict,
    operations.RateLimited: _too_many,
    postgres.RevisionConflict: _moved,
    postgres.StatementError: _refused_by_postgres,
    **dict.fromkeys(postgres.Unreachable, _away),
    postgres.StatementTimeout: _too_long,
    HTTPException: _http,
    Exception: _failed,
}
