"""Webhooks, their revisions and links."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from rowhook.render.configuration import KindName

State = Literal["active", "paused", "disabled"]


class SaveWarning(Struct, frozen=True, kw_only=True):
    """A part that may not work: a JSON pointer (RFC 6901) into the webhook and a message.

    `line` and `column`, starting at 1, are the position in the template at the pointer.
    """

    pointer: str
    message: str
    line: int | None = None
    column: int | None = None


class Webhook(Struct, frozen=True, kw_only=True):
    """A templated HTTP request. `signing_secret` is only returned at creation and rotation.

    `organization_id` is the id of the platform. The answer to a save has all `warnings`; a read
    has those of the headers.
    """

    id: UUID
    organization_id: str
    name: str
    description: str | None
    metadata: dict[str, Any]
    url: str | None
    kind: KindName
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
    external_id: str | None = None
    warnings: list[SaveWarning] = []
    signing_secret: str | UnsetType = UNSET


class Webhooks(Struct, frozen=True):
    """A page of webhooks, newest first."""

    items: list[Webhook]
    next_cursor: str | None


class Revision(Struct, frozen=True, kw_only=True):
    """A revision of a webhook."""

    webhook_id: UUID
    revision: int
    configuration: dict[str, Any]
    created_at: datetime


class Revisions(Struct, frozen=True):
    """A page of revisions, newest first."""

    items: list[Revision]
    next_cursor: str | None


class NewSigningSecret(Struct, frozen=True):
    """A new signing secret, returned only once. The old ones also sign until `overlap_ends_at`."""

    signing_secret: str
    overlap_ends_at: datetime


class Link(Struct, frozen=True):
    """An agent or a goal that a webhook is linked to. `id` is the id of the platform."""

    kind: Literal["agent", "goal"]
    id: str
    name: str
    created_at: datetime


class Links(Struct, frozen=True):
    """A page of the links of a webhook, oldest first."""

    items: list[Link]
    next_cursor: str | None = None
