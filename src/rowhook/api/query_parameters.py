"""Refuses query parameters that an endpoint does not have: a misspelled filter is no filter."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter
from litestar.typing import FieldDefinition


async def require_known_parameters(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Reject with 400 a query with other parameters than the endpoint's."""
    known = _parameters_of(handler)
    unknown = set(connection.query_params) - set(known)
    if unknown and connection.scope.get("method") != "OPTIONS":
        raise ValidationException(
            extra=[{"key": name, "message": _message(name, known)} for name in sorted(unknown)]
        )


def signature_of(handler: BaseRouteHandler) -> dict[str, FieldDefinition]:
    """Return the arguments of a handler and of the dependencies that it takes, by name."""
    own = handler.parsed_fn_signature.parameters
    taken = [found for name, found in handler.resolve_dependencies().items() if name in own]
    return {
        name: argument
        for signature in (own, *(found.parsed_fn_signature.parameters for found in taken))
        for name, argument in signature.items()
    }


def _parameters_of(handler: BaseRouteHandler) -> list[str]:
    return [
        argument.kwarg_definition.name or name
        for name, argument in signature_of(handler).items()
        if isinstance(argument.kwarg_definition, QueryParameter)
    ]


def _message(name: str, known: list[str]) -> str:
    if not known:
        return "Unknown parameter. This endpoint has none."
    similar = get_close_matches(name, known, n=1)
    question = f" Did you mean {similar[0]}?" if similar else ""
    return f"Unknown parameter.{question} Known parameters: {', '.join(known)}."
