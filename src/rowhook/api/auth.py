"""Authentication (401), existence of the objects in the path (404), and authorization (403)."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from rowhook.db import access_queries
from rowhook.render.configuration import Fault
from rowhook.services import access, events, lookups, sessions
from rowhook.services.access import Caller
from rowhook.services.context import KeyringContext, NotFound, Rejected, ServerContext
from rowhook.services.paging import LARGEST_ID
from rowhook.services.sessions import PREFIX as SESSION_PREFIX


class AuthMiddleware(ASGIMiddleware):
    """Sets the Caller of the API key as `scope["user"]`. Raises NotAuthenticated."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Authenticates before the request is read."""
        if scope["type"] == ScopeType.HTTP and scope["method"] != "OPTIONS":
            server_ctx: ServerContext = scope["litestar_app"].state.server_ctx
            request: Request[Any, Any, Any] = Request(scope)
            scope["user"] = await _authenticate(server_ctx, request, _token(request))
            scope["auth"] = None
            scope["path_params"] = _decoded_path_params(scope)
        await next_app(scope, receive, send)


def _decoded_path_params(scope: Scope) -> dict[str, Any]:
    # RowhookApp routes by a path whose segments are still encoded.
    return {
        name: unquote(value) if isinstance(value, str) else value
        for name, value in scope["path_params"].items()
    }


def _token(request: Request[Any, Any, Any]) -> str | None:
    """The bearer token; for EventSource, which cannot set headers, the one in the query."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    if request.scope["route_handler"].opt.get("allows_session_token"):
        return request.query_params.get("token")
    return None


async def _authenticate(
    server_ctx: ServerContext, request: Request[Any, Any, Any], token: str | None
) -> Caller:
    allows_session_token = request.scope["route_handler"].opt.get("allows_session_token", False)
    if allows_session_token and token is not None and token.startswith(SESSION_PREFIX):
        return sessions.authenticate_session(server_ctx.ctx.keyring, token)
    return await access.authenticate(server_ctx.pool, token, server_ctx.admin_key)


def caller_of(request: Request[Caller, Any, Any]) -> Caller:
    """The caller of the request."""
    return request.user


def ctx_of(request: Request[Caller, Any, Any]) -> KeyringContext:
    """The KeyringContext of the request's caller."""
    return ctx_of_connection(request)


def ctx_of_connection(connection: ASGIConnection[Any, Caller, Any, Any]) -> KeyringContext:
    """The KeyringContext of the connection."""
    server_ctx: ServerContext = connection.app.state.server_ctx
    caller = connection.user
    return server_ctx.ctx.for_actor(server_ctx.pool, caller.organization, caller.actor)


async def require_existing(
    connection: ASGIConnection[Any, Caller, Any, Any], _: BaseRouteHandler
) -> None:
    """Rejects with 404 ids in the path that the caller cannot see, before any other check."""
    if _is_options(connection):
        return
    ids: dict[str, Any] = {
        name.removesuffix("_id"): value
        for name, value in connection.path_params.items()
        if name.endswith("_id") and name != "secret_id"
    }
    organization = connection.query_params.get("organization_id")
    if organization is not None:
        await lookups.organization_id(ctx_of_connection(connection), organization)
    if not ids:
        return
    if connection.user.session not in (None, ids.get("session")):
        raise NotFound("The token belongs to another session.")
    event = ids.pop("event", None)
    if event is not None:
        await events.event_of(ctx_of_connection(connection), event)
    if not 0 < ids.get("delivery", 1) <= LARGEST_ID or "\0" in (
        str(ids.get("goal", "")) + str(ids.get("session", ""))
    ):
        raise NotFound("The id does not exist.")
    agent = ids.pop("agent", None)
    owner = ids.pop("organization", None)
    if owner is not None:
        await lookups.organization_id(ctx_of_connection(connection), owner)
    unknown = await access_queries.first_missing(ctx_of_connection(connection).pool, **ids)
    if unknown is not None:
        raise NotFound(f"{unknown.capitalize()} {ids[unknown]} does not exist.")
    if agent is not None:
        await lookups.agent_of_webhook(ctx_of_connection(connection), ids["webhook"], agent)


async def require_scope(
    connection: ASGIConnection[Any, Caller, Any, Any], handler: BaseRouteHandler
) -> None:
    """Rejects with 403 if the key lacks the route's scope."""
    if _is_options(connection):
        return
    if connection.user.session is not None:
        # Session tokens are accepted only by routes that allow them.
        return
    scope = handler.opt["scope"]
    if scope not in connection.user.scopes:
        scopes = ", ".join(sorted(connection.user.scopes))
        raise PermissionDeniedException(f"This key lacks the scope {scope}. It has: {scopes}.")
    if handler.opt.get("operators_only") and connection.user.organization is not None:
        raise PermissionDeniedException("This endpoint requires an operator key.")


def _is_options(connection: ASGIConnection[Any, Caller, Any, Any]) -> bool:
    # OPTIONS needs no key and returns only the allowed methods.
    return isinstance(connection, Request) and connection.method == "OPTIONS"


async def organization_of_new(
    ctx: KeyringContext, caller: Caller, organization: str | None, faults: tuple[Fault, ...] = ()
) -> UUID:
    """The organization of a new object. Raises NotFound, and Rejected including `faults`."""
    if caller.organization is None:
        if organization is None:
            message = "organization_id is required with an operator key."
            missing = Fault(pointer="/organization_id", message=message)
            raise Rejected(*{fault.pointer: fault for fault in (missing, *faults)}.values())
        return await lookups.organization_id(ctx, organization)
    if organization is not None:
        await lookups.organization_id(ctx, organization)
    return caller.organization


async def organization_filter(
    ctx: KeyringContext, caller: Caller, organization: str | None
) -> UUID | None:
    """The organization to filter a list by; None for all of an operator's. Raises NotFound."""
    if caller.organization is None and organization is None:
        return None
    return await organization_of_new(ctx, caller, organization)
