"""A copied or moved database becomes the installation, so that deliveries go out again."""

from __future__ import annotations

from typing import Any

from litestar import Response

from rowhook import operations
from rowhook.compose import Fault
from rowhook.dashboard.done import back
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import does, shows
from rowhook.dashboard.visit import Visitor, desk_of
from rowhook.operations import Office, Rejected


@shows("/adopt", scope="admin", operators_only=True)
async def confirm_adoption(request: Visitor) -> Page:
    """Why it is a copy, how much waits, and what is to become of that."""
    waiting = await operations.count_waiting(_whole(request))
    return page(request, "adopt.html", waiting=waiting)


@does("/adopt", scope="admin", operators_only=True)
async def adopt(request: Visitor) -> Response[Any]:
    """Deliveries go out from here; what waited is sent or cancelled, as was chosen."""
    choice = (await Given.form(request)).text("waiting")
    if choice not in {"send", "cancel"}:
        raise Rejected(
            Fault(
                pointer="/waiting",
                message="Choose whether to send or cancel the waiting deliveries.",
            )
        )
    adopted = await operations.adopt(_whole(request), cancel_waiting=choice == "cancel")
    return back("/system", "adopted", adopted.cancelled)


def _whole(request: Visitor) -> Office:
    """All organizations, whichever was chosen to look at."""
    desk = desk_of(request)
    return desk.office.entered(desk.pool, None, request.auth.caller.actor)


HANDLERS = [confirm_adoption, adopt]
