"""The agent view of a goal: its outputs, commit schema and tool, and validation of a commit."""

from __future__ import annotations

from typing import Any, get_args
from urllib.parse import unquote

import msgspec
from litestar.params import FromPath
from msgspec import UNSET

from rowhook import operations
from rowhook.compose import Fault
from rowhook.contract import Format
from rowhook.dashboard.given import FormData
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import ContextDependency, form_route, page_route
from rowhook.dashboard.shown import pretty
from rowhook.dashboard.visit import SessionRequest
from rowhook.operations import CommitValidation, KeyringContext, NotFound, Proposal, Rejected
from rowhook.operations.intake import verbatim

_LIMIT = 50
_EMPTY_DRAFT = {"data": "", "context": ""}


@page_route("/goals")
async def goals(request: SessionRequest, ctx: ContextDependency) -> Page:
    """List goals, or show the goal `goal_id`."""
    params = FormData.from_query(request)
    if params.flag("goal_id"):
        return await _goal_page(request, ctx, params.raw("goal_id"))
    search = params.text("search")
    goals_page = await operations.list_goals(
        ctx,
        request.auth.organization,
        search=search,
        cursor=params.text("cursor"),
        limit=_LIMIT,
    )
    query = [("search", search)] if search else []
    return page(request, "goals.html", goals=goals_page, query=query, search=search or "")


@page_route("/goals/{goal_id:str}")
async def goal(goal_id: FromPath[str], request: SessionRequest, ctx: ContextDependency) -> Page:
    """Show one goal as an agent sees it."""
    return await _goal_page(request, ctx, unquote(goal_id))


@form_route("/goals", scope="write")
async def validate(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Validate a commit without making it."""
    form = await FormData.from_body(request)
    goal_id, draft = form.raw("goal_id"), {name: form.raw(name) for name in _EMPTY_DRAFT}
    try:
        proposal = _proposal(draft)
        _require_text(goal_id)
        verdict = await operations.validate_commit(ctx, goal_id, proposal)
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
    schema = await operations.goal_schema(ctx, goal_id)
    example = operations.commit_example(schema)
    outputs = await operations.list_webhooks(ctx, goal=goal_id, limit=_LIMIT)
    return page(
        request,
        "goal.html",
        status=status,
        goal_id=goal_id,
        outputs=outputs,
        schema=schema,
        tool=await operations.goal_tool(ctx, goal_id, form),
        form=form,
        forms=get_args(Format),
        draft=draft or _EMPTY_DRAFT | {"data": pretty(example)},
        faults=faults,
        verdict=verdict,
        call=call or {"data": example},
    )


def _proposal(draft: dict[str, str]) -> Proposal:
    """Parse the draft. Raises Rejected for invalid JSON."""
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


HANDLERS = [goals, goal, validate]
