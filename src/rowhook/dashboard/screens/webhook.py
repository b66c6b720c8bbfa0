"""One webhook: what it sends, how it fares, what is linked to it; paused, rotated, deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath
from litestar.response import Stream

from rowhook import operations
from rowhook.compose import Fault
from rowhook.dashboard.done import back, said
from rowhook.dashboard.given import Given
from rowhook.dashboard.live import Live
from rowhook.dashboard.page import Page, fragment, go, page
from rowhook.dashboard.route import TheOffice, TheStreams, does, lives, shows
from rowhook.dashboard.visit import Visitor
from rowhook.operations import Office, Rejected, StillLinked
from rowhook.operations.documents import NewSigningSecret, Webhook
from rowhook.postgres import DeliveryFilter

_RECENT_EVERY_S = 2.0
# It counts a day of deliveries.
_HEALTH_EVERY_S = 10.0
_RECENT = 10
_CHOICES = 200
_OVERLAPS = {0: "none: revoke it at once", 3600: "1 hour", 86400: "1 day", 604800: "7 days"}
_DONE = {
    "saved": "Saved as a new revision. Held deliveries are retried.",
    "active": "Resumed. Waiting deliveries are being sent.",
    "paused": "Paused. Deliveries wait until the webhook is resumed.",
    "linked": "Linked.",
    "linked_some": "Not linked: they belong to different organizations, or one was deleted.",
    "unlinked": "Unlinked {}.",
    "none": "Nothing was selected.",
}


@shows("/webhooks/{webhook_id:uuid}")
async def webhook(webhook_id: FromPath[UUID], request: Visitor, office: TheOffice) -> Page:
    """Its page."""
    return await _shown(request, office, webhook_id)


async def _shown(
    request: Visitor,
    office: Office,
    webhook_id: UUID,
    *,
    status: int = 200,
    refusal: StillLinked | None = None,
    rotated: NewSigningSecret | None = None,
) -> Page:
    asked = Given.query(request)
    found = await operations.webhook_of(office, webhook_id)
    links = await operations.list_links(office, webhook_id, cursor=asked.text("cursor"))
    return page(
        request,
        "webhook.html",
        status=status,
        webhook=found,
        links=links,
        refusal=refusal,
        rotated=rotated,
        overlaps=_OVERLAPS,
        said=said(asked.text("done"), _DONE),
        **await _choices(office, found),
        **(await _health(office, webhook_id) | await _recent(office, webhook_id)),
    )


async def _choices(office: Office, found: Webhook) -> dict[str, Any]:
    """What can be linked here; beyond the first of them the page of links is searched."""
    owner = await operations.webhook_owner(office, found.id)
    agents = await operations.list_agents(office, owner, limit=_CHOICES)
    goals = await operations.list_goals(office, owner, limit=_CHOICES)
    free = [one for one in agents.items if found.id not in {each.id for each in one.webhooks}]
    open_ = [one for one in goals.items if found.id not in {each.id for each in one.webhooks}]
    return {
        "agents": free,
        "goals": open_,
        "are_more": bool(agents.next_cursor or goals.next_cursor),
    }


async def _health(office: Office, webhook_id: UUID) -> dict[str, Any]:
    found = await operations.health_of(office, [webhook_id])
    return {"webhook_id": webhook_id, "health": next(iter(found), None)}


async def _recent(office: Office, webhook_id: UUID) -> dict[str, Any]:
    wanted = DeliveryFilter(webhook=webhook_id)
    found = await operations.list_deliveries(office, wanted, limit=_RECENT)
    return {"webhook_id": webhook_id, "recent": found}


@lives("/live/webhooks/{webhook_id:uuid}")
async def live(
    webhook_id: FromPath[UUID], request: Visitor, office: TheOffice, streams: TheStreams
) -> Stream:
    """Its health and its newest deliveries, as they change."""

    async def health() -> str:
        return fragment(request, "_webhook_health.html", **await _health(office, webhook_id))

    async def recent() -> str:
        return fragment(request, "_webhook_recent.html", **await _recent(office, webhook_id))

    return streams.all_of(
        Live("recent", _RECENT_EVERY_S, recent), Live("health", _HEALTH_EVERY_S, health)
    )


@does("/webhooks/{webhook_id:uuid}/pause", scope="write")
async def pause(webhook_id: FromPath[UUID], request: Visitor, office: TheOffice) -> Response[Any]:
    """Its deliveries wait."""
    del request
    await operations.set_state(office, webhook_id, "paused")
    return back(f"/webhooks/{webhook_id}", "paused")


@does("/webhooks/{webhook_id:uuid}/resume", scope="write")
async def resume(webhook_id: FromPath[UUID], request: Visitor, office: TheOffice) -> Response[Any]:
    """They go on, from paused or disabled."""
    del request
    await operations.set_state(office, webhook_id, "active")
    return back(f"/webhooks/{webhook_id}", "active")


@does("/webhooks/{webhook_id:uuid}/rotate-secret", scope="write")
async def rotate(webhook_id: FromPath[UUID], request: Visitor, office: TheOffice) -> Page:
    """A new signing secret, on the page that answers and never again."""
    overlap = (await Given.form(request)).whole("overlap_s")
    if overlap not in _OVERLAPS:
        known = ", ".join(str(one) for one in _OVERLAPS)
        raise Rejected(Fault(pointer="/overlap_s", message=f"Must be one of: {known} (seconds)."))
    made = await operations.rotate_signing_secret(office, webhook_id, timedelta(seconds=overlap))
    return await _shown(request, office, webhook_id, rotated=made)


@does("/webhooks/{webhook_id:uuid}/delete", scope="write")
async def delete(webhook_id: FromPath[UUID], request: Visitor, office: TheOffice) -> Response[Any]:
    """Deletes it, with `unlink` after its links; the page says what is linked if any still is."""
    try:
        if (await Given.form(request)).flag("unlink"):
            await operations.unlink_all(office, webhook_id)
        await operations.delete_webhook(office, webhook_id)
    except StillLinked as error:
        return await _shown(request, office, webhook_id, status=409, refusal=error)
    return go("/webhooks?done=deleted")


HANDLERS = [webhook, live, pause, resume, rotate, delete]
