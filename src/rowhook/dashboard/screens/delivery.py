"""One delivery: what became of it step by step, what was sent and answered, what may be done."""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.params import FromPath
from litestar.response import Stream

from rowhook import operations
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, fragment, go, page
from rowhook.dashboard.route import TheOffice, TheStreams, does, lives, shows
from rowhook.dashboard.sent import as_curl
from rowhook.dashboard.timeline import timeline, words_of
from rowhook.dashboard.visit import Visitor
from rowhook.operations import NotFound, Office
from rowhook.operations.documents import DeliveryWithAttempts, Event, Standing

_EVERY_S = 1.0
_ENDED = frozenset({"delivered", "dead", "cancelled", "skipped"})


@shows("/deliveries/{delivery_id:int}")
async def delivery(request: Visitor, delivery_id: FromPath[int], office: TheOffice) -> Page:
    """All of it."""
    found = await operations.delivery_of(office, delivery_id)
    done = Given.query(request).text("done")
    return page(
        request,
        "delivery.html",
        done=done,
        live=found.status not in _ENDED,
        **await _shown(office, found),
    )


async def _shown(office: Office, found: DeliveryWithAttempts) -> dict[str, Any]:
    event = await _event(office, found.event_id)
    return {
        "delivery": found,
        "event": event,
        "steps": timeline(found),
        "words_of": words_of,
        "as_curl": as_curl,
        "standing": await _standing(office, found),
    }


async def _event(office: Office, event: int) -> Event | None:
    try:
        return await operations.event_of(office, event)
    except NotFound:
        return None


async def _standing(office: Office, found: DeliveryWithAttempts) -> Standing | None:
    """Of its webhook, while that decides over what comes next; None too where it was deleted."""
    if found.status in _ENDED:
        return None
    return await operations.standing_of(office, found.webhook_id)


@lives("/live/deliveries/{delivery_id:int}")
async def live(
    request: Visitor, delivery_id: FromPath[int], office: TheOffice, streams: TheStreams
) -> Stream:
    """The same, as it goes on."""
    await operations.delivery_of(office, delivery_id)

    async def whole() -> str:
        found = await operations.delivery_of(office, delivery_id)
        return fragment(request, "_delivery.html", **await _shown(office, found))

    return streams.of("delivery", _EVERY_S, whole)


@does("/deliveries/{delivery_id:int}/retry", scope="replay")
async def retry(request: Visitor, delivery_id: FromPath[int], office: TheOffice) -> Response[Any]:
    """Sends it again. Raises Conflict while it is being sent."""
    del request
    await operations.delivery_of(office, delivery_id)
    await operations.retry_one(office, delivery_id)
    return go(f"/deliveries/{delivery_id}?done=retried")


@does("/deliveries/{delivery_id:int}/cancel", scope="replay")
async def cancel(request: Visitor, delivery_id: FromPath[int], office: TheOffice) -> Response[Any]:
    """Stops it. Raises Conflict where it has ended."""
    del request
    await operations.delivery_of(office, delivery_id)
    await operations.cancel_one(office, delivery_id)
    return go(f"/deliveries/{delivery_id}?done=cancelled")


HANDLERS = [delivery, live, retry, cancel]
