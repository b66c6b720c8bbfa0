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
from rowhook.operations import Caller, KeyringContext, ServerContext
from rowhook.operations.documents import Organization
from rowhook.operations.sign_in import authenticate_visitor
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
    """Sets `scope["user"]` to the Caller, `scope["auth"]` to the Visit. Raises NotAuthenticated."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Runs before anything of the request is looked at, but where anybody may come."""
        if scope["type"] == ScopeType.HTTP and not scope["route_handler"].opt.get("public"):
            request: Request[Any, Any, Any] = Request(scope)
            visit = await _visit(scope["litestar_app"].state.server_ctx, request)
            scope["user"], scope["auth"] = visit.caller, visit
        await next_app(scope, receive, send)


async def _visit(server_ctx: ServerContext, request: Request[Any, Any, Any]) -> Visit:
    token = request.cookies.get(SESSION_COOKIE)
    caller = await authenticate_visitor(server_ctx, token)
    return Visit(
        caller=caller,
        token=token or "",
        chosen=await _chosen(server_ctx, request, caller),
        suspension=await operations.suspension(server_ctx.ctx),
    )


async def _chosen(
    server_ctx: ServerContext, request: Request[Any, Any, Any], caller: Caller
) -> Organization | None:
    wanted = _uuid(request.cookies.get(ORGANIZATION_COOKIE, ""))
    if caller.organization is not None or wanted is None:
        return None
    ctx = server_ctx.ctx.for_actor(server_ctx.pool, wanted, caller.actor)
    found = (await operations.list_organizations(ctx, limit=1)).items
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
        raise PermissionDeniedException(
            f"this key may not do that: it needs the scope {scope} and has {held}"
        )
    if handler.opt.get("operators_only") and not connection.auth.is_operator:
        raise PermissionDeniedException("this page is for operator keys")


async def of_this_page(request: Visitor) -> None:
    """403 for a form that no page of ours showed to this session (CSRF)."""
    if request.method in _SAFE:
        return
    if not _from_here(request):
        raise PermissionDeniedException("this form came from another site")
    if request.route_handler.opt.get("public"):
        return
    given = (await Given.form(request)).raw(CSRF_FIELD)
    if not hmac.compare_digest(given.encode(), request.auth.csrf.encode()):
        raise PermissionDeniedException(
            "this form is of another session: load the page again, then send it"
        )


def _from_here(request: Visitor) -> bool:
    """What the browser says of the page that sent it; a proxy may have changed our own name."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def ctx_of(request: Visitor) -> KeyringContext:
    """The service context for this visitor, in the organization that was chosen."""
    server_ctx: ServerContext = request.app.state.server_ctx
    return server_ctx.ctx.for_actor(
        server_ctx.pool, request.auth.organization, request.auth.caller.actor
    )


def server_ctx_of(request: Request[Any, Any, Any]) -> ServerContext:
    """What the dashboard works with, before anybody is in."""
    server_ctx: ServerContext = request.app.state.server_ctx
    return server_ctx


def place_to_go(text: str | None) -> str:
    """A path of ours to go on to; anything else is the first page."""
    if text is None or not text.startswith("/") or text.startswith(("//", "/\\")):
        return "/"
    return quote(text, safe="/?&=%:+,;~-._")
