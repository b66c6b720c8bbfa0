"""Query parameters and headers that endpoints share; unknown query parameters are refused."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Annotated, Any

import msgspec
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.exceptions import ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.params import HeaderParameter, QueryParameter, SkipValidation
from litestar.typing import FieldDefinition
from msgspec import Meta

from rowhook.render.configuration import Fault
from rowhook.services.access import Caller
from rowhook.services.context import KeyringContext, Rejected

Timestamp = Annotated[datetime, Meta(tz=True)]
TIME: dict[str, Any] = {"format": "date-time"}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_MAX_WINDOW = timedelta(days=30)
# The values that `parse_window` accepts, as a pattern for the OpenAPI document.
_PATTERN = (
    r"^([1-9][0-9]{0,3}[sm]|([1-9][0-9]?|[1-6][0-9]{2}|7[01][0-9]|720)h|([12]?[1-9]|[123]0)d)$"
)
Window = Annotated[
    str,
    QueryParameter(
        description="The length of the period until now, at most 30 days, e.g. 90s, 15m, 24h, 7d.",
        schema_extra={"pattern": _PATTERN},
    ),
]
ContextDependency = NamedDependency[SkipValidation[KeyringContext]]
CallerDependency = NamedDependency[SkipValidation[Caller]]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="The maximum number of items.")]
Cursor = Annotated[
    str | None, QueryParameter(max_length=4000, description="`next_cursor` of the previous page.")
]
OrganizationId = Annotated[
    str | None,
    QueryParameter(
        max_length=1000,
        description="With an operator key: only items of this organization."
        " Its id as the platform writes it, or Rowhook's uuid.",
    ),
]
AgentId = Annotated[
    str | None,
    QueryParameter(
        max_length=1000,
        description="Only items of this agent. Its id as the platform writes it, or Rowhook's"
        " uuid. 422 if several organizations have an agent with this id: pass `organization_id`.",
    ),
]
ExternalId = Annotated[
    str | None,
    QueryParameter(
        max_length=1000,
        description="Only the webhook with this `external_id`; without `organization_id`, one per"
        " organization.",
    ),
]
Search = Annotated[
    str | None,
    QueryParameter(
        max_length=1000, description="Only items that contain this text, ignoring case."
    ),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        max_length=100,
        description="The revision to change, as in the `ETag`."
        " 412 if the webhook is at another revision.",
    ),
]


def parse_window(window: str) -> timedelta:
    """Parses a window such as `24h`. Raises Rejected."""
    match = re.fullmatch(r"([0-9]{1,4})([smhd])", window)
    span = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta(0)
    if not timedelta(0) < span <= _MAX_WINDOW:
        message = "Must be from 1s to 30d, e.g. 90s, 15m, 24h, 7d."
        raise Rejected(Fault(pointer="/window", message=message))
    return span


def parse_timestamp(pointer: str, text: str | None) -> datetime | None:
    """Parses an RFC 3339 time. Raises Rejected."""
    if text is None:
        return None
    try:
        return msgspec.convert(text, Timestamp)
    except msgspec.ValidationError:
        message = "Must be a time such as 2026-05-23T12:34:56Z. Encode the + of an offset as %2B."
        raise Rejected(Fault(pointer=pointer, message=message)) from None


def revision_in(if_match: str | None) -> int | None:
    """Parses `"3"`, `W/"3"` or `3`; None for a missing header or `*`. Raises Rejected."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):  # noqa: PLR2004  # an int4
        message = 'Write the revision as in the ETag, e.g. If-Match: "3".'
        raise Rejected(Fault(pointer="/If-Match", message=message))
    return int(text)


async def require_known_parameters(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Rejects with 400 a query with other parameters than the endpoint's."""
    names = _parameters_of(handler)
    unknown = set(connection.query_params) - set(names)
    if unknown and connection.scope.get("method") != "OPTIONS":
        raise ValidationException(
            extra=[{"key": name, "message": _message(name, names)} for name in sorted(unknown)]
        )


def signature_of(handler: BaseRouteHandler) -> dict[str, FieldDefinition]:
    """Returns the arguments of a handler and of the dependencies that it takes, by name."""
    own = handler.parsed_fn_signature.parameters
    used = [provider for name, provider in handler.resolve_dependencies().items() if name in own]
    return {
        name: argument
        for signature in (own, *(provider.parsed_fn_signature.parameters for provider in used))
        for name, argument in signature.items()
    }


def _parameters_of(handler: BaseRouteHandler) -> list[str]:
    return [
        argument.kwarg_definition.name or name
        for name, argument in signature_of(handler).items()
        if isinstance(argument.kwarg_definition, QueryParameter)
    ]


def _message(name: str, names: list[str]) -> str:
    if not names:
        return "Unknown parameter. This endpoint has none."
    similar = get_close_matches(name, names, n=1)
    question = f" Did you mean {similar[0]}?" if similar else ""
    return f"Unknown parameter.{question} Known parameters: {', '.join(names)}."
