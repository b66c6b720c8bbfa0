"""Secrets, API keys and the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

Scope = Literal["read", "write", "secrets", "replay", "admin"]


class Secret(Struct, frozen=True, kw_only=True):
    """A secret without its value."""

    id: str
    organization_id: str
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
    """An API key without the key itself. Without an organization, it is an operator key."""

    id: UUID
    organization_id: str | None
    name: str
    scopes: list[Scope]
    expires_at: datetime | None
    last_used_at: datetime | None = None
    created_at: datetime | None = None


class NewApiKey(ApiKey, frozen=True, kw_only=True):
    """A new API key. `key` is returned only once."""

    key: str


class ApiKeys(Struct, frozen=True):
    """A page of API keys, by id."""

    items: list[ApiKey]
    next_cursor: str | None


class AuditEntry(Struct, frozen=True, kw_only=True):
    """An entry of the audit log. `before` and `after` contain no secrets."""

    id: int
    organization_id: str | None
    actor: str
    action: str
    subject: str
    before: Any
    after: Any
    created_at: datetime


class Audit(Struct, frozen=True):
    """A page of the audit log, newest first."""

    items: list[AuditEntry]
    next_cursor: str | None
