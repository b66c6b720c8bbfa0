"""Samples for previews and test sends: a captured event or generated data, plus custom data."""

from __future__ import annotations

from datetime import UTC
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, UnsetType

from rowhook.dashboard.form_fields import FormData
from rowhook.render.configuration import Fault
from rowhook.render.json_positions import syntax_error_position
from rowhook.services import events, lookups
from rowhook.services.context import KeyringContext, Rejected
from rowhook.services.events import RecentEvent
from rowhook.services.json_reader import verbatim
from rowhook.services.sample_data import Sample

_MAX_OPTIONS = 15

_JOB = ("job", "A generated job")


class Choices(NamedTuple):
    """The options of the sample select as (value, label), events newest first."""

    organization: UUID | None
    events: list[tuple[str, str]]
    generated: list[tuple[str, str]]


async def choices(ctx: KeyringContext, organization: UUID | None, webhook: UUID | None) -> Choices:
    """List recent events for the webhook, or else all recent ones, and generated samples.

    Without an organization, only a generated job.
    """
    if organization is None:
        return Choices(None, [], [_JOB])
    recent = (await events.recent_events(ctx, organization, webhook=webhook)).items
    if not recent and webhook is not None:
        recent = (await events.recent_events(ctx, organization)).items
    goals = (await lookups.list_goals(ctx, organization, limit=_MAX_OPTIONS)).items
    agents = (await lookups.list_agents(ctx, organization, limit=_MAX_OPTIONS)).items
    return Choices(
        organization,
        [(f"event:{event.id}", _label(event)) for event in recent[:_MAX_OPTIONS]],
        [
            _JOB,
            *(
                (f"agent:{agent.external_id or agent.id}", f"A generated job of {agent.name}")
                for agent in agents
            ),
            *(
                (f"goal:{goal.id}", f"A generated commit to {goal.name or goal.id}")
                for goal in goals
            ),
        ],
    )


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
    begin = (recent.events or recent.generated)[0][0]
    try:
        sample = read_sample(form if form.text("sample") else FormData([("sample", begin)]))
    except Rejected:
        sample = read_sample(FormData([("sample", begin)]))
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
