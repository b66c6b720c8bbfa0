"""What a webhook is tried out with, as a form says it: a captured event, or one made up."""

from __future__ import annotations

from datetime import UTC
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, UnsetType

from rowhook import operations
from rowhook.compose import Fault, broken_at
from rowhook.dashboard.given import FormData
from rowhook.operations import Office, Rejected, Sample
from rowhook.operations.documents import RecentEvent
from rowhook.operations.intake import verbatim

_MOST = 15

_JOB = ("job", "A generated job")


class Choices(NamedTuple):
    """What may be chosen: whose it is, and (value, label) of each, the events newest first."""

    organization: UUID | None
    events: list[tuple[str, str]]
    generated: list[tuple[str, str]]


async def choices(office: Office, organization: UUID | None, webhook: UUID | None) -> Choices:
    """The recent events that reach the webhook, or else all recent ones; and what is made up.

    Without an organization there is nobody's event to try: a job is made up.
    """
    if organization is None:
        return Choices(None, [], [_JOB])
    found = (await operations.recent_events(office, organization, webhook=webhook)).items
    if not found and webhook is not None:
        found = (await operations.recent_events(office, organization)).items
    goals = (await operations.list_goals(office, organization, limit=_MOST)).items
    agents = (await operations.list_agents(office, organization, limit=_MOST)).items
    return Choices(
        organization,
        [(f"event:{one.id}", _label(one)) for one in found[:_MOST]],
        [
            _JOB,
            *(
                (f"agent:{one.external_id or one.id}", f"A generated job of {one.name}")
                for one in agents
            ),
            *((f"goal:{one.id}", f"A generated commit to {one.name or one.id}") for one in goals),
        ],
    )


def _label(one: RecentEvent) -> str:
    moment = f"{one.occurred_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"{moment} {one.type} · {one.name or ''} · {one.key}"


def read_sample(form: FormData) -> Sample:
    """The sample that was chosen. Raises Rejected."""
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


def typed(form: FormData) -> dict[str, str]:
    """What was chosen and written, for the form to show it again."""
    return {
        "sample": form.text("sample") or "",
        "sample_data": form.raw("sample_data"),
        "sample_context": form.raw("sample_context"),
    }


def api_sample(form: FormData, found: Choices) -> Raw:
    """The sample that is chosen, or would be at first, as the API is given it."""
    begin = (found.events or found.generated)[0][0]
    try:
        sample = read_sample(form if form.text("sample") else FormData([("sample", begin)]))
    except Rejected:
        sample = read_sample(FormData([("sample", begin)]))
    said = {name: getattr(sample, name) for name in sample.__struct_fields__}
    kept = {name: value for name, value in said.items() if value not in (None, UNSET)}
    return Raw(msgspec.json.encode(kept))


def _json(form: FormData, name: str) -> Raw | UnsetType:
    text = form.raw(name).strip()
    if not text:
        return UNSET
    try:
        return verbatim(text.encode())
    except (msgspec.DecodeError, UnicodeError) as error:
        line, column = broken_at(form.raw(name)) or (None, None)
        said = f"Invalid JSON: {error}"
        raise Rejected(Fault(pointer=f"/{name}", message=said, line=line, column=column)) from None
