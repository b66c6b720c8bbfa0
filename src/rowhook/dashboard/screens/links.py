"""Links: agents and goals with the webhooks that they fire; linked and unlinked."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from litestar import Response

from rowhook import operations
from rowhook.dashboard.choices import webhook_choices
from rowhook.dashboard.done import back, here, said
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import ContextDependency, does, shows
from rowhook.dashboard.visit import Visitor
from rowhook.operations import KeyringContext, NotFound

Kind = Literal["agent", "goal"]
_LIMIT = 50
_DONE = {
    "linked": "Linked: {} of {}. What finishes from now on is sent.",
    "linked_some": "Linked: {} of {}. The others are of another organization, or were deleted.",
    "unlinked": "Unlinked: {}.",
    "none": "Nothing was selected.",
}


@shows("/links")
async def links(request: Visitor, ctx: ContextDependency) -> Page:
    """Agents, or goals, each with its webhooks."""
    asked = Given.query(request)
    kind: Kind = asked.one_of("kind", Kind) or "agent"
    if (chosen := asked.uuid("webhook_id")) is not None:
        await operations.webhook_of(ctx, chosen)
    listed = operations.list_agents if kind == "agent" else operations.list_goals
    found = await listed(
        ctx,
        request.auth.organization,
        search=asked.text("search"),
        cursor=asked.text("cursor"),
        limit=_LIMIT,
    )
    names = ("kind", "search", "webhook_id")
    query = [(name, value) for name in names if (value := asked.text(name))]
    return page(
        request,
        "links.html",
        found=found,
        kind=kind,
        query=query,
        here=here(request),
        search=asked.text("search") or "",
        chosen=chosen,
        webhooks=await webhook_choices(request, chosen),
        said=said(asked.text("done"), _DONE),
    )


@does("/links", scope="write")
async def link(request: Visitor, ctx: ContextDependency) -> Response[Any]:
    """Links what is ticked to one webhook; what cannot be linked to it is left out."""
    given = await Given.form(request)
    kind: Kind | None = given.one_of("kind", Kind)
    webhook, ids = given.uuid("webhook_id"), given.all("id")
    if kind is None or webhook is None or not ids:
        return back(given.text("next"), "none")
    linked = [await _linked(ctx, kind, webhook, one) for one in ids]
    return back(given.text("next"), "linked", sum(linked), len(ids))


async def _linked(ctx: KeyringContext, kind: Kind, webhook: UUID, one: str) -> bool:
    try:
        if kind == "agent":
            await operations.link_agent(ctx, webhook, one)
        else:
            await operations.link_goal(ctx, webhook, _goal(one))
    except NotFound:
        return False
    return True


@does("/links/unlink", scope="write")
async def unlink(request: Visitor, ctx: ContextDependency) -> Response[Any]:
    """Unlinks one pair: a kind, a webhook, and the id of an agent or a goal."""
    given = await Given.form(request)
    kind, _, pair = given.raw("pair").partition(" ")
    webhook, _, linked = pair.partition(" ")
    if kind == "agent":
        was = await operations.unlink_agent(ctx, _uuid(webhook), linked)
    else:
        was = await operations.unlink_goal(ctx, _uuid(webhook), _goal(linked))
    return back(given.text("next"), "unlinked", int(was))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("there is no such webhook") from None


def _goal(text: str) -> str:
    if "\0" in text:
        raise NotFound("there is no such goal")
    return text


HANDLERS = [links, link, unlink]
