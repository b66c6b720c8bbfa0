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
from rowhook.dashboard.route import TheOffice, does, shows
from rowhook.dashboard.visit import Visitor
from rowhook.operations import NotFound, Office

Kind = Literal["agent", "goal"]
_LIMIT = 50
_DONE = {
    "linked": "Linked {} of {}. Jobs and commits from now on are sent.",
    "linked_some": "Linked {} of {}. The others belong to another organization or were deleted.",
    "unlinked": "Unlinked {}.",
    "none": "Nothing was selected.",
}


@shows("/links")
async def links(request: Visitor, office: TheOffice) -> Page:
    """Agents, or goals, each with its webhooks."""
    asked = Given.query(request)
    kind: Kind = asked.one_of("kind", Kind) or "agent"
    if (chosen := asked.uuid("webhook_id")) is not None:
        await operations.webhook_of(office, chosen)
    listed = operations.list_agents if kind == "agent" else operations.list_goals
    found = await listed(
        office,
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
async def link(request: Visitor, office: TheOffice) -> Response[Any]:
    """Links what is ticked to one webhook; what cannot be linked to it is left out."""
    given = await Given.form(request)
    kind: Kind | None = given.one_of("kind", Kind)
    webhook, ids = given.uuid("webhook_id"), given.all("id")
    if kind is None or webhook is None or not ids:
        return back(given.text("next"), "none")
    linked = [await _linked(office, kind, webhook, one) for one in ids]
    return back(given.text("next"), "linked", sum(linked), len(ids))


async def _linked(office: Office, kind: Kind, webhook: UUID, one: str) -> bool:
    try:
        if kind == "agent":
            await operations.link_agent(office, webhook, one)
        else:
            await operations.link_goal(office, webhook, _goal(one))
    except NotFound:
        return False
    return True


@does("/links/unlink", scope="write")
async def unlink(request: Visitor, office: TheOffice) -> Response[Any]:
    """Unlinks one pair: a kind, a webhook, and the id of an agent or a goal."""
    given = await Given.form(request)
    kind, _, pair = given.raw("pair").partition(" ")
    webhook, _, linked = pair.partition(" ")
    if kind == "agent":
        was = await operations.unlink_agent(office, _uuid(webhook), linked)
    else:
        was = await operations.unlink_goal(office, _uuid(webhook), _goal(linked))
    return back(given.text("next"), "unlinked", int(was))


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
