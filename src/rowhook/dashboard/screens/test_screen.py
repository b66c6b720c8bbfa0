"""Test sends: the exact request, the response, timings, and code to verify the signature."""

from __future__ import annotations

from datetime import UTC
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from litestar.params import FromPath
from msgspec import UNSET, Raw, UnsetType

from rowhook.dashboard.browser_session import SessionRequest
from rowhook.dashboard.code_snippets import snippets
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.pages import ContextDependency, Page, form_route, page, page_route
from rowhook.json_pointer import syntax_error_position
from rowhook.model import Timings
from rowhook.render.configuration import Fault, custom_header_names
from rowhook.services import events, links, lookups, previews, webhooks
from rowhook.services.context import KeyringContext, NotFound, RateLimited, Rejected
from rowhook.services.events import RecentEvent
from rowhook.services.json_reader import verbatim
from rowhook.services.previews import Trial
from rowhook.services.sample_data import Sample

_PHASES = ("dns", "connect", "tls", "first_byte")
_MAX_OPTIONS = 15
_MAX_EVENTS = 30
_JOB = ("job", "A generated job")
_Option = tuple[str, str]


@page_route("/webhooks/{webhook_id:uuid}/test")
async def test_form(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Page:
    """Shows the form."""
    return await _test_page(request, ctx, webhook_id, FormData.from_query(request))


@form_route("/webhooks/{webhook_id:uuid}/test", scope="write")
async def send_test(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Page:
    """Sends a test request and shows the result."""
    form = await FormData.from_body(request)
    await webhooks.webhook_of(ctx, webhook_id)
    try:
        result = await previews.test_webhook(ctx, webhook_id, read_sample(form))
    except NotFound as error:
        fault = Fault(pointer="/sample", message=str(error))
        return await _test_page(request, ctx, webhook_id, form, faults=(fault,), status=422)
    except Rejected as error:
        return await _test_page(request, ctx, webhook_id, form, faults=error.faults, status=422)
    except RateLimited as error:
        message = f"{str(error).rstrip('.')}. Try again in {error.wait_s:.0f} s."
        fault = Fault(pointer="/sample", message=message)
        return await _test_page(request, ctx, webhook_id, form, faults=(fault,), status=429)
    return await _test_page(request, ctx, webhook_id, form, result=result)


async def _test_page(
    request: SessionRequest,
    ctx: KeyringContext,
    webhook_id: UUID,
    form: FormData,
    *,
    result: Trial | None = None,
    faults: tuple[Fault, ...] = (),
    status: int = 200,
) -> Page:
    webhook = await webhooks.webhook_of(ctx, webhook_id)
    owner = await lookups.webhook_owner(ctx, webhook_id)
    choices = await sample_choices(ctx, owner, webhook_id)
    return page(
        request,
        "test_send.html",
        status=status,
        webhook=webhook,
        result=result,
        faults=faults,
        choices=choices,
        call=api_sample(form, choices),
        **form_values(form),
        snippets=snippets(ctx.brand),
        custom_headers=custom_header_names(webhook.headers, ctx.brand),
        bars=bars(result.timings) if result else [],
        brand=ctx.brand,
    )


def bars(timings: Timings) -> list[dict[str, Any]]:
    """The phases of a request as bars: start and width in per cent of the total."""
    total = timings.total or 0
    start_ms = 0.0
    bars_: list[dict[str, Any]] = []
    for name in _PHASES:
        duration = getattr(timings, name)
        if duration is None:
            continue
        percent_per_ms = 100 / total if total else 0
        bars_.append(
            {
                "name": name.replace("_", " "),
                "ms": duration,
                "x": start_ms * percent_per_ms,
                "width": max(duration * percent_per_ms, 0.6),
            }
        )
        start_ms += duration
    return bars_


class Choices(NamedTuple):
    """The options of the sample select as (value, label), in groups; events newest first."""

    organization: UUID | None
    events: list[tuple[str, list[_Option]]]
    generated: list[_Option]

    @property
    def begin(self) -> str:
        """The value that is selected if no other is."""
        return self.events[0][1][0][0] if self.events else self.generated[0][0]


async def sample_choices(
    ctx: KeyringContext, organization: UUID | None, webhook: UUID | None
) -> Choices:
    """Lists recent events and generated samples, those of the linked agents and goals first.

    If these have no recent events, lists all recent ones; without an organization, only a job.
    """
    if organization is None:
        return Choices(None, [], [_JOB])
    linked = [] if webhook is None else await _linked(ctx, webhook)
    recent = (
        await events.recent_events(ctx, organization, webhook=webhook, limit=_MAX_EVENTS)
    ).items
    are_linked = bool(recent) and webhook is not None
    if not recent and webhook is not None:
        recent = (await events.recent_events(ctx, organization, limit=_MAX_EVENTS)).items
    goals = (await lookups.list_goals(ctx, organization, limit=_MAX_OPTIONS)).items
    agents = (await lookups.list_agents(ctx, organization, limit=_MAX_OPTIONS)).items
    others = [
        *(_generated("agent", agent.external_id or str(agent.id), agent.name) for agent in agents),
        *(_generated("goal", goal.id, goal.name) for goal in goals),
    ]
    return Choices(
        organization,
        _by_source(recent, are_linked=are_linked),
        list(dict.fromkeys([*linked, _JOB, *others])),
    )


async def _linked(ctx: KeyringContext, webhook: UUID) -> list[_Option]:
    """Generated samples of the agents and goals that a webhook is linked to."""
    page = await links.list_links(ctx, webhook, limit=_MAX_OPTIONS)
    return [_generated(link.kind, link.id, link.name) for link in page.items]


def _generated(kind: str, id_: str, name: str | None) -> _Option:
    source = "job of" if kind == "agent" else "commit to"
    return f"{kind}:{id_}", f"A generated {source} {name or id_}"


def _by_source(recent: list[RecentEvent], *, are_linked: bool) -> list[tuple[str, list[_Option]]]:
    """Groups events by their agent or goal, the one with the newest event first."""
    groups: dict[str, list[_Option]] = {}
    for event in recent:
        kind = "goal" if event.goal_id is not None else "agent"
        source = f"{'Linked' if are_linked else 'Recent events of'} {kind} {event.name or ''}"
        groups.setdefault(source.strip(), []).append((f"event:{event.id}", _label(event)))
    return list(groups.items())


def _label(event: RecentEvent) -> str:
    time = f"{event.occurred_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"{time} {event.type} · {event.name or ''} · {event.key}"


def read_sample(form: FormData) -> Sample:
    """Reads the selected sample. Raises Rejected."""
    kind, _, name = (form.text("sample") or "job").partition(":")
    fields: dict[str, Any] = {
        "data": _json(form, "sample_data"),
        "context": _json(form, "sample_context"),
    }
    if kind == "event":
        fields["event_id"] = int(name) if name.isdecimal() else 0
    elif kind == "goal":
        fields["goal_id"] = name
    elif kind == "agent":
        fields["agent_id"] = name
    return Sample(**fields)


def form_values(form: FormData) -> dict[str, str]:
    """The sample fields as typed, for the form to show them again."""
    return {
        "sample": form.text("sample") or "",
        "sample_data": form.raw("sample_data"),
        "sample_context": form.raw("sample_context"),
    }


def api_sample(form: FormData, recent: Choices) -> Raw:
    """The selected or default sample as JSON for the equivalent API call."""
    begin = FormData([("sample", recent.begin)])
    try:
        sample = read_sample(form if form.text("sample") else begin)
    except Rejected:
        sample = read_sample(begin)
    fields = {name: getattr(sample, name) for name in sample.__struct_fields__}
    present = {name: value for name, value in fields.items() if value not in (None, UNSET)}
    return Raw(msgspec.json.encode(present))


def _json(form: FormData, name: str) -> Raw | UnsetType:
    text = form.raw(name).strip()
    if not text:
        return UNSET
    try:
        return verbatim(text.encode())
    except (msgspec.DecodeError, UnicodeError) as error:
        line, column = syntax_error_position(form.raw(name)) or (None, None)
        message = f"Invalid JSON: {error}"
        fault = Fault(pointer=f"/{name}", message=message, line=line, column=column)
        raise Rejected(fault) from None


HANDLERS = [test_form, send_test]
