"""Opening a portal link, in a page of its own or in a frame."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response

from rowhook.dashboard.browser_session import server_ctx_of
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.pages import Page, form_route, page_route, portal_page, redirect
from rowhook.dashboard.portal_frame import set_portal_cookie
from rowhook.services import portal
from rowhook.services.access import NotAuthenticated

AnyRequest = Request[Any, Any, Any]


@page_route("/portal", public=True)
async def portal_form(request: AnyRequest) -> Page:
    """Show a button, so that link previews of mail programs do not use up the link.

    In a frame, a script submits the form at once: it runs only where the frame is allowed.
    """
    link = FormData.from_query(request).text("token") or ""
    try:
        opened = await portal.portal_of_link(server_ctx_of(request), link)
    except NotAuthenticated as error:
        return _refused(request, error)
    return portal_page(request, "portal.html", opened, link=link)


@form_route("/portal", scope="", public=True)
async def open_portal(request: AnyRequest) -> Response[Any]:
    """Sign in with a portal link, which works once."""
    link = (await FormData.from_body(request)).text("link") or ""
    try:
        token = await portal.open_link(server_ctx_of(request), link)
    except NotAuthenticated as error:
        return _refused(request, error)
    response = redirect("/")
    set_portal_cookie(request, response, token)
    return response


def _refused(request: AnyRequest, error: NotAuthenticated) -> Page:
    return portal_page(request, "portal_ended.html", status=401, message=str(error))


HANDLERS = [portal_form, open_portal]
