"""Signing in with an API key or a link of `rowhook up`, signing out, choosing an organization."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.datastructures import Cookie

from rowhook import operations
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, go, page
from rowhook.dashboard.route import TheOffice, does, shows
from rowhook.dashboard.visit import (
    ORGANIZATION_COOKIE,
    SESSION_COOKIE,
    Visitor,
    desk_of,
    place_to_go,
)
from rowhook.operations import sign_in as signing
from rowhook.operations.sign_in import SESSION

Asked = Request[Any, Any, Any]
_ALL = "all"


@shows("/sign-in", public=True)
async def ask(request: Asked) -> Page:
    """The form for a key."""
    return page(
        request, "sign_in.html", message="", next=place_to_go(Given.query(request).text("next"))
    )


@does("/sign-in", scope="", public=True)
async def sign_in(request: Asked) -> Response[Any]:
    """With a key."""
    given = await Given.form(request)
    wanted = place_to_go(given.text("next"))
    try:
        token = await signing.sign_in(desk_of(request), given.text("key") or "")
    except operations.NotAdmitted as error:
        return page(request, "sign_in.html", status=401, message=str(error), next=wanted)
    return _signed_in(request, token, wanted)


@shows("/sign-in/link", public=True)
async def ask_once(request: Asked) -> Page:
    """A button: who looks at a link beforehand, as mail programs do, does not use it up."""
    return page(
        request, "sign_in_link.html", message="", link=Given.query(request).text("token") or ""
    )


@does("/sign-in/link", scope="", public=True)
async def open_link(request: Asked) -> Response[Any]:
    """With a link, once."""
    link = (await Given.form(request)).text("link") or ""
    try:
        token = await signing.open_link(desk_of(request), link)
    except operations.NotAdmitted as error:
        return page(request, "sign_in.html", status=401, message=str(error), next="/")
    return _signed_in(request, token, "/")


def _signed_in(request: Asked, token: str, wanted: str) -> Response[Any]:
    answer = go(wanted)
    answer.set_cookie(
        Cookie(
            key=SESSION_COOKIE,
            value=token,
            httponly=True,
            samesite="lax",
            max_age=int(SESSION.total_seconds()),
            secure=request.url.scheme == "https",
        )
    )
    return answer


@does("/sign-out", scope="read")
async def sign_out(request: Visitor) -> Response[Any]:
    """Ends this session."""
    await signing.sign_out(desk_of(request), request.auth.token)
    answer = go("/sign-in")
    answer.delete_cookie(SESSION_COOKIE)
    answer.delete_cookie(ORGANIZATION_COOKIE)
    return answer


@shows("/organizations", operators_only=True)
async def organizations(request: Visitor) -> Page:
    """What an operator may look at alone."""
    desk = desk_of(request)
    office = desk.office.entered(desk.pool, None, request.auth.caller.actor)
    found = await operations.list_organizations(
        office, cursor=Given.query(request).text("cursor"), limit=100
    )
    wanted = place_to_go(Given.query(request).text("next"))
    return page(request, "organizations.html", organizations=found, next=wanted)


@does("/organizations", scope="read", operators_only=True)
async def choose(request: Visitor, office: TheOffice) -> Response[Any]:
    """Goes on as if there were this organization alone; `all` goes back."""
    del office
    given = await Given.form(request)
    answer = go(place_to_go(given.text("next")))
    if given.text("organization") in (None, _ALL):
        answer.delete_cookie(ORGANIZATION_COOKIE)
        return answer
    chosen = str(given.uuid("organization"))
    answer.set_cookie(Cookie(key=ORGANIZATION_COOKIE, value=chosen, httponly=True, samesite="lax"))
    return answer


HANDLERS = [ask, sign_in, ask_once, open_link, sign_out, organizations, choose]
