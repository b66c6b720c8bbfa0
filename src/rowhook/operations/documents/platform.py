"""Organizations, agents and goals of the platform, with their linked webhooks."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct


class WebhookName(Struct, frozen=True):
    """The id and name of a webhook."""

    id: UUID
    name: str


class WebhookNames(Struct, frozen=True):
    """Webhooks by name. `are_more` is true if the list is incomplete."""

    items: list[WebhookName]
    are_more: bool


class Organization(Struct, frozen=True):
    """A tenant of the platform.

    `external_id` is the platform's id, if it differs from `id`.
    """

    id: UUID
    external_id: str | None
    name: str


class Organizations(Struct, frozen=True):
    """A page of organizations, by id."""

    items: list[Organization]
    next_cursor: str | None


class Agent(Struct, frozen=True, kw_only=True):
    """An agent with the webhooks that receive its finished jobs.

    `external_id` is the platform's id, if it differs from `id`.
    """

    id: UUID
    external_id: str | None
    organization_id: str
    name: str
    webhooks: list[WebhookName]


class Agents(Struct, frozen=True):
    """A page of agents, by id."""

    items: list[Agent]
    next_cursor: str | None


class Goal(Struct, frozen=True, kw_only=True):
    """A goal with the webhooks that receive its commits (its outputs)."""

    id: str
    organization_id: str
    template_id: str | None
    name: str | None
    webhooks: list[WebhookName]


class Goals(Struct, frozen=True):
    """A page of goals, by id."""

    items: list[Goal]
    next_cursor: str | None
