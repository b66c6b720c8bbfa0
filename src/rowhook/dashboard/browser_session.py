"""Dashboard sessions: authentication by cookie, scopes, and CSRF protection."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import quote, urlsplit
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.portal_frame import PORTAL_COOKIE
from rowhook.db.installation_queries import Suspension
from rowhook.services import installation, lookups
from rowhook.services.access import Caller, NotAuthenticated
from rowhook.services.context import Conflict, KeyringContext, ServerContext
from rowhook.services.lookups import (
    NavigationCounts,
    Organization,
    names_of_webhooks,
    navigation_counts,
    organization_names,
)
from rowhook.services.portal import Portal, PortalEnded, authenticate_portal
from rowhook.services.sessions import authenticate_visitor

SESSION_COOKIE = "rowhook_session"
ORGANIZATION_COOKIE = "rowhook_organization"
CSRF_FIELD = "csrf"
_SELECTION_FIELD = "selection"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The session of a request: its API key, and the organization that an operator selected.

    `suspension` is the reason why nothing is sent from this database. `portal` is set if a portal
    link opened the session. `counts` are those of the navigation, if the response shows it.
    """

    caller: Caller
    token: str
    selected_organization: Organization | None
    suspension: Suspension | None
    portal: Portal | None = None
    counts: NavigationCounts | None = None

    @property
    def organization(self) -> UUID | None:
        """The organization that the session is limited to; None for all of an operator's."""
        selected = self.selected_organization
        return selected.id if selected else self.caller.organization

    @property
    def selected_organization_id(self) -> str | None:
        """The id of the selected organization, as the platform writes it."""
        selected = self.selected_organization
        return None if selected is None else selected.external_id or str(selected.id)

    @property
    def selection(self) -> str:
        """The organization that the session is limited to, or `all`, as forms carry it."""
        return str(self.organization or "all")

    @property
    def csrf(self) -> str:
        """The CSRF token of this session's forms."""
        return hmac.new(self.token.encode(), b"rowhook csrf", hashlib.sha256).hexdigest()

    @property
    def is_operator(self) -> bool:
        """Whether the session has an operator key."""
        return self.caller.organization is None

    @property
    def sees_all_organizations(self) -> bool:
        """Whether lists contain rows of several organizations, so that they name each row's."""
        return self.is_operator and self.organization is None

    def has_scope(self, scope: str) -> bool:
        """Whether the API key has this scope."""
        return scope in self.caller.scopes


SessionRequest = Request[Caller, Session, Any]


class SessionMiddleware(ASGIMiddleware):
    """Sets `scope["user"]` to the Caller and `scope["auth"]` to the Session.

    Raises NotAuthenticated.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Authenticates every request except those of public routes."""
        if scope["type"] == ScopeType.HTTP and not scope["route_handler"].opt.get("public"):
            request: Request[Any, Any, Any] = Request(scope)
            server_ctx = scope["litestar_app"].state.server_ctx
            session = await _session(server_ctx, request)
            if scope["route_handler"].opt.get("shows_navigation") and not _is_fragment(request):
                session = replace(session, counts=await _counts(server_ctx, session))
            scope["user"], scope["auth"] = session.caller, session
        await next_app(scope, receive, send)


def _is_fragment(request: Request[Any, Any, Any]) -> bool:
    """Whether a script of the page takes only a part of the response."""
    return "hx-request" in request.headers


async def _counts(server_ctx: ServerContext, session: Session) -> NavigationCounts:
    ctx = server_ctx.ctx.for_actor(server_ctx.pool, session.organization, session.caller.actor)
    return await navigation_counts(ctx)


async def _session(server_ctx: ServerContext, request: Request[Any, Any, Any]) -> Session:
    caller, token, portal = await _authenticate(server_ctx, request)
    return Session(
        caller=caller,
        token=token,
        selected_organization=await _selected_organization(server_ctx, request, caller),
        suspension=await installation.suspension(server_ctx.ctx),
        portal=portal,
    )


async def _authenticate(
    server_ctx: ServerContext, request: Request[Any, Any, Any]
) -> tuple[Caller, str, Portal | None]:
    """The caller, the token and the portal of a session.

    A portal takes precedence: a frame of the same site also sends the other cookie.
    """
    token, portal_token = (request.cookies.get(name) for name in (SESSION_COOKIE, PORTAL_COOKIE))
    ended: NotAuthenticated | None = None
    if portal_token:
        try:
            caller, portal = await authenticate_portal(server_ctx, portal_token)
        except PortalEnded as error:
            ended = error
        else:
            return caller, portal_token, portal
    try:
        return await authenticate_visitor(server_ctx, token), token or "", None
    except NotAuthenticated as error:
        raise ended or error from None


