"""The list of deliveries: filter, watch live, retry or cancel several."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from litestar import Response
from litestar.response import Stream

from rowhook import operations
from rowhook.compose import Fault
from rowhook.dashboard.choices import webhook_choices
from rowhook.dashboard.done import flash_message, redirect_back
from rowhook.dashboard.given import FormData
from rowhook.dashboard.page import Page, fragment, page
from rowhook.dashboard.route import (
    ContextDependency,
    StreamsDependency,
    form_route,
    page_route,
    stream_route,
)
from rowhook.dashboard.sought import EVENT_TYPES, STATUSES, parse_delivery_query
from rowhook.dashboard.visit import SessionRequest
from rowhook.operations import KeyringContext, Rejected
from rowhook.operations.documents import Deliveries, DeliveryCounts, Goal

_INTERVAL_S = 1.0
_MAX_IDS = 200
_MAX_GOALS = 200
_EMPTY_TALLY = DeliveryCounts(total=0, by_status={}, capped=False)
_FLASH_MESSAGES = {
    "retried": "{} of {} sent again.",
    "retried_some": "{} of {} sent again. Deliveries that are being sent were not changed.",
    "cancelled": "{} of {} cancelled.",
    "cancelled_some": "{} of {} cancelled. Finished deliveries cannot be cancelled.",
}


@page_route("/deliveries")
async def deliveries(request: SessionRequest, ctx: ContextDependency) -> Page:
    """List deliveries that match the filters, newest first."""
    params = FormData.from_query(request)
    query = parse_delivery_query(params, request.auth.organization)
    deliveries_page, tally = Deliveries([], None), _EMPTY_TALLY
    if not query.faults:
        deliveries_page = await operations.list_deliveries(
            ctx, query.filter, cursor=params.text("cursor")
        )
        tally = await operations.count_deliveries(ctx, replace(query.filter, statuses=STATUSES))
    return page(
        request,
        "deliveries.html",
        status=422 if query.faults else 200,
        deliveries=deliveries_page,
        tally=tally,
        delivery_query=query,
        webhooks=await webhook_choices(request, query.filter.webhook),
        statuses=STATUSES,
        event_types=EVENT_TYPES,
        message=flash_message(params.text("done"), _FLASH_MESSAGES),
        live=params.flag("live") and not query.faults,
        goal=None if deliveries_page.items or query.query else await _linked_goal(ctx),
    )


async def _linked_goal(ctx: KeyringContext) -> Goal | None:
    """A goal with a webhook, for the example shown while there are no deliveries."""
    goals = (await operations.list_goals(ctx, limit=_MAX_GOALS)).items
    return next((goal for goal in goals if goal.webhooks), None)


@stream_route("/live/deliveries")
async def live(
    request: SessionRequest, ctx: ContextDependency, streams: StreamsDependency
) -> Stream:
    """Stream the first page of the list. Raises Rejected."""
    params, organization = FormData.from_query(request), request.auth.organization
    if faults := parse_delivery_query(params, organization).faults:
        raise Rejected(*faults)

    async def rows() -> str:
        # Parsed again each time: a relative window moves on.
        query = parse_delivery_query(params, organization)
        deliveries_page = await operations.list_deliveries(ctx, query.filter)
        return fragment(request, "_delivery_rows.html", deliveries=deliveries_page)

    return streams.fragment("rows", _INTERVAL_S, rows)


@form_route("/deliveries/retry", scope="replay")
async def retry(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Send the selected deliveries again."""
    ids = await _selected_ids(request)
    count = await operations.retry(ctx, ids)
    return redirect_back(_list_address(request), "retried", count.deliveries, len(ids))


@form_route("/deliveries/cancel", scope="replay")
async def cancel(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Cancel the selected deliveries."""
    ids = await _selected_ids(request)
    count = await operations.cancel(ctx, ids)
    return redirect_back(_list_address(request), "cancelled", count.deliveries, len(ids))


async def _selected_ids(request: SessionRequest) -> list[int]:
    form = await FormData.from_body(request)
    texts = dict.fromkeys(form.all("id"))
    ids = [int(text) for text in texts if re.fullmatch(r"\d{1,18}", text)]
    if not ids:
        raise Rejected(Fault(pointer="/id", message="Select at least one delivery."))
    return ids[:_MAX_IDS]


def _list_address(request: SessionRequest) -> str:
    """The address of the list that the form belongs to."""
    return f"/deliveries?{request.url.query}"


HANDLERS = [deliveries, live, retry, cancel]
