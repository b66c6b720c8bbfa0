"""The default payloads, and the variables that templates may name. Numbers keep their digits.

What was committed is spliced in as text, never parsed and written again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from rowhook.compose.frame import Origins
from rowhook.delivery import EventPart
from rowhook.template import ROOTS, parse_json

if TYPE_CHECKING:
    from rowhook.delivery import Event

_NULL = msgspec.Raw(b"null")
_OPERATIONAL = ("webhook.failing", "webhook.disabled", "webhook.recovered")


class _Snapshot(msgspec.Struct, frozen=True):
    """What `rowhook.event.snapshot` may hold, each part as its JSON text."""

    commit_id: msgspec.Raw = _NULL
    committed_at: msgspec.Raw = _NULL
    goal: msgspec.Raw = msgspec.Raw(b'{"id":null}')
    template: msgspec.Raw = msgspec.Raw(b'{"id":null}')
    session: msgspec.Raw = msgspec.Raw(b'{"id":null}')
    interview: msgspec.Raw = msgspec.Raw(b'{"id":null}')
    agent: msgspec.Raw = msgspec.Raw(b'{"id":null,"name":null}')
    agent_version: msgspec.Raw = msgspec.Raw(b'{"id":null,"name":null}')
    organization: msgspec.Raw = msgspec.Raw(b'{"id":null,"name":null}')
    job: msgspec.Raw = _NULL
    webhook: msgspec.Raw = _NULL
    reason: msgspec.Raw = _NULL


_decoder = msgspec.json.Decoder(_Snapshot)
_NO_JOB = (
    '{"id":null,"status":null,"status_code":null,"cost":null,"created_at":null,"completed_at":null}'
)


def rfc3339(epoch_s: float) -> str:
    """Seconds since 1970 as RFC 3339 in UTC with milliseconds and `Z`."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _text(raw: msgspec.Raw) -> str:
    return bytes(raw).decode()


def _job_with_output(job: str, event: Event) -> str:
    return f'{job[:-1]},"output":{event.data or "null"},"metadata":{event.context or "null"}}}'


def default_payload(event: Event, timestamp: str) -> str:
    """The JSON text of CONTRACT §4 for a job, a commit or an operational event."""
    return default_payload_of_kind(event, timestamp)[0]


def default_payload_of_kind(event: Event, timestamp: str) -> tuple[str, str]:
    """The JSON text, and which of PAYLOAD_ORIGINS says where its parts come from."""
    shot = _decoder.decode(event.snapshot)
    if event.type in _OPERATIONAL:
        return (
            f'{{"type":"{event.type}","timestamp":"{timestamp}",'
            f'"organization":{_text(shot.organization)},"webhook":{_text(shot.webhook)},'
            f'"reason":{_text(shot.reason)}}}'
        ), event.type
    if shot.job is not _NULL:
        return (
            f'{{"timestamp":"{timestamp}","agent":{_text(shot.agent)},'
            f'"agent_version":{_text(shot.agent_version)},'
            f'"job":{_job_with_output(_text(shot.job), event)},'
            f'"organization":{_text(shot.organization)}}}'
        ), "job"
    return (
        f'{{"timestamp":"{timestamp}","commit_id":{_text(shot.commit_id)},'
        f'"committed_at":{_text(shot.committed_at)},"goal":{_text(shot.goal)},'
        f'"template":{_text(shot.template)},"session":{_text(shot.session)},'
        f'"interview":{_text(shot.interview)},"data":{event.data or "null"}}}'
    ), "commit"


# Keep in step with default_payload_of_kind: tests/test_exchange.py compares them.
PAYLOAD_ORIGINS: dict[str, Origins] = {
    "job": (
        '{"timestamp":"',
        None,
        '","agent":',
        EventPart("agent"),
        ',"agent_version":',
        EventPart("agent_version"),
        ',"job":',
        EventPart("open_job"),
        ',"output":',
        EventPart("data"),
        ',"metadata":',
        EventPart("context"),
        '},"organization":',
        EventPart("organization"),
        "}",
    ),
    "commit": (
        '{"timestamp":"',
        None,
        '","commit_id":',
        EventPart("commit_id"),
        ',"committed_at":',
        EventPart("committed_at"),
        ',"goal":',
        EventPart("goal"),
        ',"template":',
        EventPart("template"),
        ',"session":',
        EventPart("session"),
        ',"interview":',
        EventPart("interview"),
        ',"data":',
        EventPart("data"),
        "}",
    ),
    **{
        type_: (
            f'{{"type":"{type_}","timestamp":"',
            None,
            '","organization":',
            EventPart("organization"),
            ',"webhook":',
            EventPart("webhook"),
            ',"reason":',
            EventPart("reason"),
            "}",
        )
        for type_ in _OPERATIONAL
    },
}


class _Named(msgspec.Struct, frozen=True):
    id: str | None = None


def session_of(event: Event) -> str | None:
    """The id of the session that a commit belongs to; None for a job, and without a session."""
    return msgspec.json.decode(_decoder.decode(event.snapshot).session, type=_Named).id


class _Variables(dict[str, object]):
    """The roots of a template, each made when a template first asks for it."""

    def __init__(self, event: Event, timestamp: str) -> None:
        super().__init__(timestamp=timestamp, event={"id": event.id, "type": event.type})
        self._event = event
        self._shot: _Snapshot | None = None

    def __missing__(self, name: str) -> object:
        made = _MADE[name](self, self._event) if name in _MADE else self._shown(name)
        self[name] = made
        return made

    def _shown(self, name: str) -> object:
        if self._shot is None:
            self._shot = _decoder.decode(self._event.snapshot)
        return parse_json(_text(getattr(self._shot, name)))

    def job(self) -> object:
        shot = _decoder.decode(self._event.snapshot)
        job = _NO_JOB if shot.job is _NULL else _text(shot.job)
        if shot.job is _NULL:
            return parse_json(job[:-1] + ',"output":null,"metadata":null}')
        return parse_json(_job_with_output(job, self._event))


_MADE: dict[str, Callable[[_Variables, Event], object]] = {
    "data": lambda _, event: parse_json(event.data or "null"),
    "context": lambda _, event: parse_json(event.context or "{}"),
    "job": lambda made, _: made.job(),
}


def variables(event: Event, timestamp: str) -> dict[str, object]:
    """The roots that CONTRACT §5 names; what an event does not have is null, not undefined."""
    return _Variables(event, timestamp)


def known_names() -> list[str]:
    """What templates may name besides `data.*` and `context.*`, as they write it."""
    parts = {name: getattr(_Snapshot(), name) for name in _Snapshot.__struct_fields__}
    parts |= {"job": msgspec.Raw(f'{_NO_JOB[:-1]},"output":null,"metadata":null}}'.encode())}
    names = ["event.id", "event.type", "timestamp"]
    for name, text in parts.items():
        inner = msgspec.json.decode(text)
        names += [f"{name}.{one}" for one in inner] if isinstance(inner, dict) else [name]
    return [one for one in names if one.partition(".")[0] in ROOTS]
