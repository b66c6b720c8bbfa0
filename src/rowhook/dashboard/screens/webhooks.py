"""The list of webhooks: search, compare, pause and resume several."""

from __future__ import annotations

from typing import Any, Literal, get_args

from litestar import Response

from rowhook import operations
from rowhook.compose import Fault
from rowhook.dashboard.done import current_address, flash_message, redirect_back
from rowhook.dashboard.given import FormData
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import ContextDependency, form_route, page_route
from rowhook.dashboard.visit import SessionRequest
from rowhook.operations import NotFound, Rejected
from rowhook.operations.documents import State

TargetState = Literal["active", "paused"]
_LIMIT = 50
_FLASH_MESSAGES = {
    "paused": "Paused {}. Deliveries wait until the webhooks are resumed.",
    "active": "Resumed {}. Waiting deliveries are being sent.",
    "none": "No webhook was selected.",
    "deleted": "Webhook deleted and waiting deliveries cancelled. Past deliveries remain listed.",
}


@page_route("/webhooks")
async def webhooks(request: SessionRequest, ctx: ContextDependency) -> Page:
    """List webhooks, newest first."""
    params = FormData.from_query(request)
    state: State | None = params.one_of("state", State)
    webhooks_page = await operations.list_webhooks(
        ctx,
        organization=request.auth.organization,
        state=state,
        search=params.text("search"),
        cursor=params.text("cursor"),
        limit=_LIMIT,
    )
    ids = [webhook.id for webhook in webhooks_page.items]
    health = await operations.health_of(ctx, ids) if ids else []
    query = [(name, value) for name in ("search", "state") if (value := params.text(name))]
    return page(
        request,
        "webhooks.html",
        webhooks=webhooks_page,
        query=query,
        health={entry.webhook_id: entry for entry in health},
        state=state,
        search=params.text("search") or "",
        current_address=current_address(request),
        states=get_args(State),
        message=flash_message(params.text("done"), _FLASH_MESSAGES),
    )


@form_route("/webhooks/state", scope="write")
async def set_states(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Pause or resume the selected webhooks, skipping deleted ones."""
    form = await FormData.from_body(request)
    state, count = _target_state(form), 0
    for webhook in form.uuids("id"):
        try:
            await operations.set_state(ctx, webhook, state)
        except NotFound:
            continue
        count += 1
    return redirect_back(form.text("next"), state if count else "none", count or None)


def _target_state(form: FormData) -> TargetState:
    state: TargetState | None = form.one_of("to", TargetState)
    if state is None:
        raise Rejected(Fault(pointer="/to", message="Must be active or paused."))
    return state


HANDLERS = [webhooks, set_states]
