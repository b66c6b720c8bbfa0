"""The agent's view of a goal: its outputs, what must be committed, whether a commit would do."""

from __future__ import annotations

from typing import Any, get_args
from urllib.parse import unquote

import msgspec
from litestar.params import FromPath
from msgspec import UNSET

from rowhook import operations
from rowhook.compose import Fault
from rowhook.contract import Format
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import TheOffice, does, shows
from rowhook.dashboard.shown import pretty
from rowhook.dashboard.visit import Visitor
from rowhook.operations import CommitVerdict, NotFound, Office, Proposal, Rejected
from rowhook.operations.intake import verbatim

_LIMIT = 50
_BLANK = {"data": "", "context": ""}


@shows("/goals")
async def goals(request: Visitor, office: TheOffice) -> Page:
    """The list of goals, or the one that is asked for."""
    asked = Given.query(request)
    if asked.flag("goal_id"):
        return await _shown(request, office, asked.raw("goal_id"))
    search = asked.text("search")
    found = await operations.list_goals(
        office,
        request.auth.organization,
        search=search,
        cursor=asked.text("cursor"),
        limit=_LIMIT,
    )
    query = [("search", search)] if search else []
    return page(request, "goals.html", goals=found, query=query, search=search or "")


@shows("/goals/{goal_id:str}")
async def goal(goal_id: FromPath[str], request: Visitor, office: TheOffice) -> Page:
    """One goal as an agent sees it."""
    return await _shown(request, office, unquote(goal_id))


@does("/goals", scope="write")
async def validate(request: Visitor, office: TheOffice) -> Page:
    """What would become of a commit; it is not made."""
    given = await Given.form(request)
    goal_id, draft = given.raw("goal_id"), {name: given.raw(name) for name in _BLANK}
    try:
        proposal = _proposal(draft)
        _require_text(goal_id)
        verdict = await operations.validate_commit(office, goal_id, proposal)
    except Rejected as error:
        return await _shown(request, office, goal_id, status=422, draft=draft, faults=error.faults)
    return await _shown(
        request,
        office,
        goal_id,
        draft=draft,
        verdict=verdict,
        call=msgspec.Raw(msgspec.json.encode(proposal)),
    )


async def _shown(
    request: Visitor,
    office: Office,
    goal_id: str,
    *,
    status: int = 200,
    draft: dict[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
    verdict: CommitVerdict | None = None,
    call: Any = None,
) -> Page:
    form: Format = Given.query(request).one_of("format", Format) or "anthropic"
    _require_text(goal_id)
    schema = await operations.goal_schema(office, goal_id)
    example = operations.commit_example(schema)
    outputs = await operations.list_webhooks(office, goal=goal_id, limit=_LIMIT)
    return page(
        request,
        "goal.html",
        status=status,
        goal_id=goal_id,
        outputs=outputs,
        schema=schema,
        tool=await operations.goal_tool(office, goal_id, form),
        form=form,
        forms=get_args(Format),
        draft=draft or _BLANK | {"data": pretty(example)},
        faults=faults,
        verdict=verdict,
        call=call or {"data": example},
    )


def _proposal(draft: dict[str, str]) -> Proposal:
    """Raises Rejected for what is not JSON."""
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
