"""Sign-in by API key, by a link of `rowhook up` or of a portal; sign-out; the organization."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.datastructures import Cookie

from rowhook.dashboard.browser_session import (
    ORGANIZATION_COOKIE,
    SESSION_COOKIE,
    SessionRequest,
    local_path,
    server_ctx_of,
)
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.pages import (
    ContextDependency,
    Page,
    form_route,
    page,
    page_route,
    portal_ended_page,
    portal_page,
    redirect,
)
from rowhook.dashboard.portal_frame import delete_portal_cookie, set_portal_cookie
from rowhook.services import lookups, portal
from rowhook.services import sessions as signing
from rowhook.services.access import NotAuthenticated
from rowhook.services.portal import end_session
from rowhook.services.sessions import SESSION

AnyRequest = Request[Any, Any, Any]
_ALL = "all"


@page_route("/sign-in", public=True)
async def sign_in_form(request: AnyRequest) -> Page:
    """Shows the sign-in form."""
    return page(
        request,
        "sign_in.html",
        message="",
        next=local_path(FormData.from_query(request).text("next")),
    )


@form_route("/sign-in", scope="", public=True)
async def sign_in(request: AnyRequest) -> Response[Any]:
    """Signs in with an API key."""
    form = await FormData.from_body(request)
    target = local_path(form.text("next"))
    try:
        token = await signing.sign_in(server_ctx_of(request), form.text("key") or "")
    except NotAuthenticated as error:
        return page(request, "sign_in.html", status=401, message=str(error), next=target)
    return _signed_in(request, token, target)


@page_route("/sign-in/link", public=True)
async def sign_in_link_form(request: AnyRequest) -> Page:
    """Shows a button, so that link previews of mail programs do not use up the link."""
    return page(
        request,
        "sign_in_link.html",
        message="",
        link=FormData.from_query(request).text("token") or "",
    )


@form_route("/sign-in/link", scope="", public=True)
async def open_link(request: AnyRequest) -> Response[Any]:
    """Signs in with a link, which works once."""
    link = (await FormData.from_body(request)).text("link") or ""
    try:
        token = await signing.open_link(server_ctx_of(request), link)
    except NotAuthenticated as error:
        return page(request, "sign_in.html", status=401, message=str(error), next="/")
    return _signed_in(request, token, "/")


def _signed_in(request: AnyRequest, token: str, target: str) -> Response[Any]:
    response = redirect(target)
    response.set_cookie(
        _cookie(request, SESSION_COOKIE, token, max_age=int(SESSION.total_seconds()))
    )
    delete_portal_cookie(request, response)
    return response


def _cookie(request: AnyRequest, key: str, value: str, max_age: int | None = None) -> Cookie:
    """A cookie that scripts cannot read, and that leaves a site with TLS only encrypted."""
    is_secure = request.url.scheme == "https"
    return Cookie(
        key=key, value=value, max_age=max_age, httponly=True, samesite="lax", secure=is_secure
    )


@form_route("/sign-out", scope="read")
async def sign_out(request: SessionRequest) -> Response[Any]:
    """Ends the session. A portal's page has the link back, which a redirect could not follow."""
    portal = request.auth.portal
    if portal is not None:
        await end_session(server_ctx_of(request), request.auth.token)
        request.scope["auth"] = None
        ended = portal_page(request, "portal_ended.html", portal, message="You are signed out.")
        delete_portal_cookie(request, ended)
        return ended
    await signing.sign_out(server_ctx_of(request), request.auth.token)
    response = redirect("/sign-in")
    response.delete_cookie(SESSION_COOKIE)
    response.delete_cookie(ORGANIZATION_COOKIE)
    return response


@page_route("/organizations", operators_only=True)
async def organizations(request: SessionRequest) -> Page:
    """Lists the organizations that an operator can select."""
    server_ctx = server_ctx_of(request)
    ctx = server_ctx.ctx.for_actor(server_ctx.pool, None, request.auth.caller.actor)
    params = FormData.from_query(request)
    target, search = local_path(params.text("next")), params.text("search")
    organizations_page = await lookups.list_organizations(
        ctx, search=search, cursor=params.text("cursor"), limit=100
    )
    query = [("next", target), *([("search", search)] if search else [])]
    return page(
        request,
        "organizations.html",
        organizations=organizations_page,
        next=target,
        search=search or "",
        query=query,
    )


@form_route("/organizations", scope="read", operators_only=True, selects=True)
async def select_organization(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Limits the session to an organization; `all` removes the limit."""
    del ctx
    form = await FormData.from_body(request)
    response = redirect(local_path(form.text("next")))
    if form.text("organization") in (None, _ALL):
        response.delete_cookie(ORGANIZATION_COOKIE)
        return response
    selected_id = str(form.uuid("organization"))
    response.set_cookie(_cookie(request, ORGANIZATION_COOKIE, selected_id))
    return response


@page_route("/portal", public=True)
async def portal_form(request: AnyRequest) -> Page:
    """Shows a button, so that link previews of mail programs do not use up the link.

    In a frame, a script submits the form at once: it runs only where the frame is allowed.
    """
    link = FormData.from_query(request).text("token") or ""
    try:
        opened = await portal.portal_of_link(server_ctx_of(request), link)
    except NotAuthenticated as error:
        return portal_ended_page(request, error)
    return portal_page(request, "portal.html", opened, link=link)


@form_route("/portal", scope="", public=True)
async def open_portal(request: AnyRequest) -> Response[Any]:
    """Signs in with a portal link, which works once."""
    link = (await FormData.from_body(request)).text("link") or ""
    try:
        token = await portal.open_link(server_ctx_of(request), link)
    except NotAuthenticated as error:
        return portal_ended_page(request, error)
    response = redirect("/")
    set_portal_cookie(request, response, token)
    return response


HANDLERS = [
    sign_in_form,
    sign_in,
    sign_in_link_form,
    open_link,
    sign_out,
    organizations,
    select_organization,
    portal_form,
    open_portal,
]
