"""The JSON documents that people get: the nouns of CONTRACT §6. They hold no secret."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

State = Literal["active", "paused", "disabled"]
Status = Literal["pending", "sending", "held", "delivered", "dead", "cancelled", "skipped"]
Scope = Literal["read", "write", "secrets", "replay", "admin"]


class Webhook(Struct, frozen=True, kw_only=True):
    """One templated HTTP request. `signing_secret` is shown at creation and rotation only."""

    id: UUID
    organization_id: UUID
    name: str
    description: str | None
    metadata: dict[str, Any]
    url: str | None
    kind: Literal["http", "frontend"]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    headers: dict[str, str]
    body_template: str | None
    raw_payload: bool
    schema: Any
    condition: str | None
    event_types: list[str]
    timeout_s: float
    max_in_flight: int
    rate_per_s: float | None
    ordered: bool
    retry_schedule_s: list[float]
    state: State
    disabled_reason: str | None
    revision: int
    created_at: datetime
    updated_at: datetime
    warnings: list[str] = []
    signing_secret: str | UnsetType = UNSET


class Webhooks(Struct, frozen=True):
    """A page of webhooks, newest first."""

    items: list[Webhook]
    next_cursor: str | None


class Revision(Struct, frozen=True, kw_only=True):
    """A version that a webhook has had."""

    webhook_id: UUID
    revision: int
    configuration: dict[str, Any]
    created_at: datetime


class Revisions(Struct, frozen=True):
    """A page of versions, newest first."""

    items: list[Revision]
    next_cursor: str | None


class NewSigningSecret(Struct, frozen=True):
    """A signing secret, shown here only; the old ones sign too until `overlap_ends_at`."""

    signing_secret: str
    overlap_ends_at: datetime


class Link(Struct, frozen=True):
    """An agent or a goal that a webhook is linked to."""

    kind: Literal["agent", "goal"]
    id: str
    name: str
    created_at: datetime


class Links(Struct, frozen=True):
    """All links of a webhook, oldest first."""

    items: list[Link]
    next_cursor: str | None = None


class WebhookName(Struct, frozen=True):
    """A webhook by its name."""

    id: UUID
    name: str


class Organization(Struct, frozen=True):
    """One tenant of the platform."""

    id: UUID
    name: str


class Organizations(Struct, frozen=True):
    """A page of organizations, by id."""

    items: list[Organization]
    next_cursor: str | None


class Agent(Struct, frozen=True, kw_only=True):
    """An agent, with the webhooks that its finished jobs go to."""

    id: UUID
    organization_id: UUID
    name: str
    webhooks: list[WebhookName]


class Agents(Struct, frozen=True):
    """A page of agents, by id."""

    items: list[Agent]
    next_cursor: str | None


class Goal(Struct, frozen=True, kw_only=True):
    """A goal, with the webhooks that its commits go to: its outputs."""

    id: str
    organization_id: UUID
    template_id: str | None
    name: str | None
    webhooks: list[WebhookName]


class Goals(Struct, frozen=True):
    """A page of goals, by id."""

    items: list[Goal]
    next_cursor: str | None


class Delivery(Struct, frozen=True, kw_only=True):
    """One event on its way to one webhook. `latency_ms` is from the event to the delivery."""

    id: int
    organization_id: UUID
    webhook_id: UUID
    webhook_name: str | None
    event_id: int
    event_type: str | None
    key: str | None
    job_id: UUID | None
    commit_id: str | None
    status: Status
    attempts: int
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    last_status_code: int | None
    last_error: str | None
    latency_ms: float | None


class Deliveries(Struct, frozen=True):
    """A page of deliveries, newest first."""

    items: list[Delivery]
    next_cursor: str | None


class Attempt(Struct, frozen=True, kw_only=True):
    """One try: the request as sent with its secrets redacted, and the answer's first 4 KiB."""

    number: int
    started_at: datetime
    duration_ms: float
    outcome: str
    status_code: int | None
    error: str | None
    revision: int
    request: Any
    response_headers: Any
    response_body: str | None


class DeliveryWithAttempts(Delivery, frozen=True, kw_only=True):
    """A delivery and all its attempts, the first one first."""

    tries: list[Attempt]


class Count(Struct, frozen=True):
    """How many deliveries it concerned, or would concern."""

    deliveries: int


class Secret(Struct, frozen=True, kw_only=True):
    """What may be known of a secret: never its value."""

    id: str
    organization_id: UUID
    version: int
    allowed_hosts: list[str] | None
    created_at: datetime
    updated_at: datetime
    used_by: list[UUID]


class Secrets(Struct, frozen=True):
    """A page of secrets, by id."""

    items: list[Secret]
    next_cursor: str | None


class ApiKey(Struct, frozen=True, kw_only=True):
    """What may be known of an API key; without an organization it is an operator's."""

    id: UUID
    organization_id: UUID | None
    name: str
    scopes: list[Scope]
    expires_at: datetime | None
    last_used_at: datetime | None = None
    created_at: datetime | None = None


class NewApiKey(ApiKey, frozen=True, kw_only=True):
    """A new API key; `key` is shown here only."""

    key: str


class ApiKeys(Struct, frozen=True):
    """A page of API keys, by id."""

    items: list[ApiKey]
    next_cursor: str | None


class AuditEntry(Struct, frozen=True, kw_only=True):
    """Who did what to what, before and after, without secrets."""

    id: int
    organization_id: UUID | None
    actor: str
    action: str
    subject: str
    before: Any
    after: Any
    created_at: datetime


class Audit(Struct, frozen=True):
    """A page of the audit, newest first."""

    items: list[AuditEntry]
    next_cursor: str | None


class Stats(Struct, frozen=True, kw_only=True):
    """What came of the deliveries created since `since`. Times are in milliseconds."""

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
