"""The installation: who works, and for operators versions, what the capture owes, settings."""

from __future__ import annotations

from rowhook import operations
from rowhook.dashboard.done import said
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import ContextDependency, shows
from rowhook.dashboard.visit import Visitor, server_ctx_of
from rowhook.operations.documents import System

_DONE = {"adopted": "Adopted: deliveries go out from this database. Cancelled before: {}."}


@shows("/system")
async def system(request: Visitor, ctx: ContextDependency) -> Page:
    """The workers for everybody; the rest for an operator's key that may see it."""
    whole = await _whole(request)
    processes = whole.workers if whole else await operations.workers(ctx)
    done = said(Given.query(request).text("done"), _DONE)
    return page(request, "system.html", processes=processes, system=whole, done=done)


async def _whole(request: Visitor) -> System | None:
    visit, server_ctx = request.auth, server_ctx_of(request)
    if not (visit.is_operator and visit.may("admin")):
        return None
    # It is of all organizations, whichever was chosen.
    ctx = server_ctx.ctx.for_actor(server_ctx.pool, None, visit.caller.actor)
    return await operations.system(ctx, server_ctx.settings)


HANDLERS = [system]
