"""The list of webhooks, and one webhook with its state and links."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal, get_args
from uuid import UUID

from litestar import Response
from litestar.params import FromPath
from litestar.response import Stream

from rowhook.dashboard.browser_session import SessionRequest, owner_names
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.live_updates import LiveFragment
from rowhook.dashboard.pages import (
    ContextDependency,
    Page,
    StreamsDependency,
    current_address,
    flash_message,
    form_route,
    fragment,
    page,
    page_route,
    redirect,
    redirect_back,
    stream_route,
)
from rowhook.dashboard.presets import PRESETS
from rowhook.dashboard.timeline import attempt_chart, outcome_text
from rowhook.db.list_queries import DeliveryFilter
from rowhook.render.configuration import Fault
from rowhook.services import deliveries, lookups, stats
from rowhook.services.context import KeyringContext, NotFound, Rejected, StillLinked
from rowhook.services.links import list_links, unlink_all
from rowhook.services.lookups import Agent, Goal
from rowhook.services.webhook_documents import NewSigningSecret, State, Webhook
from rowhook.services.webhooks import (
    delete_webhook,
    list_webhooks,
    rotate_signing_secret,
    set_state,
    webhook_of,
)

TargetState = Literal["active", "paused"]
_LIMIT = 50
_FLASH_MESSAGES = {
    "paused": "Paused {}. Deliveries wait until the webhooks are resumed.",
    "active": "Resumed {}. Waiting deliveries are being sent.",
    "none": "No webhook was selected.",
    "deleted": "Webhook deleted and waiting deliveries cancelled. Past deliveries remain listed.",
}
_RECENT_INTERVAL_S = 2.0
_HEALTH_INTERVAL_S = 10.0
_CHART, _CHART_POINTS = timedelta(hours=24), 96
_RECENT = 10
_CHOICES = 200
_OVERLAPS = {0: "no time: revoke it at once", 3600: "1 hour", 86400: "1 day", 604800: "7 days"}
_WEBHOOK_FLASH_MESSAGES = {
    "saved": "Saved as a new revision. Held deliveries are retried.",
    "active": "Resumed. Waiting deliveries are being sent.",
    "paused": "Paused. Deliveries wait until the webhook is resumed.",
    "linked": "Linked.",
    "linked_some": "Not linked: they belong to different organizations, or one was deleted.",
    "unlinked": "Unlinked {}.",
    "none": "Nothing was selected.",
}


@page_route("/webhooks")
async def webhooks(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Lists webhooks, newest first."""
    params = FormData.from_query(request)
    state: State | None = params.one_of("state", State)
    webhooks_page = await list_webhooks(
        ctx,
        organization=request.auth.organization,
        state=state,
        search=params.text("search"),
        cursor=params.text("cursor"),
        limit=_LIMIT,
    )
    ids = [webhook.id for webhook in webhooks_page.items]
    health = await stats.health_of(ctx, ids) if ids else []
    query = [(name, value) for name in ("search", "state") if (value := params.text(name))]
    return page(
        request,
        "webhooks.html",
        webhooks=webhooks_page,
        organizations=await owner_names(request, webhooks_page.items),
        query=query,
        health={entry.webhook_id: entry for entry in health},
        state=state,
        search=params.text("search") or "",
        current_address=current_address(request),
        states=get_args(State),
        presets=PRESETS,
        message=flash_message(params.text("done"), _FLASH_MESSAGES),
    )


