"""Maps exceptions to error responses, `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ExceptionHandlersMap
from msgspec import Struct

from rowhook.api.parameters import signature_of
from rowhook.db.statements import StatementError, StatementTimeout, Unreachable, UnstorableValue
from rowhook.db.webhook_queries import RevisionConflict
from rowhook.render.configuration import Fault
from rowhook.services.access import NotAuthenticated
from rowhook.services.context import (
    Conflict,
    InProgress,
    NotFound,
    RateLimited,
    Rejected,
    StillLinked,
)
from rowhook.services.json_reader import InvalidDocument, with_allowed_values

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
_FORBIDDEN_UPDATE = "RH001"
_RETRY_AFTER_S = 1
# Litestar names a missing parameter in the text alone.
_MISSING = re.compile(r"Missing required \w+ parameter '([^']+)'")


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error response (RFC 9457). Each of `errors` has a JSON pointer (RFC 6901) and a message.

    Errors in a template also have `line` and `column`, both counted from 1.
    """

    title: str
    status: int
    type: str = "about:blank"
    detail: str = ""
    errors: list[dict[str, str | int]] = []


_STATUS_DESCRIPTIONS = {
    400: "The request is malformed or has an unknown parameter, or the webhook is still linked",
    401: "The API key is missing, unknown or expired",
    403: "The API key lacks the required scope",
    404: "The resource does not exist, or the API key cannot see it",
    409: "The current state does not allow it",
    412: "The webhook has been changed: it is at another revision",
    413: "The body is larger than 1 MiB",
    422: "The request is not valid; `errors` lists the reasons",
    429: "Too many test sends",
    503: "The database cannot be reached; retry after `Retry-After`",
}

_DEFAULT_DETAILS = {
    404: "Unknown endpoint, or an id in the path is not a UUID. See /schema for the list.",
    405: "Method not allowed. The Allow header lists the methods of this path.",
    413: "The request body is larger than 1 MiB (1048576 bytes).",
}


def problem_responses(*statuses: int) -> dict[int, ResponseSpec]:
    """Describes error responses for OpenAPI."""
    return {
        status: ResponseSpec(
            data_container=Problem,
            media_type=MEDIA_TYPE,
            description=_STATUS_DESCRIPTIONS[status],
            generate_examples=False,
        )
        for status in statuses
    }


def problem(
    status: int,
    detail: str = "",
    *,
    errors: Sequence[Mapping[str, str | int]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response[Problem]:
    """Builds an error response."""
    detail = detail or _DEFAULT_DETAILS.get(status, "")
    content = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=[dict(error) for error in errors],
    )
    return Response(content, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _rejected(_: Request[Any, Any, Any], error: Rejected) -> Response[Problem]:
    errors = [_error_entry(fault) for fault in error.faults]
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    return problem(422, f"The request is not valid: {count}.", errors=errors)


def _error_entry(fault: Fault) -> dict[str, str | int]:
    entry: dict[str, str | int] = {"pointer": fault.pointer, "message": fault.message}
    if fault.line is not None and fault.column is not None:
        entry |= {"line": fault.line, "column": fault.column}
    return entry


def _not_readable(_: Request[Any, Any, Any], error: InvalidDocument) -> Response[Problem]:
    return problem(400, str(error))


def _not_found(_: Request[Any, Any, Any], error: NotFound) -> Response[Problem]:
    return problem(404, str(error))


def _linked(_: Request[Any, Any, Any], error: StillLinked) -> Response[Problem]:
    return problem(400, str(error), errors=error.errors)


def _conflict(_: Request[Any, Any, Any], error: Conflict) -> Response[Problem]:
    return problem(409, str(error), errors=error.errors)


def _in_progress(_: Request[Any, Any, Any], error: InProgress) -> Response[Problem]:
    return problem(409, str(error), headers={"Retry-After": "1"})


def _revision_changed(_: Request[Any, Any, Any], error: RevisionConflict) -> Response[Problem]:
    return problem(
        412,
        f"{str(error).rstrip('.')}. Read it again and apply the change to the current revision.",
    )


def _too_many(_: Request[Any, Any, Any], error: RateLimited) -> Response[Problem]:
    return problem(429, str(error), headers={"Retry-After": str(ceil(error.wait_s))})


def _not_admitted(_: Request[Any, Any, Any], error: NotAuthenticated) -> Response[Problem]:
    return problem(401, str(error), headers={"WWW-Authenticate": 'Bearer realm="rowhook"'})


def _database_unreachable(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    log.warning("api.database_unreachable", path=request.url.path, error=type(error).__name__)
    detail = "The database cannot be reached. Retry in a moment."
    return problem(503, detail, headers={"Retry-After": str(_RETRY_AFTER_S)})


def _query_timed_out(_: Request[Any, Any, Any], __: Exception) -> Response[Problem]:
    detail = "The query took longer than a minute. Narrow the filters."
    return problem(503, detail, headers={"Retry-After": "60"})


def _postgres_error(request: Request[Any, Any, Any], error: StatementError) -> Response[Problem]:
    if error.sqlstate == _FORBIDDEN_UPDATE:
        return problem(409, error.diag.message_primary or "")
    if isinstance(error, UnstorableValue):
        return problem(
            422, f"PostgreSQL cannot store this value: {error.diag.message_primary or error}"
        )
    return _internal_error(request, error)


def _validation(request: Request[Any, Any, Any], error: ValidationException) -> Response[Problem]:
    extra = error.extra if isinstance(error.extra, list) else []
    errors = [
        {"pointer": f"/{_parameter_name(request, item)}", "message": _message(request, item)}
        for item in extra
        if isinstance(item, dict)
    ]
    if missing := _MISSING.match(str(error.detail)):
        errors.append({"pointer": f"/{missing[1]}", "message": "This parameter is required."})
    return problem(400, "The request's parameters are not valid.", errors=errors)


def _message(request: Request[Any, Any, Any], fault: dict[str, Any]) -> str:
    message, key = str(fault.get("message", "")), str(fault.get("key", ""))
    parameter = signature_of(request.route_handler).get(key)
    return message if parameter is None else with_allowed_values(message, parameter.raw)


def _parameter_name(request: Request[Any, Any, Any], fault: dict[str, Any]) -> str:
    # The handler's argument may be named differently, as `in_state` for the parameter `state`.
    key = str(fault.get("key", ""))
    parameter = signature_of(request.route_handler).get(key)
    return str(getattr(parameter and parameter.kwarg_definition, "name", None) or key)


def http_problem(_: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Maps errors of the framework: unknown path, method not allowed, body too large."""
    detail = error.detail if error.detail != HTTPStatus(error.status_code).phrase else ""
    return problem(error.status_code, detail, headers=error.headers)


def _internal_error(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    log.error("api.request_failed", method=request.method, path=request.url.path, exc_info=error)
    return problem(500, "Internal error. Details are in the server log.")


HANDLERS: ExceptionHandlersMap = {
    Rejected: _rejected,
    InvalidDocument: _not_readable,
    NotFound: _not_found,
    StillLinked: _linked,
    Conflict: _conflict,
    RateLimited: _too_many,
    InProgress: _in_progress,
    NotAuthenticated: _not_admitted,
    RevisionConflict: _revision_changed,
    StatementError: _postgres_error,
    **dict.fromkeys(Unreachable, _database_unreachable),
    StatementTimeout: _query_timed_out,
    ValidationException: _validation,
    HTTPException: http_problem,
    Exception: _internal_error,
}
