"""The platform's own: organizations, agents, goals, each with the webhooks linked to it."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct


class WebhookName(Struct, frozen=True):
    """A webhook by its name."""

    id: UUID
    name: str


class WebhookNames(Struct, frozen=True):
    """The first webhooks by name, and whether there are others."""

    items: list[WebhookName]
    are_more: bool


class Organization(Struct, frozen=True):
    """One tenant of the platform.

    `external_id` is its id as the platform writes it, where that is not the uuid `id`.
    """

    id: UUID
    external_id: str | None
    name: str


class Organizations(Struct, frozen=True):
    """A page of organizations, by id."""

    items: list[Organization]
    next_cursor: str | None


class Agent(Struct, frozen=True, kw_only=True):
    """An agent, with the webhooks that its finished jobs go to.

    `external_id` is its id as the platform writes it, where that is not the uuid `id`.
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
    """A goal, with the webhooks that its commits go to: its outputs."""

    id: str
    organization_id: str
    template_id: str | None
    name: str | None
    webhooks: list[WebhookName]


class Goals(Struct, frozen=True):
    """A page of goals, by id."""

    items: list[Goal]
    next_cursor: str | None
