"""Adoption of a copied or moved database, which resumes its deliveries."""

from __future__ import annotations

from typing import Any

from litestar import Response

from rowhook import operations
from rowhook.compose import Fault
from rowhook.dashboard.done import redirect_back
from rowhook.dashboard.given import FormData
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import form_route, page_route
from rowhook.dashboard.visit import SessionRequest, server_ctx_of
from rowhook.operations import KeyringContext, Rejected


@page_route("/adopt", scope="admin", operators_only=True)
async def adoption_form(request: SessionRequest) -> Page:
    """Show why deliveries are suspended, how many wait, and the choices."""
    waiting = await operations.count_waiting(_operator_office(request))
    return page(request, "adopt.html", waiting=waiting)


@form_route("/adopt", scope="admin", operators_only=True)
async def adopt(request: SessionRequest) -> Response[Any]:
    """Adopt the database, and send or cancel its waiting deliveries."""
    choice = (await FormData.from_body(request)).text("waiting")
    if choice not in {"send", "cancel"}:
        raise Rejected(
            Fault(
                pointer="/waiting",
                message="Choose whether to send or cancel the waiting deliveries.",
            )
        )
    adopted = await operations.adopt(_operator_office(request), cancel_waiting=choice == "cancel")
    return redirect_back("/system", "adopted", adopted.cancelled)


def _operator_office(request: SessionRequest) -> KeyringContext:
    """The KeyringContext of all organizations, even if one is selected."""
    server_ctx = server_ctx_of(request)
    return server_ctx.ctx.for_actor(server_ctx.pool, None, request.auth.caller.actor)


HANDLERS = [adoption_form, adopt]
