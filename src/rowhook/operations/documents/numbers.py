"""Statistics: counts by time, status, webhook and error."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from rowhook.operations.documents.delivery import Status
from rowhook.operations.documents.webhook import State


class SeriesPoint(Struct, frozen=True, kw_only=True):
    """Deliveries created in a step that starts at `at`, by current status."""

    at: datetime
    created: int
    delivered: int
    dead: int
    held: int


class Series(Struct, frozen=True, kw_only=True):
    """Deliveries in equal steps of `step_s` seconds, oldest first. The last step ends now."""

    since: datetime
    step_s: float
    points: list[SeriesPoint]


class DeliveryCounts(Struct, frozen=True, kw_only=True):
    """Counts of deliveries. If `capped`, there may be more."""

    total: int
    by_status: dict[Status, int]
    capped: bool


class Watermark(Struct, frozen=True):
    """A point in time before a replay or a release."""

    token: int
    at: datetime


class Remaining(Struct, frozen=True):
    """The number of waiting deliveries of a replay or a release.

    If `capped`, there may be more.
    """

    waiting: int
    capped: bool


class Hour(Struct, frozen=True, kw_only=True):
    """Results of the deliveries created in one hour."""

    delivered: int
    dead: int


class WebhookStatus(Struct, frozen=True, kw_only=True):
    """The state and the circuit of a webhook."""

    state: State
    disabled_reason: str | None
    circuit: Literal["closed", "open", "half_open"]
    failing_since: datetime | None
    next_probe_at: datetime | None


class Health(WebhookStatus, frozen=True, kw_only=True):
    """The health of a webhook: its backlog, and the deliveries created in the last 24 hours.

    `finished_24h` counts delivered and dead ones. `p50_ms` and `p95_ms` are measured from creation
    to the recorded delivery. `series` contains 24 hours, oldest first.
    """

    webhook_id: UUID
    organization_id: str
    name: str
    backlog: int
    oldest_age_s: float | None
    held: int
    finished_24h: int
    delivered_24h: int
    success_rate_24h: float | None
    p50_ms: float | None
    p95_ms: float | None
    last_error: str | None
    series: list[Hour]


class FailingWebhook(Struct, frozen=True, kw_only=True):
    """A webhook with held, dead or retrying deliveries."""

    webhook_id: UUID
    name: str
    state: State
    held: int
    dead: int
    retrying: int
    last_error: str | None
    last_at: datetime


class Failure(Struct, frozen=True, kw_only=True):
    """Deliveries to one webhook with the same error. Times are times of creation.

    For a deleted webhook, `webhook_name` is its last name and `webhook_exists` is false.
    """

    webhook_id: UUID
    webhook_name: str | None
    webhook_exists: bool
    error: str | None
    status_code: int | None
    deliveries: int
    held: int
    dead: int
    retrying: int
    first_at: datetime
    last_at: datetime
    newest_delivery: int


class Failures(Struct, frozen=True, kw_only=True):
    """Failures of the deliveries created since `since`, latest first.

    If `capped`, there are more failures than are listed or counted.
    """

    since: datetime
    items: list[Failure]
    capped: bool


class HealthList(Struct, frozen=True):
    """The health of the requested webhooks in the same order, without unknown ones."""

    items: list[Health]


class FailingWebhooks(Struct, frozen=True):
    """The webhooks with the most failing deliveries, worst first."""

    items: list[FailingWebhook]
