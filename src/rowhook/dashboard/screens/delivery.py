"""One delivery: what became of it step by step, what was sent and answered, what may be done."""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.params import FromPath
from litestar.response import Stream

from rowhook import operations
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, fragment, go, page
from rowhook.dashboard.route import ContextDependency, TheStreams, does, lives, shows
from rowhook.dashboard.sent import as_sent
from rowhook.dashboard.timeline import timeline, words_of
from rowhook.dashboard.visit import Visitor
from rowhook.operations import KeyringContext, NotFound
from rowhook.operations.documents import DeliveryWithAttempts, Event, WebhookStatus

_EVERY_S = 1.0
_ENDED = frozenset({"delivered", "dead", "cancelled", "skipped"})


@shows("/deliveries/{delivery_id:int}")
async def delivery(request: Visitor, delivery_id: FromPath[int], ctx: ContextDependency) -> Page:
    """All of it."""
    found = await operations.delivery_of(ctx, delivery_id)
    done = Given.query(request).text("done")
    return page(
        request,
        "delivery.html",
        done=done,
        live=found.status not in _ENDED,
        **await _shown(ctx, found),
    )


async def _shown(ctx: KeyringContext, found: DeliveryWithAttempts) -> dict[str, Any]:
    event = await _event(ctx, found.event_id)
    return {
        "one": found,
        "event": event,
        "steps": timeline(found),
        "words_of": words_of,
        "as_sent": as_sent,
        "standing": await _standing(ctx, found),
    }


async def _event(ctx: KeyringContext, event: int) -> Event | None:
    try:
        return await operations.event_of(ctx, event)
    except NotFound:
        return None


async def _standing(ctx: KeyringContext, found: DeliveryWithAttempts) -> WebhookStatus | None:
    """Of its webhook, while that decides over what comes next; None too where it was deleted."""
    if found.status in _ENDED:
        return None
    return await operations.webhook_status(ctx, found.webhook_id)


@lives("/live/deliveries/{delivery_id:int}")
async def live(
    request: Visitor, delivery_id: FromPath[int], ctx: ContextDependency, streams: TheStreams
) -> Stream:
    """The same, as it goes on."""
    await operations.delivery_of(ctx, delivery_id)

    async def whole() -> str:
        found = await operations.delivery_of(ctx, delivery_id)
        return fragment(request, "_delivery.html", **await _shown(ctx, found))

    return streams.of("delivery", _EVERY_S, whole)


@does("/deliveries/{delivery_id:int}/retry", scope="replay")
async def retry(
    request: Visitor, delivery_id: FromPath[int], ctx: ContextDependency
) -> Response[Any]:
    """Sends it again. Raises Conflict while it is being sent."""
    del request
    await operations.delivery_of(ctx, delivery_id)
    await operations.retry_one(ctx, delivery_id)
    return go(f"/deliveries/{delivery_id}?done=retried")


@does("/deliveries/{delivery_id:int}/cancel", scope="replay")
async def cancel(
    request: Visitor, delivery_id: FromPath[int], ctx: ContextDependency
) -> Response[Any]:
    """Stops it. Raises Conflict where it has ended."""
    del request
    await operations.delivery_of(ctx, delivery_id)
    await operations.cancel_one(ctx, delivery_id)
    return go(f"/deliveries/{delivery_id}?done=cancelled")


HANDLERS = [delivery, live, retry, cancel]
