"""Who is looking: the session behind the cookie, and the word that its forms must carry."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from rowhook import operations
from rowhook.dashboard.given import Given
from rowhook.operations import Caller, Desk, Office
from rowhook.operations.documents import Organization
from rowhook.operations.sign_in import admit_visitor
from rowhook.postgres import Suspension

SESSION_COOKIE = "rowhook_session"
ORGANIZATION_COOKIE = "rowhook_organization"
CSRF_FIELD = "csrf"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visitor: what may be done, and the organization that an operator looks at alone.

    `suspension` says why nothing is sent from this database.
    """

    caller: Caller
    token: str
    chosen: Organization | None
    suspension: Suspension | None

    @property
    def organization(self) -> UUID | None:
        """The organization that all is asked for; None: an operator, all of them."""
        return self.chosen.id if self.chosen else self.caller.organization

    @property
    def chosen_id(self) -> str | None:
        """The id of the organization that an operator looks at, as the platform writes it."""
        return None if self.chosen is None else self.chosen.external_id or str(self.chosen.id)

    @property
    def csrf(self) -> str:
        """What a form of this session carries; nobody who does not see its pages can know it."""
        return hmac.new(self.token.encode(), b"rowhook csrf", hashlib.sha256).hexdigest()

    @property
    def is_operator(self) -> bool:
        """Whether the key is of no organization."""
        return self.caller.organization is None

    def may(self, scope: str) -> bool:
        """Whether the key has this scope."""
        return scope in self.caller.scopes


Visitor = Request[Caller, Visit, Any]


class Admission(ASGIMiddleware):
    """Puts the Caller into `scope["user"]`, the Visit into `scope["auth"]`. Raises NotAdmitted."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Runs before anything of the request is looked at, but where anybody may come."""
        if scope["type"] == ScopeType.HTTP and not scope["route_handler"].opt.get("public"):
            request: Request[Any, Any, Any] = Request(scope)
            visit = await _visit(scope["litestar_app"].state.desk, request)
            scope["user"], scope["auth"] = visit.caller, visit
        await next_app(scope, receive, send)


async def _visit(desk: Desk, request: Request[Any, Any, Any]) -> Visit:
    token = request.cookies.get(SESSION_COOKIE)
    caller = await admit_visitor(desk, token)
    return Visit(
        caller=caller,
        token=token or "",
        chosen=await _chosen(desk, request, caller),
        suspension=await operations.suspension(desk.office),
    )


async def _chosen(
    desk: Desk, request: Request[Any, Any, Any], caller: Caller
) -> Organization | None:
    wanted = _uuid(request.cookies.get(ORGANIZATION_COOKIE, ""))
    if caller.organization is not None or wanted is None:
        return None
    office = desk.office.entered(desk.pool, wanted, caller.actor)
    found = (await operations.list_organizations(office, limit=1)).items
    return found[0] if found else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def permits(
    connection: ASGIConnection[Any, Caller, Visit, Any], handler: BaseRouteHandler
) -> None:
    """403 without the scope that the page asks for; which methods a page has, all may ask."""
    if handler.opt.get("public") or connection.scope.get("method") == "OPTIONS":
        return
    scope = handler.opt["scope"]
    if not connection.auth.may(scope):
        held = ", ".join(sorted(connection.user.scopes))
        raise PermissionDeniedException(f"This key lacks the scope {scope}. It has: {held}.")
    if handler.opt.get("operators_only") and not connection.auth.is_operator:
        raise PermissionDeniedException("This page requires an operator key.")


async def of_this_page(request: Visitor) -> None:
    """403 for a form that no page of ours showed to this session (CSRF)."""
    if request.method in _SAFE:
        return
    if not _from_here(request):
        raise PermissionDeniedException("This form was submitted from another site.")
    if request.route_handler.opt.get("public"):
        return
    given = (await Given.form(request)).raw(CSRF_FIELD)
    if not hmac.compare_digest(given.encode(), request.auth.csrf.encode()):
        raise PermissionDeniedException(
            "This form belongs to another session. Reload the page and submit it again."
        )


def _from_here(request: Visitor) -> bool:
    """What the browser says of the page that sent it; a proxy may have changed our own name."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def office_of(request: Visitor) -> Office:
    """The office as this visitor may use it, for the organization that was chosen."""
    desk: Desk = request.app.state.desk
    return desk.office.entered(desk.pool, request.auth.organization, request.auth.caller.actor)


def desk_of(request: Request[Any, Any, Any]) -> Desk:
    """What the dashboard works with, before anybody is in."""
    desk: Desk = request.app.state.desk
    return desk


def place_to_go(text: str | None) -> str:
    """A path of ours to go on to; anything else is the first page."""
    if text is None or not text.startswith("/") or text.startswith(("//", "/\\")):
        return "/"
    return quote(text, safe="/?&=%:+,;~-._")