@form_route("/webhooks/state", scope="write")
async def set_states(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Pauses or resumes the selected webhooks, skipping deleted ones."""
    form = await FormData.from_body(request)
    state, count = _target_state(form), 0
    for webhook in form.uuids("id"):
        try:
            await set_state(ctx, webhook, state)
        except NotFound:
            continue
        count += 1
    return redirect_back(form.text("next"), state if count else "none", count or None)


def _target_state(form: FormData) -> TargetState:
    state: TargetState | None = form.one_of("to", TargetState)
    if state is None:
        raise Rejected(Fault(pointer="/to", message="Must be active or paused."))
    return state


@page_route("/webhooks/{webhook_id:uuid}")
async def webhook(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Page:
    """Shows one webhook."""
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
    webhook_ = await webhook_of(ctx, webhook_id)
    links = await list_links(ctx, webhook_id, cursor=params.text("cursor"))
    return page(
        request,
        "webhook.html",
        status=status,
        webhook=webhook_,
        links=links,
        refusal=refusal,
        rotated=rotated,
        organizations=await owner_names(request, [webhook_]),
        overlaps=_OVERLAPS,
        message=flash_message(params.text("done"), _WEBHOOK_FLASH_MESSAGES),
        **await _choices(ctx, webhook_),
        **(await _health(ctx, webhook_id) | await _recent(ctx, webhook_id)),
    )


async def _choices(ctx: KeyringContext, webhook: Webhook) -> dict[str, Any]:
    """The first agents and goals that are not linked yet; the links page searches the others."""
    owner = await lookups.webhook_owner(ctx, webhook.id)
    agents = await lookups.list_agents(ctx, owner, limit=_CHOICES)
    goals = await lookups.list_goals(ctx, owner, limit=_CHOICES)

    def is_unlinked(item: Agent | Goal) -> bool:
        return all(linked.id != webhook.id for linked in item.webhooks)

    return {
        "agents": list(filter(is_unlinked, agents.items)),
        "goals": list(filter(is_unlinked, goals.items)),
        "are_more": bool(agents.next_cursor or goals.next_cursor),
    }


async def _health(ctx: KeyringContext, webhook_id: UUID) -> dict[str, Any]:
    health = await stats.health_of(ctx, [webhook_id])
    series = await stats.series(ctx, webhook=webhook_id, span=_CHART, points=_CHART_POINTS)
    return {
        "webhook_id": webhook_id,
        "health": next(iter(health), None),
        "attempts": attempt_chart(series),
        "failure": await stats.last_failed_attempt(ctx, webhook_id),
        "words_of": outcome_text,
    }


async def _recent(ctx: KeyringContext, webhook_id: UUID) -> dict[str, Any]:
    recent = await deliveries.list_deliveries(
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
    """Streams the webhook's health and its recent deliveries."""

    async def pill() -> str:
        health = await stats.health_of(ctx, [webhook_id])
        return fragment(request, "_webhook_pill.html", health=next(iter(health), None))

    async def health() -> str:
        return fragment(request, "_webhook_health.html", **await _health(ctx, webhook_id))

    async def recent() -> str:
        return fragment(request, "_webhook_recent.html", **await _recent(ctx, webhook_id))

    return streams.fragments(
        LiveFragment("recent", _RECENT_INTERVAL_S, recent),
        LiveFragment("health", _HEALTH_INTERVAL_S, health),
        LiveFragment("pill", _HEALTH_INTERVAL_S, pill),
    )


@form_route("/webhooks/{webhook_id:uuid}/pause", scope="write")
async def pause(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Response[Any]:
    """Pauses the webhook."""
    del request
    await set_state(ctx, webhook_id, "paused")
    return redirect_back(f"/webhooks/{webhook_id}", "paused")


@form_route("/webhooks/{webhook_id:uuid}/resume", scope="write")
async def resume(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Response[Any]:
    """Resumes the webhook from paused or disabled."""
    del request
    await set_state(ctx, webhook_id, "active")
    return redirect_back(f"/webhooks/{webhook_id}", "active")


@form_route("/webhooks/{webhook_id:uuid}/rotate-secret", scope="write")
async def rotate(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Page:
    """Rotates the signing secret and shows the new one once, in this response."""
    overlap = (await FormData.from_body(request)).integer("overlap_s")
    if overlap not in _OVERLAPS:
        values = ", ".join(map(str, _OVERLAPS))
        raise Rejected(Fault(pointer="/overlap_s", message=f"Must be one of: {values} (seconds)."))
    rotated = await rotate_signing_secret(ctx, webhook_id, timedelta(seconds=overlap))
    return await _webhook_page(request, ctx, webhook_id, rotated=rotated)


@form_route("/webhooks/{webhook_id:uuid}/delete", scope="write")
async def delete(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Response[Any]:
    """Deletes the webhook, with `unlink` after its links; otherwise shows the links."""
    try:
        if (await FormData.from_body(request)).flag("unlink"):
            await unlink_all(ctx, webhook_id)
        await delete_webhook(ctx, webhook_id)
    except StillLinked as error:
        return await _webhook_page(request, ctx, webhook_id, status=409, refusal=error)
    return redirect("/webhooks?done=deleted")


HANDLERS = [webhooks, set_states, webhook, live, pause, resume, rotate, delete]
