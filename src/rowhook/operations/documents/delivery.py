"""Deliveries, their attempts, and what came of them."""

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
    """One event on its way to one webhook. `latency_ms` is from the event to the delivery.

    `organization_id` and `job_id` are as the platform writes them. A webhook that was deleted keeps
    its last name, and `webhook_exists` is false.
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
    """One try: the request as sent with its secrets redacted, and the answer's first 4 KiB.

    `request` is `{method, url, headers, body}`, None where nothing could be rendered; headers are
    pairs. `rendered_ms` and `validated_ms` count from `started_at`, until the body was there and
    until it met its schema; `duration_ms` is the exchange alone.
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
    """A delivery and its attempts, `tries`, the first one first; `attempts` is how many.

    `occurred_at` is when its job was completed or its commit was made, `captured_at` when the
    trigger saw it; null where the event is not kept any more.
    """

    occurred_at: datetime | None
    captured_at: datetime | None
    tries: list[Attempt]


class Count(Struct, frozen=True):
    """How many deliveries it concerned, or would concern."""

    deliveries: int


class Stats(Struct, frozen=True, kw_only=True):
    """What came of the deliveries created since `since`. Times are in milliseconds.

    `oldest_waiting_at` is when the oldest of all that are pending or being sent was created,
    however long ago that is; `delivered_per_s` are those whose delivery was recorded in the last
    ten seconds, whenever they were created. `stuck` deliveries, of whatever age, have been sending
    for longer than three leases: no worker took them back.
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
