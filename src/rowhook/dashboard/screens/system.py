"""The installation: who works, and for operators versions, what the capture owes, settings."""

from __future__ import annotations

from rowhook import operations
from rowhook.dashboard.done import said
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import TheOffice, shows
from rowhook.dashboard.visit import Visitor, desk_of
from rowhook.operations.documents import System

_DONE = {
    "adopted": "Database adopted. Deliveries are sent from it. Cancelled waiting deliveries: {}."
}


@shows("/system")
async def system(request: Visitor, office: TheOffice) -> Page:
    """The workers for everybody; the rest for an operator's key that may see it."""
    whole = await _whole(request)
    processes = whole.workers if whole else await operations.workers(office)
    done = said(Given.query(request).text("done"), _DONE)
    return page(request, "system.html", processes=processes, system=whole, done=done)


async def _whole(request: Visitor) -> System | None:
    visit, desk = request.auth, desk_of(request)
    if not (visit.is_operator and visit.may("admin")):
        return None
    # It is of all organizations, whichever was chosen.
    office = desk.office.entered(desk.pool, None, visit.caller.actor)
    return await operations.system(office, desk.settings)


HANDLERS = [system]
