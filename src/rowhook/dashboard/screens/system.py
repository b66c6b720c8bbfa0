"""The system page: workers, and for operators versions, capture, retention and settings."""

from __future__ import annotations

from rowhook import operations
from rowhook.dashboard.done import flash_message
from rowhook.dashboard.given import FormData
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import ContextDependency, page_route
from rowhook.dashboard.visit import SessionRequest, server_ctx_of
from rowhook.operations.documents import System

_FLASH_MESSAGES = {
    "adopted": "Database adopted. Deliveries are sent from it. Cancelled waiting deliveries: {}."
}


@page_route("/system")
async def system(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Show the workers; operators with the scope admin see the rest as well."""
    system_ = await _system(request)
    processes = system_.workers if system_ else await operations.workers(ctx)
    done = flash_message(FormData.from_query(request).text("done"), _FLASH_MESSAGES)
    return page(request, "system.html", processes=processes, system=system_, done=done)


async def _system(request: SessionRequest) -> System | None:
    session, server_ctx = request.auth, server_ctx_of(request)
    if not (session.is_operator and session.has_scope("admin")):
        return None
    # Of all organizations, even if one is selected.
    ctx = server_ctx.ctx.for_actor(server_ctx.pool, None, session.caller.actor)
    return await operations.system(ctx, server_ctx.settings)


HANDLERS = [system]
