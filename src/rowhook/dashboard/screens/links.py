"""The links page: link agents and goals to webhooks, and unlink them."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from litestar import Response

from rowhook import operations
from rowhook.dashboard.choices import webhook_choices
from rowhook.dashboard.done import current_address, flash_message, redirect_back
from rowhook.dashboard.given import FormData
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import ContextDependency, form_route, page_route
from rowhook.dashboard.visit import SessionRequest
from rowhook.operations import KeyringContext, NotFound

Kind = Literal["agent", "goal"]
_LIMIT = 50
_FLASH_MESSAGES = {
    "linked": "Linked {} of {}. Jobs and commits from now on are sent.",
    "linked_some": "Linked {} of {}. The others belong to another organization or were deleted.",
    "unlinked": "Unlinked {}.",
    "none": "Nothing was selected.",
}


@page_route("/links")
async def links(request: SessionRequest, ctx: ContextDependency) -> Page:
    """List agents or goals, each with its webhooks."""
    params = FormData.from_query(request)
    kind: Kind = params.one_of("kind", Kind) or "agent"
    if (selected := params.uuid("webhook_id")) is not None:
        await operations.webhook_of(ctx, selected)
    list_items = operations.list_agents if kind == "agent" else operations.list_goals
    items = await list_items(
        ctx,
        request.auth.organization,
        search=params.text("search"),
        cursor=params.text("cursor"),
        limit=_LIMIT,
    )
    names = ("kind", "search", "webhook_id")
    query = [(name, value) for name in names if (value := params.text(name))]
    return page(
        request,
        "links.html",
        items=items,
        kind=kind,
        query=query,
        current_address=current_address(request),
        search=params.text("search") or "",
        selected=selected,
        webhooks=await webhook_choices(request, selected),
        message=flash_message(params.text("done"), _FLASH_MESSAGES),
    )


@form_route("/links", scope="write")
async def link(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Link the selected agents or goals to a webhook, except those that cannot be linked."""
    form = await FormData.from_body(request)
    kind: Kind | None = form.one_of("kind", Kind)
    webhook, ids = form.uuid("webhook_id"), form.all("id")
    if kind is None or webhook is None or not ids:
        return redirect_back(form.text("next"), "none")
    linked = [await _link_one(ctx, kind, webhook, id_) for id_ in ids]
    return redirect_back(form.text("next"), "linked", sum(linked), len(ids))


async def _link_one(ctx: KeyringContext, kind: Kind, webhook: UUID, id_: str) -> bool:
    try:
        if kind == "agent":
            await operations.link_agent(ctx, webhook, id_)
        else:
            await operations.link_goal(ctx, webhook, _goal(id_))
    except NotFound:
        return False
    return True


@form_route("/links/unlink", scope="write")
async def unlink(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Remove one link. The field `pair` is "<kind> <webhook id> <agent or goal id>"."""
    form = await FormData.from_body(request)
    kind, _, pair = form.raw("pair").partition(" ")
    webhook, _, id_ = pair.partition(" ")
    if kind == "agent":
        was_linked = await operations.unlink_agent(ctx, _uuid(webhook), id_)
    else:
        was_linked = await operations.unlink_goal(ctx, _uuid(webhook), _goal(id_))
    return redirect_back(form.text("next"), "unlinked", int(was_linked))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("The webhook does not exist.") from None


def _goal(text: str) -> str:
    if "\0" in text:
        raise NotFound("The goal does not exist.")
    return text


HANDLERS = [links, link, unlink]
