"""Who calls, and whether they may: the key (401), what the path names (404), the scope (403)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from rowhook import operations, postgres
from rowhook.api.segments import decoded
from rowhook.compose import Fault
from rowhook.operations import Caller, Desk, NotFound, Office, Rejected
from rowhook.operations.paging import LARGEST_ID
from rowhook.operations.session import PREFIX as SESSION_PREFIX


class Admission(ASGIMiddleware):
    """Puts the Caller behind the key into `scope["user"]`. Raises NotAdmitted."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Runs before anything of the request is looked at."""
        if scope["type"] == ScopeType.HTTP and scope["method"] != "OPTIONS":
            desk: Desk = scope["litestar_app"].state.desk
            request: Request[Any, Any, Any] = Request(scope)
            scope["user"] = await _admitted(desk, request, _given(request))
            scope["auth"] = None
            scope["path_params"] = decoded(scope)
        await next_app(scope, receive, send)


def _given(request: Request[Any, Any, Any]) -> str | None:
    """The bearer token; where a page asks, who can set no header, the one in the query."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    if request.scope["route_handler"].opt.get("of_session"):
        return request.query_params.get("token")
    return None


async def _admitted(desk: Desk, request: Request[Any, Any, Any], given: str | None) -> Caller:
    of_session = request.scope["route_handler"].opt.get("of_session", False)
    if of_session and given is not None and given.startswith(SESSION_PREFIX):
        return operations.admit_session(desk.office.keyring, given)
    return await operations.admit(desk.pool, given, desk.admin_key)


def caller_of(request: Request[Caller, Any, Any]) -> Caller:
    """Who calls."""
    return request.user


def office_of(request: Request[Caller, Any, Any]) -> Office:
    """The office as this caller may use it."""
    return entered(request)


def entered(connection: ASGIConnection[Any, Caller, Any, Any]) -> Office:
    """The office of this connection's caller."""
    desk: Desk = connection.app.state.desk
    caller = connection.user
    return desk.office.entered(desk.pool, caller.organization, caller.actor)


async def exists(connection: ASGIConnection[Any, Caller, Any, Any], _: BaseRouteHandler) -> None:
    """404 for what the path names and this caller cannot see, before anything else is checked."""
    if _is_options(connection):
        return
    named: dict[str, Any] = {
        name.removesuffix("_id"): value
        for name, value in connection.path_params.items()
        if name.endswith("_id") and name != "secret_id"
    }
    asked = connection.query_params.get("organization_id")
    if asked is not None:
        await operations.organization_id(entered(connection), asked)
    if not named:
        return
    if connection.user.session not in (None, named.get("session")):
        raise NotFound("The token belongs to another session.")
    event = named.pop("event", None)
    if event is not None:
        await operations.event_of(entered(connection), event)
    if not 0 < named.get("delivery", 1) <= LARGEST_ID or "\0" in (
        str(named.get("goal", "")) + str(named.get("session", ""))
    ):
        raise NotFound("The id does not exist.")
    agent = named.pop("agent", None)
    what = await postgres.unknown(entered(connection).pool, **named)
    if what is not None:
        raise NotFound(f"{what.capitalize()} {named[what]} does not exist.")
    if agent is not None:
        await operations.agent_of_webhook(entered(connection), named["webhook"], agent)


async def permits(
    connection: ASGIConnection[Any, Caller, Any, Any], handler: BaseRouteHandler
) -> None:
    """403 without the scope that the route asks for."""
    if _is_options(connection):
        return
    if connection.user.session is not None:
        # Admitted where a page may ask, and nowhere else.
        return
    scope = handler.opt["scope"]
    if scope not in connection.user.scopes:
        held = ", ".join(sorted(connection.user.scopes))
        raise PermissionDeniedException(f"This key lacks the scope {scope}. It has: {held}.")
    if handler.opt.get("operators_only") and connection.user.organization is not None:
        raise PermissionDeniedException("This endpoint requires an operator key.")


def _is_options(connection: ASGIConnection[Any, Caller, Any, Any]) -> bool:
    # It is asked without a key, and answers with the methods alone.
    return isinstance(connection, Request) and connection.method == "OPTIONS"


async def owner(
    office: Office, caller: Caller, organization: str | None, faults: tuple[Fault, ...] = ()
) -> UUID:
    """The organization of what is created. Raises Rejected with the `faults` too, NotFound."""
    if caller.organization is None:
        if organization is None:
            message = "organization_id is required with an operator key."
            said = Fault(pointer="/organization_id", message=message)
            raise Rejected(*{one.pointer: one for one in (said, *faults)}.values())
        return await operations.organization_id(office, organization)
    if organization is not None:
        await operations.organization_id(office, organization)
    return caller.organization


async def among(office: Office, caller: Caller, organization: str | None) -> UUID | None:
    """The organization that a list is of; None: all of an operator's. Raises NotFound."""
    if caller.organization is None and organization is None:
        return None
    return await owner(office, caller, organization)
