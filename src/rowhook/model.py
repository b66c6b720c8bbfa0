"""Records that pass through the delivery pipeline: Event, Claim, Request, Outcome.

They are msgspec structs because eight are created for each delivery, and creating a frozen
dataclass takes ten times as long.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal, get_args
from uuid import UUID

import msgspec

Headers = tuple[tuple[str, str], ...]

EventType = Literal[
    "job.succeeded",
    "job.failed",
    "goal.committed",
    "webhook.test",
    "webhook.failing",
    "webhook.disabled",
    "webhook.recovered",
    "webhook.held",
    "webhook.backlog",
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
# About another webhook of the organization; sent only to webhooks whose event_types name them.
OPERATIONAL_TYPES = tuple(
    type_ for type_ in EVENT_TYPES if type_.startswith("webhook.") and type_ != "webhook.test"
)

DeliveryStatus = Literal["pending", "sending", "held", "delivered", "dead", "cancelled", "skipped"]
STATUSES: tuple[DeliveryStatus, ...] = get_args(DeliveryStatus)
WAITING_STATUSES: tuple[DeliveryStatus, ...] = ("pending", "sending", "held")
FINAL_STATUSES: tuple[DeliveryStatus, ...] = ("delivered", "dead", "cancelled", "skipped")

# The limit of data and context of an event together; the capture does not store more.
MAX_EVENT_BYTES = 1 << 20
# The limit of the body of a request to the API or the MCP server, and of a forwarded response.
MAX_BODY_BYTES = 1 << 20


class Verdict(StrEnum):
    """The result of one attempt. The values are stable, because users filter and alert on them."""

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
    """A snapshot of one completion, commit or test.

    `snapshot` is a JSON text of names and times. `data` and `context` are the committed JSON texts,
    digit for digit, or None for SQL null. `oversize_bytes` is set, and both are None, if they
    exceeded the size limit of an event.
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
    """One delivery claimed by this worker. `token` is its fencing token.

    A `large` event has no data and context yet; the worker reads them just before rendering.
    `queued_s` are the seconds since the capture; None for a retry or if the webhook has a first
    delay.
    """

    token: int
    outbox_id: int
    number: int
    webhook_id: UUID
    revision: int
    secrets_version: int
    event: Event
    large: bool = False
    queued_s: float | None = None


class RedactedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request whose secrets are replaced by `[secret:<id>]`, for display and storage."""

    method: str
    url: str
    headers: Headers
    body: str | None


class EventPart(msgspec.Struct, frozen=True):
    """A reference to a part of the event in a request frame, named as in `rowhook.event_part`."""

    event: str


class RequestFrame(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the stored request, or response headers, that a webhook's attempts share.

    It is a JSON text in pieces: a string is literal text, a number is the index of a value of the
    attempt. Each frame is stored once, in `rowhook.request_frame`.
    """

    digest: UUID
    webhook_id: UUID
    organization_id: UUID
    pieces: msgspec.Raw


class FramedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request in its stored form: a frame and the values of this attempt."""

    frame: RequestFrame
    values: tuple[str, ...]


class Stages(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds from the start of rendering until the body was rendered and validated.

    None if the stage was not reached.
    """

    rendered: float | None = None
    validated: float | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request, ready to send, with its redacted form."""

    method: str
    url: str
    headers: Headers
    body: bytes | None
    timeout_s: float
    redacted: RedactedRequest
    framed_request: FramedRequest | None = None
    stages: Stages = Stages()


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds of each phase of one exchange; None if the phase was not reached."""

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None
    total: float | None = None


class BodyFault(msgspec.Struct, frozen=True):
    """A violation of the schema: JSON pointer into the body, schema keyword, message."""

    pointer: str
    keyword: str
    message: str


class FaultLocation(msgspec.Struct, frozen=True):
    """The location of a render error: a JSON pointer into the webhook, line and column."""

    pointer: str
    line: int | None = None
    column: int | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one attempt, whether it failed to render, to connect or got a response.

    `error` never contains a secret, an address or a port. `faults` are the violations of the
    schema. `subject` is the expression at which rendering failed, and `location` its position.
    `body` is the first 4 KiB of the response, decoded as UTF-8 with replacement of invalid bytes
    and NUL. `retry_after_s` is the delay that the receiver requested. `stages` are
    set if the request could not be rendered; otherwise they are in the request.
    """

    verdict: Verdict
    error: str | None = None
    faults: tuple[BodyFault, ...] = ()
    subject: str | None = None
    location: FaultLocation | None = None
    status_code: int | None = None
    headers: Headers = ()
    body: str | None = None
    retry_after_s: float | None = None
    duration_ms: float = 0.0
    timings: Timings = Timings()
    stages: Stages = Stages()
