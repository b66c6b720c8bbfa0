"""Figures for pages: counts by time, by status, by webhook and by error."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from rowhook.operations.documents.delivery import Status
from rowhook.operations.documents.webhook import State


class Step(Struct, frozen=True, kw_only=True):
    """The deliveries created from `at` on, until the next step, by what they are now."""

    at: datetime
    created: int
    delivered: int
    dead: int
    held: int


class Series(Struct, frozen=True, kw_only=True):
    """Deliveries in equal steps of `step_s` seconds, the oldest first; the last one ends now."""

    since: datetime
    step_s: float
    points: list[Step]


class Tally(Struct, frozen=True, kw_only=True):
    """How many deliveries; if `capped` these are the least that there are, else all."""

    total: int
    by_status: dict[Status, int]
    capped: bool


class Mark(Struct, frozen=True):
    """A moment before something was sent again or released."""

    token: int
    at: datetime


class Left(Struct, frozen=True):
    """How many of a range still wait and were written after a mark.

    If `capped` not all of the range was looked at.
    """

    waiting: int
    capped: bool


class Hour(Struct, frozen=True, kw_only=True):
    """Of the deliveries created in one hour."""

    delivered: int
    dead: int


class Standing(Struct, frozen=True, kw_only=True):
    """What decides whether a webhook is called now."""

    state: State
    disabled_reason: str | None
    circuit: Literal["closed", "open", "half_open"]
    failing_since: datetime | None
    next_probe_at: datetime | None


class Health(Standing, frozen=True, kw_only=True):
    """What waits for a webhook, and what came of the deliveries created in the last 24 hours.

    `finished_24h` are those delivered or dead; times are in milliseconds, from creation to the
    recorded delivery. `series` is 24 hours, the oldest first.
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


class Trouble(Struct, frozen=True, kw_only=True):
    """A webhook with deliveries that are held or dead, or wait after a failed try."""

    webhook_id: UUID
    name: str
    state: State
    held: int
    dead: int
    retrying: int
    last_error: str | None
    last_at: datetime


class Failure(Struct, frozen=True, kw_only=True):
    """Deliveries to one webhook that failed alike; times are when they were created.

    A webhook that was deleted keeps its last name, and `webhook_exists` is false.
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
    """What failed of the deliveries created since `since`, the latest first.

    If `capped` there were so many that older ones were not looked at, or are not listed.
    """

    since: datetime
    items: list[Failure]
    capped: bool


class HealthList(Struct, frozen=True):
    """The health of the webhooks asked for, in that order; what does not exist is left out."""

    items: list[Health]


class Troubles(Struct, frozen=True):
    """The webhooks with most trouble, the worst first."""

    items: list[Trouble]
