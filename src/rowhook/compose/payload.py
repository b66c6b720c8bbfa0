"""The default payloads, and the variables that templates may name. Numbers keep their digits.

What was committed is spliced in as text, never parsed and written again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from rowhook.compose.frame import Part, constant, of_event, varying
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
_DEFAULTS = {name: getattr(_Snapshot(), name) for name in _Snapshot.__struct_fields__}
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


_BEGIN = constant('{"timestamp":"')
_END = constant("}")
_JOB = tuple(constant(text) for text in ('","agent":', ',"agent_version":', ',"job":'))
_JOB_DATA = tuple(constant(text) for text in (',"output":', ',"metadata":', '},"organization":'))
_COMMIT = tuple(
    (name, constant(f'{begin}"{name}":'))
    for begin, name in (
        ('",', "commit_id"), (",", "committed_at"), (",", "goal"), (",", "template"),
        (",", "session"), (",", "interview"),
    )
)  # fmt: skip
_COMMIT_DATA = constant(',"data":')


def _snapshot_part(shot: _Snapshot, name: str) -> Part:
    raw = getattr(shot, name)
    text = _text(raw)
    return constant(text) if raw is _DEFAULTS[name] else of_event(name, text)


def default_payload(event: Event, timestamp: str) -> str:
    """The JSON text of CONTRACT §4 for a job, a commit or an operational event."""
    return "".join(part.text for part in default_payload_parts(event, timestamp))


def default_payload_parts(event: Event, timestamp: str) -> list[Part]:
    """The same text, by where each part of it comes from."""
    shot = _decoder.decode(event.snapshot)
    if event.type in _OPERATIONAL:
        return [
            constant(f'{{"type":"{event.type}","timestamp":"'), varying(timestamp),
            constant('","organization":'), _snapshot_part(shot, "organization"),
            constant(',"webhook":'), _snapshot_part(shot, "webhook"),
            constant(',"reason":'), _snapshot_part(shot, "reason"), _END,
        ]  # fmt: skip
    begin = [_BEGIN, varying(timestamp)]
    if shot.job is not _NULL:
        return [
            *begin, _JOB[0], _snapshot_part(shot, "agent"),
            _JOB[1], _snapshot_part(shot, "agent_version"),
            _JOB[2], of_event("open_job", _text(shot.job)[:-1]),
            _JOB_DATA[0], data_part(event),
            _JOB_DATA[1], of_event("context", event.context or "null"),
            _JOB_DATA[2], _snapshot_part(shot, "organization"), _END,
        ]  # fmt: skip
    named = [part for name, key in _COMMIT for part in (key, _snapshot_part(shot, name))]
    return [*begin, *named, _COMMIT_DATA, data_part(event), _END]


def data_part(event: Event) -> Part:
    """What was committed, verbatim; `null` where there is none."""
    return of_event("data", event.data or "null")


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
