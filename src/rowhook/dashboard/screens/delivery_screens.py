"""The list of deliveries, and one delivery with its attempts."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from litestar import Response
from litestar.params import FromPath
from litestar.response import Stream

from rowhook.dashboard.browser_session import SessionRequest, local_path, owner_names
from rowhook.dashboard.code_snippets import as_curl
from rowhook.dashboard.delivery_filters import (
    DeliveryQuery,
    parse_delivery_query,
    webhook_choices,
)
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.pages import (
    ContextDependency,
    Page,
    StreamsDependency,
    flash_message,
    form_route,
    fragment,
    page,
    page_route,
    redirect,
    redirect_back,
    stream_route,
)
from rowhook.dashboard.timeline import outcome_text, timeline
from rowhook.model import EVENT_TYPES, FINAL_STATUSES, STATUSES
from rowhook.render.configuration import Fault
from rowhook.services import deliveries as deliveries_service
from rowhook.services import events, lookups, stats
from rowhook.services.context import KeyringContext, NotFound, Rejected
from rowhook.services.deliveries import (
    Deliveries,
    DeliveryWithAttempts,
    SearchResult,
    cancel_one,
    delivery_of,
    list_deliveries,
    retry_one,
    search_deliveries,
)
from rowhook.services.events import Event
from rowhook.services.lookups import Goal
from rowhook.services.stats import DeliveryCounts, WebhookStatus

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
    """Lists deliveries that match the filters, newest first, and shows the open one beside them."""
    params = FormData.from_query(request)
    query = parse_delivery_query(params, request.auth.organization)
    listed, tally = await _listed(ctx, query, params.text("cursor"))
    live = params.flag("live") and not query.faults and not query.search
    return page(
        request,
        "deliveries.html",
        status=422 if query.faults else 200,
        deliveries=listed,
        organizations=await owner_names(request, listed.items),
        tally=tally,
        delivery_query=query,
        webhooks=await webhook_choices(request, query.filter.webhook),
        statuses=STATUSES,
        event_types=EVENT_TYPES,
        message=flash_message(params.text("done"), _FLASH_MESSAGES),
        live=live,
        opened=await _pane(ctx, params, urlencode([*query.query, *([("live", "1")] * live)])),
        continued=params.text("cursor") is not None,
        goal=None if listed.items or query.query else await _linked_goal(ctx),
    )


async def _listed(
    ctx: KeyringContext, query: DeliveryQuery, cursor: str | None
) -> tuple[Deliveries | SearchResult, DeliveryCounts]:
    """The deliveries of a page and the counts by status, which a search does not have."""
    if query.faults:
        return Deliveries([], None), _EMPTY_TALLY
    if query.search:
        return await search_deliveries(ctx, query.filter, query.search, cursor=cursor), _EMPTY_TALLY
    listed = await list_deliveries(ctx, query.filter, cursor=cursor)
    return listed, await stats.count_deliveries(ctx, replace(query.filter, statuses=STATUSES))


async def _pane(ctx: KeyringContext, params: FormData, list_query: str) -> dict[str, Any] | None:
    """The delivery that is shown beside the list; without `delivery`, it does not exist."""
    text = params.text("open") or ""
    if not re.fullmatch(r"\d{1,18}", text):
        return None
    try:
        delivery_ = await delivery_of(ctx, int(text))
    except NotFound as error:
        return {"delivery": None, "id": int(text), "message": str(error)}
    return {"id": delivery_.id, **await _pane_context(ctx, delivery_, list_query)}


async def _pane_context(
    ctx: KeyringContext, delivery_: DeliveryWithAttempts, list_query: str
) -> dict[str, Any]:
    """The context of a delivery beside a list, to which its buttons lead back."""
    address = f"/deliveries?{list_query}" if list_query else "/deliveries"
    back = f"{address}{'&' if list_query else '?'}open={delivery_.id}"
    return {
        **await _context(ctx, delivery_),
        "list_address": local_path(address),
        "back": local_path(back),
        "live_pane": delivery_.status not in FINAL_STATUSES,
    }


async def _linked_goal(ctx: KeyringContext) -> Goal | None:
    """A goal with a webhook, for the example shown while there are no deliveries."""
    goals = (await lookups.list_goals(ctx, limit=_MAX_GOALS)).items
    return next((goal for goal in goals if goal.webhooks), None)


@stream_route("/live/deliveries")
async def live(
    request: SessionRequest, ctx: ContextDependency, streams: StreamsDependency
) -> Stream:
    """Streams the first page of the list. Raises Rejected."""
    params, organization = FormData.from_query(request), request.auth.organization
    if faults := parse_delivery_query(params, organization).faults:
        raise Rejected(*faults)

    async def rows() -> str:
        # Parsed again each time: a relative window moves on.
        query = parse_delivery_query(params, organization)
        deliveries_page = await list_deliveries(ctx, query.filter)
        return fragment(
            request,
            "_delivery_rows.html",
            deliveries=deliveries_page,
            organizations=await owner_names(request, deliveries_page.items),
            opened_id=None,
        )

    return streams.fragment("rows", _INTERVAL_S, rows)


@form_route("/deliveries/retry", scope="replay")
async def retry(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Sends the selected deliveries again."""
    ids = await _selected_ids(request)
    count = await deliveries_service.retry(ctx, ids)
    return redirect_back(_list_address(request), "retried", count.deliveries, len(ids))


