"""Samples for previews and test sends: a captured event or generated data, plus custom data."""

from __future__ import annotations

from datetime import UTC
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, UnsetType

from rowhook.dashboard.form_fields import FormData
from rowhook.json_pointer import syntax_error_position
from rowhook.render.configuration import Fault
from rowhook.services import events, links, lookups
from rowhook.services.context import KeyringContext, Rejected
from rowhook.services.events import RecentEvent
from rowhook.services.json_reader import verbatim
from rowhook.services.sample_data import Sample

_MAX_OPTIONS = 15
_MAX_EVENTS = 30

_JOB = ("job", "A generated job")
_Option = tuple[str, str]


class Choices(NamedTuple):
    """The options of the sample select as (value, label), in groups; events newest first."""

    organization: UUID | None
    events: list[tuple[str, list[_Option]]]
    generated: list[_Option]

    @property
    def begin(self) -> str:
        """The value that is selected if no other is."""
        return self.events[0][1][0][0] if self.events else self.generated[0][0]


async def choices(ctx: KeyringContext, organization: UUID | None, webhook: UUID | None) -> Choices:
    """List recent events and generated samples, those of the linked agents and goals first.

    If these have no recent events, list all recent ones; without an organization, only a job.
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
    what = "job of" if kind == "agent" else "commit to"
    return f"{kind}:{id_}", f"A generated {what} {name or id_}"


def _by_source(recent: list[RecentEvent], *, are_linked: bool) -> list[tuple[str, list[_Option]]]:
    """Group events by their agent or goal, the one with the newest event first."""
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
    """Read the selected sample. Raises Rejected."""
    kind, _, name = (form.text("sample") or "job").partition(":")
    chosen: dict[str, Any] = {
        "data": _json(form, "sample_data"),
        "context": _json(form, "sample_context"),
    }
    if kind == "event":
        chosen["event_id"] = int(name) if name.isdecimal() else 0
    elif kind == "goal":
        chosen["goal_id"] = name
    elif kind == "agent":
        chosen["agent_id"] = name
    return Sample(**chosen)


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
