"""The page of one webhook: configuration, health, links, pause, secret rotation, delete."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath
from litestar.response import Stream

from rowhook import operations
from rowhook.compose import Fault
from rowhook.dashboard.done import flash_message, redirect_back
from rowhook.dashboard.given import FormData
from rowhook.dashboard.live import LiveFragment
from rowhook.dashboard.page import Page, fragment, page, redirect
from rowhook.dashboard.route import (
    ContextDependency,
    StreamsDependency,
    form_route,
    page_route,
    stream_route,
)
from rowhook.dashboard.visit import SessionRequest
from rowhook.operations import KeyringContext, Rejected, StillLinked
from rowhook.operations.documents import Agent, Goal, NewSigningSecret, Webhook
from rowhook.postgres import DeliveryFilter

_RECENT_INTERVAL_S = 2.0
# Health counts a day of deliveries.
_HEALTH_INTERVAL_S = 10.0
_RECENT = 10
_CHOICES = 200
_OVERLAPS = {0: "none: revoke it at once", 3600: "1 hour", 86400: "1 day", 604800: "7 days"}
_FLASH_MESSAGES = {
    "saved": "Saved as a new revision. Held deliveries are retried.",
    "active": "Resumed. Waiting deliveries are being sent.",
    "paused": "Paused. Deliveries wait until the webhook is resumed.",
    "linked": "Linked.",
    "linked_some": "Not linked: they belong to different organizations, or one was deleted.",
    "unlinked": "Unlinked {}.",
    "none": "Nothing was selected.",
}


@page_route("/webhooks/{webhook_id:uuid}")
async def webhook(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Page:
    """Show one webhook."""
    return await _webhook_page(request, ctx, webhook_id)


async def _webhook_page(
    request: SessionRequest,
    ctx: KeyringContext,
    webhook_id: UUID,
    *,
    status: int = 200,
    refusal: StillLinked | None = None,
    rotated: NewSigningSecret | None = None,
) -> Page:
    params = FormData.from_query(request)
    webhook_ = await operations.webhook_of(ctx, webhook_id)
    links = await operations.list_links(ctx, webhook_id, cursor=params.text("cursor"))
    return page(
        request,
        "webhook.html",
        status=status,
        webhook=webhook_,
        links=links,
        refusal=refusal,
        rotated=rotated,
        overlaps=_OVERLAPS,
        message=flash_message(params.text("done"), _FLASH_MESSAGES),
        **await _choices(ctx, webhook_),
        **(await _health(ctx, webhook_id) | await _recent(ctx, webhook_id)),
    )


async def _choices(ctx: KeyringContext, webhook: Webhook) -> dict[str, Any]:
    """The first agents and goals that are not linked yet; the links page searches the others."""
    owner = await operations.webhook_owner(ctx, webhook.id)
    agents = await operations.list_agents(ctx, owner, limit=_CHOICES)
    goals = await operations.list_goals(ctx, owner, limit=_CHOICES)

    def is_unlinked(item: Agent | Goal) -> bool:
        return all(linked.id != webhook.id for linked in item.webhooks)

    return {
        "agents": list(filter(is_unlinked, agents.items)),
        "goals": list(filter(is_unlinked, goals.items)),
        "are_more": bool(agents.next_cursor or goals.next_cursor),
    }


async def _health(ctx: KeyringContext, webhook_id: UUID) -> dict[str, Any]:
    health = await operations.health_of(ctx, [webhook_id])
    return {"webhook_id": webhook_id, "health": next(iter(health), None)}


async def _recent(ctx: KeyringContext, webhook_id: UUID) -> dict[str, Any]:
    recent = await operations.list_deliveries(
        ctx, DeliveryFilter(webhook=webhook_id), limit=_RECENT
    )
    return {"webhook_id": webhook_id, "recent": recent}


@stream_route("/live/webhooks/{webhook_id:uuid}")
async def live(
    webhook_id: FromPath[UUID],
    request: SessionRequest,
    ctx: ContextDependency,
    streams: StreamsDependency,
) -> Stream:
    """Stream the webhook's health and its recent deliveries."""

    async def health() -> str:
        return fragment(request, "_webhook_health.html", **await _health(ctx, webhook_id))

    async def recent() -> str:
        return fragment(request, "_webhook_recent.html", **await _recent(ctx, webhook_id))

    return streams.fragments(
        LiveFragment("recent", _RECENT_INTERVAL_S, recent),
        LiveFragment("health", _HEALTH_INTERVAL_S, health),
    )


@form_route("/webhooks/{webhook_id:uuid}/pause", scope="write")
async def pause(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Response[Any]:
    """Pause the webhook."""
    del request
    await operations.set_state(ctx, webhook_id, "paused")
    return redirect_back(f"/webhooks/{webhook_id}", "paused")


@form_route("/webhooks/{webhook_id:uuid}/resume", scope="write")
async def resume(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Response[Any]:
    """Resume the webhook from paused or disabled."""
    del request
    await operations.set_state(ctx, webhook_id, "active")
    return redirect_back(f"/webhooks/{webhook_id}", "active")


@form_route("/webhooks/{webhook_id:uuid}/rotate-secret", scope="write")
async def rotate(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Page:
    """Rotate the signing secret and show the new one once, in this response."""
    overlap = (await FormData.from_body(request)).integer("overlap_s")
    if overlap not in _OVERLAPS:
        values = ", ".join(map(str, _OVERLAPS))
        raise Rejected(Fault(pointer="/overlap_s", message=f"Must be one of: {values} (seconds)."))
    rotated = await operations.rotate_signing_secret(ctx, webhook_id, timedelta(seconds=overlap))
    return await _webhook_page(request, ctx, webhook_id, rotated=rotated)


@form_route("/webhooks/{webhook_id:uuid}/delete", scope="write")
async def delete(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Response[Any]:
    """Delete the webhook, with `unlink` after its links; otherwise show what is still linked."""
    try:
        if (await FormData.from_body(request)).flag("unlink"):
            await operations.unlink_all(ctx, webhook_id)
        await operations.delete_webhook(ctx, webhook_id)
    except StillLinked as error:
        return await _webhook_page(request, ctx, webhook_id, status=409, refusal=error)
    return redirect("/webhooks?done=deleted")


HANDLERS = [webhook, live, pause, resume, rotate, delete]