@form_route("/deliveries/cancel", scope="replay")
async def cancel(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Cancels the selected deliveries."""
    ids = await _selected_ids(request)
    count = await deliveries_service.cancel(ctx, ids)
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


@page_route("/deliveries/{delivery_id:int}")
async def delivery(
    request: SessionRequest, delivery_id: FromPath[int], ctx: ContextDependency
) -> Page:
    """Shows one delivery."""
    delivery_ = await delivery_of(ctx, delivery_id)
    done = FormData.from_query(request).text("done")
    return page(
        request,
        "delivery.html",
        done=done,
        live=delivery_.status not in FINAL_STATUSES,
        **await _context(ctx, delivery_),
    )


@page_route("/deliveries/{delivery_id:int}/pane")
async def delivery_pane(
    request: SessionRequest, delivery_id: FromPath[int], ctx: ContextDependency
) -> Page:
    """Shows one delivery beside the list that `list` is the query of."""
    delivery_ = await delivery_of(ctx, delivery_id)
    list_query = FormData.from_query(request).text("list") or ""
    return page(request, "_delivery_pane.html", **await _pane_context(ctx, delivery_, list_query))


async def _context(ctx: KeyringContext, delivery_: DeliveryWithAttempts) -> dict[str, Any]:
    event = await _event(ctx, delivery_.event_id)
    return {
        "back": "",
        "delivery": delivery_,
        "event": event,
        "steps": timeline(delivery_),
        "words_of": outcome_text,
        "as_curl": as_curl,
        "webhook_status": await _status_of(ctx, delivery_),
    }


async def _event(ctx: KeyringContext, event: int) -> Event | None:
    try:
        return await events.event_of(ctx, event)
    except NotFound:
        return None


async def _status_of(ctx: KeyringContext, delivery_: DeliveryWithAttempts) -> WebhookStatus | None:
    """The webhook's state and circuit; None if the delivery has finished or the webhook is gone."""
    if delivery_.status in FINAL_STATUSES:
        return None
    return await stats.webhook_status(ctx, delivery_.webhook_id)


@stream_route("/live/deliveries/{delivery_id:int}")
async def live_delivery(
    request: SessionRequest,
    delivery_id: FromPath[int],
    ctx: ContextDependency,
    streams: StreamsDependency,
) -> Stream:
    """Streams the content of the page, or of the pane, while the delivery has not finished."""
    await delivery_of(ctx, delivery_id)
    back = FormData.from_query(request).text("back")

    async def render() -> str:
        delivery_ = await delivery_of(ctx, delivery_id)
        context = await _context(ctx, delivery_) | ({"back": local_path(back)} if back else {})
        return fragment(request, "_delivery.html", **context)

    return streams.fragment("delivery", _INTERVAL_S, render)


@form_route("/deliveries/{delivery_id:int}/retry", scope="replay")
async def retry_delivery(
    request: SessionRequest, delivery_id: FromPath[int], ctx: ContextDependency
) -> Response[Any]:
    """Sends the delivery again. Raises Conflict while it is being sent."""
    await delivery_of(ctx, delivery_id)
    await retry_one(ctx, delivery_id)
    return await _after(request, delivery_id, "retried")


@form_route("/deliveries/{delivery_id:int}/cancel", scope="replay")
async def cancel_delivery(
    request: SessionRequest, delivery_id: FromPath[int], ctx: ContextDependency
) -> Response[Any]:
    """Cancels the delivery. Raises Conflict if it has finished."""
    await delivery_of(ctx, delivery_id)
    await cancel_one(ctx, delivery_id)
    return await _after(request, delivery_id, "cancelled")


async def _after(request: SessionRequest, delivery_id: int, done: str) -> Response[Any]:
    """Redirects to the list that the form was shown beside, or to the page of the delivery."""
    back = (await FormData.from_body(request)).text("back")
    if back is None:
        return redirect(f"/deliveries/{delivery_id}?done={done}")
    return redirect_back(local_path(back), done, 1, 1)


HANDLERS = [
    deliveries,
    live,
    retry,
    cancel,
    delivery,
    delivery_pane,
    live_delivery,
    retry_delivery,
    cancel_delivery,
]
