"""Links of agents and goals, and the requirements of a goal for a commit."""

from __future__ import annotations

from typing import Any, Literal, get_args
from urllib.parse import unquote
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import FromPath
from msgspec import UNSET

from rowhook.commit_schema.commit_tool import Format
from rowhook.dashboard.browser_session import SessionRequest, owner_names
from rowhook.dashboard.delivery_filters import webhook_choices
from rowhook.dashboard.display_format import pretty
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.pages import (
    ContextDependency,
    Page,
    current_address,
    flash_message,
    form_route,
    page,
    page_route,
    redirect_back,
)
from rowhook.render.configuration import Fault
from rowhook.services import commits, lookups, stats, webhooks
from rowhook.services.commits import CommitValidation, Proposal
from rowhook.services.context import KeyringContext, NotFound, Rejected
from rowhook.services.json_reader import verbatim
from rowhook.services.links import link_agent, link_goal, unlink_agent, unlink_goal
from rowhook.services.stats import HealthWord

Kind = Literal["agent", "goal"]
_LIMIT = 50
_FLASH_MESSAGES = {
    "linked": "Linked {} of {}. New jobs and commits are sent from now on.",
    "linked_some": "Linked {} of {}. The others belong to another organization or were deleted.",
    "unlinked": "Unlinked {}.",
    "none": "Nothing was selected.",
}
_EMPTY_DRAFT = {"data": "", "context": ""}


@page_route("/links")
async def links(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Lists agents or goals, each with its webhooks."""
    params = FormData.from_query(request)
    kind: Kind = params.one_of("kind", Kind) or "agent"
    if (selected := params.uuid("webhook_id")) is not None:
        await webhooks.webhook_of(ctx, selected)
    list_items = lookups.list_agents if kind == "agent" else lookups.list_goals
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
        organizations=await owner_names(request, items.items),
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
    """Links the selected agents or goals to a webhook, except those that cannot be linked."""
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
            await link_agent(ctx, webhook, id_)
        else:
            await link_goal(ctx, webhook, _goal(id_))
    except NotFound:
        return False
    return True


@form_route("/links/unlink", scope="write")
async def unlink(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Removes one link. The field `pair` is "<kind> <webhook id> <agent or goal id>"."""
    form = await FormData.from_body(request)
    kind, _, pair = form.raw("pair").partition(" ")
    webhook, _, id_ = pair.partition(" ")
    if kind == "agent":
        was_linked = await unlink_agent(ctx, _uuid(webhook), id_)
    else:
        was_linked = await unlink_goal(ctx, _uuid(webhook), _goal(id_))
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


@page_route("/goals")
async def goals(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Lists goals, or shows the goal `goal_id`."""
    params = FormData.from_query(request)
    if params.flag("goal_id"):
        return await _goal_page(request, ctx, params.raw("goal_id"))
    search = params.text("search")
    goals_page = await lookups.list_goals(
        ctx,
        request.auth.organization,
        search=search,
        cursor=params.text("cursor"),
        limit=_LIMIT,
    )
    query = [("search", search)] if search else []
    return page(
        request,
        "goals.html",
        goals=goals_page,
        organizations=await owner_names(request, goals_page.items),
        query=query,
        search=search or "",
    )


@page_route("/goals/{goal_id:str}")
async def goal(goal_id: FromPath[str], request: SessionRequest, ctx: ContextDependency) -> Page:
    """Shows one goal as an agent sees it."""
    return await _goal_page(request, ctx, unquote(goal_id))


@form_route("/goals", scope="write")
async def validate(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Validates a commit without making it."""
    form = await FormData.from_body(request)
    goal_id, draft = form.raw("goal_id"), {name: form.raw(name) for name in _EMPTY_DRAFT}
    try:
        proposal = _proposal(draft)
        _require_text(goal_id)
        verdict = await commits.validate_commit(ctx, goal_id, proposal)
    except Rejected as error:
        return await _goal_page(request, ctx, goal_id, status=422, draft=draft, faults=error.faults)
    return await _goal_page(
        request,
        ctx,
        goal_id,
        draft=draft,
        verdict=verdict,
        call=msgspec.Raw(msgspec.json.encode(proposal)),
    )


async def _goal_page(
    request: SessionRequest,
    ctx: KeyringContext,
    goal_id: str,
    *,
    status: int = 200,
    draft: dict[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
    verdict: CommitValidation | None = None,
    call: Any = None,
) -> Page:
    form: Format = FormData.from_query(request).one_of("format", Format) or "anthropic"
    _require_text(goal_id)
    schema = await commits.goal_schema(ctx, goal_id)
    example = commits.commit_example(schema)
    outputs = await webhooks.list_webhooks(ctx, goal=goal_id, limit=_LIMIT)
    return page(
        request,
        "goal.html",
        status=status,
        goal_id=goal_id,
        goal_name=await _goal_name(ctx, goal_id),
        outputs=outputs,
        health=await _health(ctx, [webhook.id for webhook in outputs.items]),
        schema=schema,
        tool=await commits.goal_tool(ctx, goal_id, form),
        form=form,
        forms=get_args(Format),
        draft=draft or _EMPTY_DRAFT | {"data": pretty(example)},
        faults=faults,
        verdict=verdict,
        call=call or {"data": example},
    )


async def _health(ctx: KeyringContext, ids: list[UUID]) -> dict[UUID, HealthWord]:
    return (
        {entry.webhook_id: entry.health for entry in await stats.health_of(ctx, ids)} if ids else {}
    )


async def _goal_name(ctx: KeyringContext, goal_id: str) -> str:
    """The name of a goal, or its id."""
    goals_page = await lookups.list_goals(ctx, search=goal_id, limit=_LIMIT)
    return next(
        (goal.name for goal in goals_page.items if goal.id == goal_id and goal.name), goal_id
    )


def _proposal(draft: dict[str, str]) -> Proposal:
    """Parses the draft. Raises Rejected for invalid JSON."""
    return Proposal(
        data=_json("data", draft["data"] or "null"),
        context=_json("context", draft["context"]) if draft["context"].strip() else UNSET,
    )


def _json(name: str, text: str) -> msgspec.Raw:
    try:
        return verbatim(text.encode())
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Rejected(Fault(pointer=f"/{name}", message=f"Invalid JSON: {error}")) from None


def _require_text(goal_id: str) -> None:
    if "\0" in goal_id:
        raise NotFound("The goal does not exist.")


HANDLERS = [links, link, unlink, goals, goal, validate]
