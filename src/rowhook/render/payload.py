"""The default payloads and the variables of templates.

Committed JSON is inserted as text, without parsing, so that numbers keep their digits.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from rowhook.model import OPERATIONAL_TYPES, EventPart
from rowhook.template.compiler import ROOTS
from rowhook.template.json_values import parse_json

if TYPE_CHECKING:
    from rowhook.model import Event
    from rowhook.render.stored_frames import Origins

_NULL = msgspec.Raw(b"null")


class _Snapshot(msgspec.Struct, frozen=True):
    """The fields of `rowhook.event.snapshot`, each as its JSON text."""

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


_NO_SNAPSHOT = _Snapshot()
_decoder = msgspec.json.Decoder(_Snapshot)
_LAST_MS = 999
_NO_WEBHOOK = '{"id":null,"name":null,"state":null}'
_NO_JOB = (
    '{"id":null,"status":null,"status_code":null,"cost":null,"created_at":null,"completed_at":null}'
)


def rfc3339(epoch_s: float) -> str:
    """Formats a Unix time as RFC 3339 in UTC, with milliseconds and `Z`."""
    second = int(epoch_s)
    millisecond = round((epoch_s - second) * 1_000_000) // 1000
    if 0 <= millisecond <= _LAST_MS:
        return f"{_second(second)}.{millisecond:03d}Z"
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


# Many requests are rendered in the same second.
@lru_cache(8)
def _second(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat()[:-6]


def _text(raw: msgspec.Raw) -> str:
    return bytes(raw).decode()


def _job_with_output(job: str, event: Event) -> str:
    return f'{job[:-1]},"output":{event.data or "null"},"metadata":{event.context or "null"}}}'


def default_payload(event: Event, timestamp: str) -> str:
    """Returns the default payload of a job, a commit or an operational event, as JSON text."""
    return default_payload_of_kind(event, timestamp)[0]


def default_payload_of_kind(event: Event, timestamp: str) -> tuple[str, str]:
    """Returns the default payload and its key in PAYLOAD_ORIGINS."""
    snapshot = _decoder.decode(event.snapshot)
    if event.type in OPERATIONAL_TYPES:
        return (
            f'{{"type":"{event.type}","timestamp":"{timestamp}",'
            f'"organization":{_text(snapshot.organization)},"webhook":{_text(snapshot.webhook)},'
            f'"reason":{_text(snapshot.reason)}}}'
        ), event.type
    if snapshot.job is not _NULL:
        return (
            f'{{"timestamp":"{timestamp}","agent":{_text(snapshot.agent)},'
            f'"agent_version":{_text(snapshot.agent_version)},'
            f'"job":{_job_with_output(_text(snapshot.job), event)},'
            f'"organization":{_text(snapshot.organization)}}}'
        ), "job"
    return (
        f'{{"timestamp":"{timestamp}","commit_id":{_text(snapshot.commit_id)},'
        f'"committed_at":{_text(snapshot.committed_at)},"goal":{_text(snapshot.goal)},'
        f'"template":{_text(snapshot.template)},"session":{_text(snapshot.session)},'
        f'"interview":{_text(snapshot.interview)},"data":{event.data or "null"}}}'
    ), "commit"


# Keep in step with default_payload_of_kind: tests/engine/test_exchange.py compares them.
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
        for type_ in OPERATIONAL_TYPES
    },
}


class _Identified(msgspec.Struct, frozen=True):
    id: str | None = None


def session_of(event: Event) -> str | None:
    """Returns the id of a commit's session; None for a job, or without a session."""
    return msgspec.json.decode(_decoder.decode(event.snapshot).session, type=_Identified).id


def _names(snapshot: str) -> dict[str, object]:
    names = parse_json(snapshot)
    return names if isinstance(names, dict) else {}


class _Variables(dict[str, object]):
    """The variables of a template, each parsed when it is first used.

    The snapshot is parsed as a whole, since most templates use several of its names.
    """

    __slots__ = ("_event", "_snapshot", "timestamp")

    def __init__(self, event: Event, timestamp: str) -> None:
        self._event = event
        self.timestamp = timestamp
        self._snapshot: dict[str, object] | None = None

    def __missing__(self, name: str) -> object:
        value = _READERS[name](self, self._event) if name in _READERS else self._read(name)
        self[name] = value
        return value

    def _read(self, name: str) -> object:
        if self._snapshot is None:
            self._snapshot = _names(self._event.snapshot)
        if name in self._snapshot:
            return self._snapshot[name]
        return parse_json(_text(getattr(_NO_SNAPSHOT, name)))

    def webhook(self) -> object:
        about = self._read("webhook")
        return parse_json(_NO_WEBHOOK) if about is None else about

    def job(self) -> object:
        snapshot = _decoder.decode(self._event.snapshot)
        job = _NO_JOB if snapshot.job is _NULL else _text(snapshot.job)
        if snapshot.job is _NULL:
            return parse_json(job[:-1] + ',"output":null,"metadata":null}')
        return parse_json(_job_with_output(job, self._event))


_READERS: dict[str, Callable[[_Variables, Event], object]] = {
    "data": lambda _, event: parse_json(event.data or "null"),
    "context": lambda _, event: parse_json(event.context or "{}"),
    "event": lambda _, event: {"id": event.id, "type": event.type},
    "job": lambda variables, _: variables.job(),
    "timestamp": lambda variables, _: variables.timestamp,
    "webhook": lambda variables, _: variables.webhook(),
}


def variables(event: Event, timestamp: str) -> dict[str, object]:
    """Returns the variables of templates by root name; those that the event lacks are null."""
    return _Variables(event, timestamp)


def variable_names() -> list[str]:
    """Returns the variables of templates, except `data.*` and `context.*`."""
    parts = {name: getattr(_NO_SNAPSHOT, name) for name in _Snapshot.__struct_fields__}
    parts |= {"job": msgspec.Raw(f'{_NO_JOB[:-1]},"output":null,"metadata":null}}'.encode())}
    parts |= {"webhook": msgspec.Raw(_NO_WEBHOOK.encode())}
    names = ["event.id", "event.type", "timestamp"]
    for name, text in parts.items():
        inner = msgspec.json.decode(text)
        names += [f"{name}.{key}" for key in inner] if isinstance(inner, dict) else [name]
    return [name for name in names if name.partition(".")[0] in ROOTS]
