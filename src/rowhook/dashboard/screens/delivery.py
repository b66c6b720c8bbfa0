"""The page of one delivery: its timeline, its attempts, retry and cancel."""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.params import FromPath
from litestar.response import Stream

from rowhook import operations
from rowhook.dashboard.given import FormData
from rowhook.dashboard.page import Page, fragment, page, redirect
from rowhook.dashboard.route import (
    ContextDependency,
    StreamsDependency,
    form_route,
    page_route,
    stream_route,
)
from rowhook.dashboard.sent import as_curl
from rowhook.dashboard.timeline import outcome_text, timeline
from rowhook.dashboard.visit import SessionRequest
from rowhook.operations import KeyringContext, NotFound
from rowhook.operations.documents import DeliveryWithAttempts, Event, WebhookStatus

_INTERVAL_S = 1.0
_FINAL_STATUSES = frozenset({"delivered", "dead", "cancelled", "skipped"})


@page_route("/deliveries/{delivery_id:int}")
async def delivery(
    request: SessionRequest, delivery_id: FromPath[int], ctx: ContextDependency
) -> Page:
    """Show one delivery."""
    delivery_ = await operations.delivery_of(ctx, delivery_id)
    done = FormData.from_query(request).text("done")
    return page(
        request,
        "delivery.html",
        done=done,
        live=delivery_.status not in _FINAL_STATUSES,
        **await _context(ctx, delivery_),
    )


async def _context(ctx: KeyringContext, delivery_: DeliveryWithAttempts) -> dict[str, Any]:
    event = await _event(ctx, delivery_.event_id)
    return {
        "delivery": delivery_,
        "event": event,
        "steps": timeline(delivery_),
        "words_of": outcome_text,
        "as_curl": as_curl,
        "standing": await _standing(ctx, delivery_),
    }


async def _event(ctx: KeyringContext, event: int) -> Event | None:
    try:
        return await operations.event_of(ctx, event)
    except NotFound:
        return None


async def _standing(ctx: KeyringContext, delivery_: DeliveryWithAttempts) -> WebhookStatus | None:
    """The webhook's state and circuit; None if the delivery has finished or the webhook is gone."""
    if delivery_.status in _FINAL_STATUSES:
        return None
    return await operations.webhook_status(ctx, delivery_.webhook_id)


@stream_route("/live/deliveries/{delivery_id:int}")
async def live(
    request: SessionRequest,
    delivery_id: FromPath[int],
    ctx: ContextDependency,
    streams: StreamsDependency,
) -> Stream:
    """Stream the page's content while the delivery has not finished."""
    await operations.delivery_of(ctx, delivery_id)

    async def render() -> str:
        delivery_ = await operations.delivery_of(ctx, delivery_id)
        return fragment(request, "_delivery.html", **await _context(ctx, delivery_))

    return streams.fragment("delivery", _INTERVAL_S, render)


@form_route("/deliveries/{delivery_id:int}/retry", scope="replay")
async def retry(
    request: SessionRequest, delivery_id: FromPath[int], ctx: ContextDependency
) -> Response[Any]:
    """Send the delivery again. Raises Conflict while it is being sent."""
    del request
    await operations.delivery_of(ctx, delivery_id)
    await operations.retry_one(ctx, delivery_id)
    return redirect(f"/deliveries/{delivery_id}?done=retried")


@form_route("/deliveries/{delivery_id:int}/cancel", scope="replay")
async def cancel(
    request: SessionRequest, delivery_id: FromPath[int], ctx: ContextDependency
) -> Response[Any]:
    """Cancel the delivery. Raises Conflict if it has finished."""
    del request
    await operations.delivery_of(ctx, delivery_id)
    await operations.cancel_one(ctx, delivery_id)
    return redirect(f"/deliveries/{delivery_id}?done=cancelled")


HANDLERS = [delivery, live, retry, cancel]
