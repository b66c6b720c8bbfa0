"""Webhooks as a list: found, compared, paused and resumed several at once."""

from __future__ import annotations

from typing import Any, Literal, get_args

from litestar import Response

from rowhook import operations
from rowhook.compose import Fault
from rowhook.dashboard.done import back, here, said
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import TheOffice, does, shows
from rowhook.dashboard.visit import Visitor
from rowhook.operations import NotFound, Rejected
from rowhook.operations.documents import State

Wanted = Literal["active", "paused"]
_LIMIT = 50
_DONE = {
    "paused": "Paused {}. Deliveries wait until the webhooks are resumed.",
    "active": "Resumed {}. Waiting deliveries are being sent.",
    "none": "No webhook was selected.",
    "deleted": "Webhook deleted and waiting deliveries cancelled. Past deliveries remain listed.",
}


@shows("/webhooks")
async def webhooks(request: Visitor, office: TheOffice) -> Page:
    """A page of them, newest first."""
    asked = Given.query(request)
    state: State | None = asked.one_of("state", State)
    found = await operations.list_webhooks(
        office,
        organization=request.auth.organization,
        state=state,
        search=asked.text("search"),
        cursor=asked.text("cursor"),
        limit=_LIMIT,
    )
    ids = [one.id for one in found.items]
    health = await operations.health_of(office, ids) if ids else []
    query = [(name, value) for name in ("search", "state") if (value := asked.text(name))]
    return page(
        request,
        "webhooks.html",
        webhooks=found,
        query=query,
        health={one.webhook_id: one for one in health},
        state=state,
        search=asked.text("search") or "",
        here=here(request),
        states=get_args(State),
        said=said(asked.text("done"), _DONE),
    )


@does("/webhooks/state", scope="write")
async def set_states(request: Visitor, office: TheOffice) -> Response[Any]:
    """Pauses or resumes those that are ticked; one that was deleted meanwhile is left out."""
    given = await Given.form(request)
    state, done = _wanted(given), 0
    for webhook in given.uuids("id"):
        try:
            await operations.set_state(office, webhook, state)
        except NotFound:
            continue
        done += 1
    return back(given.text("next"), state if done else "none", done or None)


def _wanted(given: Given) -> Wanted:
    state: Wanted | None = given.one_of("to", Wanted)
    if state is None:
        raise Rejected(Fault(pointer="/to", message="Must be active or paused."))
    return state


HANDLERS = [webhooks, set_states]
