"""The nouns that travel down the line: Event, Claim, Request, Outcome. Imports nothing of ours.

Structs, not dataclasses: eight are made for each delivery, and a frozen dataclass costs ten times
as much to make.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

Headers = tuple[tuple[str, str], ...]


class Verdict(StrEnum):
    """How one try ended. The error classes are stable: people filter and alert on them."""

    DELIVERED = "delivered"
    SKIPPED = "skipped"
    CONFIG_REJECTED = "config_rejected"
    RENDER_FAILED = "render_failed"
    SCHEMA_FAILED = "schema_failed"
    TARGET_FORBIDDEN = "target_forbidden"
    DNS_FAILED = "dns_failed"
    CONNECT_FAILED = "connect_failed"
    TLS_FAILED = "tls_failed"
    TIMEOUT = "timeout"
    RESPONSE_INVALID = "response_invalid"
    HTTP_STATUS = "http_status"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One completion, commit or test, as its snapshot fixed it.

    `snapshot` is a JSON text of names and times; `data` and `context` are the JSON texts that were
    committed, digit for digit, or None where the row held SQL null. `oversize_bytes` is set where
    they were larger than an event may be, and so were not kept.
    """

    id: int
    type: str
    key: str
    organization_id: UUID
    occurred_at: datetime
    snapshot: str
    data: str | None
    context: str | None
    oversize_bytes: int | None = None


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery taken by this worker. `token` is the fence: new at each claim, never reused.

    A `large` event comes without data and context: they are read when its turn comes.
    """

    token: int
    outbox_id: int
    number: int
    webhook_id: UUID
    revision: int
    secrets_version: int
    event: Event
    large: bool = False


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A request as people may see it: every secret replaced by `[secret:<id>]`."""

    method: str
    url: str
    headers: Headers
    body: str | None


class EventPart(msgspec.Struct, frozen=True):
    """A place of a frame for a part of the event, by the name that `rowhook.event_part` knows."""

    event: str


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What the requests of a webhook have in common: their JSON text, in pieces.

    A text stands for itself, a number for that value of the attempt. Kept once in
    `rowhook.request_frame`, whatever the number of attempts.
    """

    digest: UUID
    webhook_id: UUID
    organization_id: UUID
    pieces: msgspec.Raw


class Framed(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it is stored: its frame, and the values for the frame's numbers."""

    frame: Frame
    values: tuple[str, ...]


class Stages(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds from when composing began until its body was there, and met its schema.

    None where it did not get so far.
    """

    rendered: float | None = None
    validated: float | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request, ready to send, and what people may see of it."""

    method: str
    url: str
    headers: Headers
    body: bytes | None
    timeout_s: float
    shown: Shown
    framed: Framed | None = None
    stages: Stages = Stages()


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds of each phase of one exchange; None where the phase was not reached."""

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None
    total: float | None = None


class BodyFault(msgspec.Struct, frozen=True):
    """One way in which a body breaks its schema: pointer into the body, schema keyword, why."""

    pointer: str
    keyword: str
    message: str


class Spot(msgspec.Struct, frozen=True):
    """Where a render failed: the part of the webhook as a JSON pointer, line and column in it."""

    pointer: str
    line: int | None = None
    column: int | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one try ended, as a value: a refused connection, a 503 and a failed schema alike.

    `error` never holds a secret, an address or a port. `faults` are those of a failed schema, and
    `subject` is the path that a failed render stopped at, as a template writes it, and `spot` where
    that stands. `body` is the first 4 KiB of the response, NUL replaced, decoded with replacement.
    `retry_after_s` is what the receiver asked for.
    """

    verdict: Verdict
    error: str | None = None
    faults: tuple[BodyFault, ...] = ()
    subject: str | None = None
    spot: Spot | None = None
    status_code: int | None = None
    headers: Headers = ()
    body: str | None = None
    retry_after_s: float | None = None
    duration_ms: float = 0.0
    timings: Timings = Timings()
    stages: Stages = Stages()
    shown: Shown | None = None
    framed: Framed | None = None
