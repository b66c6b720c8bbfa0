"""Deliveries, attempts and statistics."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

Status = Literal["pending", "sending", "held", "delivered", "dead", "cancelled", "skipped"]
Replayable = Literal["delivered", "dead", "cancelled", "skipped", "held"]
EventType = Literal[
    "job.succeeded",
    "job.failed",
    "goal.committed",
    "webhook.test",
    "webhook.failing",
    "webhook.disabled",
    "webhook.recovered",
]
Scope = Literal["read", "write", "secrets", "replay", "admin"]


class Delivery(Struct, frozen=True, kw_only=True):
    """One event for one webhook. `latency_ms` is the time from the event to the delivery.

    `organization_id` and `job_id` are ids of the platform. For a deleted webhook, `webhook_name` is
    its last name and `webhook_exists` is false.
    """

    id: int
    organization_id: str
    webhook_id: UUID
    webhook_name: str | None
    event_id: int
    event_type: str | None
    key: str | None
    job_id: str | None
    commit_id: str | None
    status: Status
    attempts: int
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    last_status_code: int | None
    last_error: str | None
    latency_ms: float | None
    webhook_exists: bool


class Deliveries(Struct, frozen=True):
    """A page of deliveries, newest first."""

    items: list[Delivery]
    next_cursor: str | None


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt: the request with secrets redacted, and the first 4 KiB of the response body.

    `request` is `{method, url, headers, body}` with headers as pairs, null if it was not rendered.
    `rendered_ms` and `validated_ms` are measured from `started_at`; `duration_ms` is the duration
    of the HTTP exchange.
    """

    number: int
    started_at: datetime
    rendered_ms: float | None
    validated_ms: float | None
    duration_ms: float
    outcome: str
    status_code: int | None
    error: str | None
    revision: int
    request: dict[str, Any] | None
    response_headers: list[tuple[str, str]] | None
    response_body: str | None


class DeliveryWithAttempts(Delivery, frozen=True, kw_only=True):
    """A delivery with its attempts in `tries`, oldest first; `attempts` is their number.

    `occurred_at` is the time of the completion or the commit, `captured_at` the time of capture;
    null if the event was removed.
    """

    occurred_at: datetime | None
    captured_at: datetime | None
    tries: list[Attempt]


class Count(Struct, frozen=True):
    """The number of affected deliveries."""

    deliveries: int


class Stats(Struct, frozen=True, kw_only=True):
    """Statistics of the deliveries created since `since`. Times are in milliseconds.

    These fields include older deliveries: `oldest_waiting_at` is the creation time of the oldest
    pending or sending delivery, `delivered_per_s` the rate of the last ten seconds, and `stuck` the
    number of deliveries that have been sending for longer than three leases.
    """

    since: datetime
    deliveries: int
    attempts: int
    pending: int
    sending: int
    held: int
    delivered: int
    dead: int
    cancelled: int
    skipped: int
    success_rate: float | None
    p50_ms: float | None
    p95_ms: float | None
    delivered_per_s: float
    oldest_waiting_at: datetime | None
    stuck: int