async def _selected_organization(
    server_ctx: ServerContext, request: Request[Any, Any, Any], caller: Caller
) -> Organization | None:
    selected = _uuid(request.cookies.get(ORGANIZATION_COOKIE, ""))
    if caller.organization is not None or selected is None:
        return None
    ctx = server_ctx.ctx.for_actor(server_ctx.pool, selected, caller.actor)
    organizations = (await lookups.list_organizations(ctx, limit=1)).items
    return organizations[0] if organizations else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def require_scope(
    connection: ASGIConnection[Any, Caller, Session, Any], handler: BaseRouteHandler
) -> None:
    """Rejects with 403 if the key lacks the route's scope. OPTIONS needs none."""
    if handler.opt.get("public") or connection.scope.get("method") == "OPTIONS":
        return
    scope = handler.opt["scope"]
    if not connection.auth.has_scope(scope):
        scopes, holder = ", ".join(sorted(connection.user.scopes)), "key"
        if connection.auth.portal:
            holder = "portal"
        message = f"This {holder} lacks the scope {scope}. It has: {scopes}."
        raise PermissionDeniedException(message)
    if handler.opt.get("outside_portals") and connection.auth.portal:
        raise PermissionDeniedException("This page is not part of the portal.")
    if handler.opt.get("operators_only") and not connection.auth.is_operator:
        raise PermissionDeniedException("This page requires an operator key.")


async def check_csrf(request: SessionRequest) -> None:
    """Rejects with 403 a form that no page of the dashboard sent to this session.

    Rejects with 409 a form that an operator loaded for another organization than the selected one,
    which another tab may have changed: an object that it creates would belong to the wrong one.
    """
    if request.method in _SAFE:
        return
    if not _is_same_origin(request):
        raise PermissionDeniedException("This form was submitted from another site.")
    if request.route_handler.opt.get("public"):
        return
    form = await FormData.from_body(request)
    token = form.raw(CSRF_FIELD)
    if not hmac.compare_digest(token.encode(), request.auth.csrf.encode()):
        raise PermissionDeniedException(
            "This form belongs to another session. Reload the page and submit it again."
        )
    selection = form.raw(_SELECTION_FIELD) or request.auth.selection
    if selection != request.auth.selection and not request.route_handler.opt.get("selects"):
        raise Conflict(
            "Another organization was selected after this form was loaded. Nothing was changed."
            " Select the previous one again, go back and submit the form again."
        )


def _is_same_origin(request: SessionRequest) -> bool:
    """Whether the form was sent from this site. Prefers Sec-Fetch-Site: proxies may change Host."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def ctx_of(request: SessionRequest) -> KeyringContext:
    """The KeyringContext of the session's caller and organization."""
    server_ctx: ServerContext = request.app.state.server_ctx
    return server_ctx.ctx.for_actor(
        server_ctx.pool, request.auth.organization, request.auth.caller.actor
    )


def server_ctx_of(request: Request[Any, Any, Any]) -> ServerContext:
    """The application's ServerContext, for requests without a session."""
    server_ctx: ServerContext = request.app.state.server_ctx
    return server_ctx


def local_path(text: str | None) -> str:
    """A path of this site to redirect to; `/` for anything else."""
    if text is None or not text.startswith("/") or text.startswith(("//", "/\\")):
        return "/"
    return quote(text, safe="/?&=%:+,;~-._")


class Owned(Protocol):
    """A row of a list, with the platform id of its organization."""

    @property
    def organization_id(self) -> str | None:
        """The id; None for an object of no organization."""


async def owner_names(request: SessionRequest, items: Iterable[Owned]) -> dict[str, str]:
    """The names by id; empty if the session is limited to one organization."""
    if not request.auth.sees_all_organizations:
        return {}
    return await organization_names(ctx_of(request), (item.organization_id for item in items))


async def owners_of_webhooks(request: SessionRequest, webhooks: Iterable[UUID]) -> dict[UUID, str]:
    """The names of their organizations; empty if the session is limited to one."""
    if not request.auth.sees_all_organizations:
        return {}
    by_id = await names_of_webhooks(ctx_of(request), webhooks)
    return {webhook.id: webhook.organization for webhook in by_id.values() if webhook.organization}
