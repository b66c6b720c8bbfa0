"""Look-ups of organizations, agents, goals and webhooks by id or name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from rowhook.db import list_queries
from rowhook.render.configuration import Fault
from rowhook.services import paging
from rowhook.services.context import NotFound, Rejected, ServiceContext, UnknownId
from rowhook.services.stats import DeliveryCounts

MAX_NAMES = 1000
Kind = Literal[
    "delivery",
    "event",
    "commit",
    "job",
    "session",
    "webhook",
    "goal",
    "agent",
    "organization",
]
MAX_LENGTH = 200
MAX_PER_KIND = 6
MAX_NAVIGATION_COUNT = 1000


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


Id = UUID | str
_NUL = "\0"


async def organization_id(ctx: ServiceContext, identifier: Id) -> UUID:
    """Returns the uuid of an organization. Raises NotFound."""
    text = str(identifier)
    if _NUL not in text:
        organization = await list_queries.identify_organization(ctx.pool, text)
        if organization is not None:
            return organization
    raise UnknownId("organization", text)


async def find_agent(
    ctx: ServiceContext, identifier: Id, organization: UUID | None = None
) -> UUID | None:
    """Returns the uuid of an agent, by default of any visible organization, or None.

    Raises Rejected if several organizations have an agent with this id.
    """
    text = str(identifier)
    if _NUL in text:
        return None
    agents = await list_queries.identify_agent(ctx.pool, organization, text)
    if len(agents) > 1:
        message = f"Several organizations have an agent {text}. Pass organization_id."
        raise Rejected(Fault(pointer="/agent_id", message=message))
    return agents[0] if agents else None


async def agent_id(ctx: ServiceContext, identifier: Id, organization: UUID | None = None) -> UUID:
    """Returns the uuid of an agent. Raises NotFound, Rejected."""
    agent = await find_agent(ctx, identifier, organization)
    if agent is None:
        raise UnknownId("agent", identifier)
    return agent


async def webhook_owner(ctx: ServiceContext, webhook: UUID) -> UUID:
    """Returns the organization of a webhook. Raises NotFound."""
    owner = await list_queries.webhook_owner(ctx.pool, webhook)
    if owner is None:
        raise NotFound(f"Webhook {webhook} does not exist.")
    return owner


async def agent_of_webhook(ctx: ServiceContext, webhook: UUID, identifier: Id) -> UUID:
    """Returns the uuid of an agent in the organization of a webhook. Raises NotFound."""
    return await agent_id(ctx, identifier, await webhook_owner(ctx, webhook))


async def list_organizations(
    ctx: ServiceContext, *, search: str | None = None, cursor: str | None = None, limit: int = 50
) -> Organizations:
    """Lists the visible organizations by id.

    `search` is a case-insensitive part of the name or the id.
    """
    after = paging.decode_cursor(cursor, tuple[UUID])
    rows = await list_queries.organization_page(
        ctx.pool, after[0] if after else None, limit + 1, search
    )
    return Organizations(*paging.page(rows, Organization, limit, "id"))


async def webhook_names(
    ctx: ServiceContext, organization: UUID | None = None, *, also: UUID | None = None
) -> WebhookNames:
    """Lists the names of the first 1,000 webhooks, and of the webhook `also`."""
    rows = await list_queries.webhook_names(ctx.lists, organization, also, MAX_NAMES + 1)
    items, last = paging.cut(paging.read(rows, WebhookName), MAX_NAMES)
    return WebhookNames(
        sorted(items, key=lambda webhook: webhook.name.casefold()), last is not None
    )


async def webhook_named(ctx: ServiceContext, name: str) -> UUID:
    """Returns the id of the only webhook with this name. Raises NotFound."""
    webhooks = (await webhook_names(ctx)).items
    ids = [webhook.id for webhook in webhooks if webhook.name == name]
    if len(ids) == 1:
        return ids[0]
    if ids:
        choices = ", ".join(map(str, ids))
        raise NotFound(f"{len(ids)} webhooks are named {name!r}. Use the id of one: {choices}.")
    similar = get_close_matches(name, [webhook.name for webhook in webhooks], n=1)
    advice = f"Did you mean {similar[0]!r}?" if similar else "List them with `rowhook webhooks`."
    raise NotFound(f"No webhook has the id or the name {name!r}. {advice}")


async def similar_id(ctx: ServiceContext, unknown: UnknownId) -> str | None:
    """Returns the id of the agent, goal or organization whose id or name is most similar.

    None if none of the first 1,000 is similar.
    """
    ids = await _ids_by_name(ctx, unknown.kind)
    similar = get_close_matches(unknown.identifier.casefold(), ids, n=1)
    return ids[similar[0]] if similar else None


async def _ids_by_name(ctx: ServiceContext, kind: str) -> dict[str, str]:
    """Returns the ids of a kind of objects by id and by name, in lower case."""
    objects: list[tuple[str | None, str]] = []
    if kind == "organization":
        organizations = (await list_organizations(ctx, limit=MAX_NAMES)).items
        objects = [(item.name, item.external_id or str(item.id)) for item in organizations]
    elif kind == "agent":
        agents = (await list_agents(ctx, limit=MAX_NAMES)).items
        objects = [(item.name, item.external_id or str(item.id)) for item in agents]
    elif kind == "goal":
        goals = (await list_goals(ctx, limit=MAX_NAMES)).items
        objects = [(item.name, item.id) for item in goals]
    names = {name.casefold(): id_ for name, id_ in objects if name}
    return names | {id_.casefold(): id_ for _, id_ in objects}


async def list_agents(
    ctx: ServiceContext,
    organization: UUID | None = None,
    *,
    search: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Agents:
    """Lists agents with their linked webhooks by id, by default of all visible organizations.

    `search` is a case-insensitive part of the name or the id.
    """
    after = paging.decode_cursor(cursor, tuple[UUID])
    rows = await list_queries.agent_page(
        ctx.lists, organization, after[0] if after else None, limit + 1, search
    )
    return Agents(*paging.page(rows, Agent, limit, "id"))


async def list_goals(
    ctx: ServiceContext,
    organization: UUID | None = None,
    *,
    search: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Goals:
    """Lists goals with their linked webhooks by id, by default of all visible organizations.

    `search` is a case-insensitive part of the name or the id.
    """
    after = paging.decode_cursor(cursor, tuple[str])
    rows = await list_queries.goal_page(
        ctx.lists, organization, after[0] if after else None, limit + 1, search
    )
    return Goals(*paging.page(rows, Goal, limit, "id"))


class Match(Struct, frozen=True, kw_only=True):
    """An object that a search found, with the name of its organization.

    A session is listed with one of its commits, an event with its commit or job if it has one, and
    both with a delivery.
    """

    kind: Kind
    id: str
    name: str | None
    detail: str | None
    commit_id: str | None
    job_id: str | None
    delivery_id: int | None
    organization: str | None


class NavigationCounts(Struct, frozen=True, kw_only=True):
    """Counts of webhooks and of deliveries that wait or are held, up to 1,000 of each."""

    webhooks: int
    deliveries: DeliveryCounts


class _OrganizationName(Struct, frozen=True):
    id: str
    name: str


class KnownWebhook(Struct, frozen=True, kw_only=True):
    """The name of a webhook, which may have been deleted, and of its organization.

    They are None if the webhook cannot be seen.
    """

    id: UUID
    name: str | None
    exists: bool
    organization: str | None


async def find_objects(ctx: ServiceContext, text: str) -> list[Match]:
    """Finds objects by id, and webhooks, goals, agents and organizations by a part of their name.

    Ids of jobs, commits and sessions must be complete.
    """
    if not text or "\0" in text or len(text) > MAX_LENGTH:
        return []
    return paging.read(await list_queries.find_objects(ctx.lists, text, MAX_PER_KIND), Match)


async def organization_names(ctx: ServiceContext, ids: Iterable[str | None]) -> dict[str, str]:
    """Returns the names of organizations by their platform ids, without those that are unknown."""
    distinct = list(dict.fromkeys(id_ for id_ in ids if id_ is not None))
    if not distinct:
        return {}
    rows = await list_queries.organization_names(ctx.pool, distinct)
    return {row.id: row.name for row in paging.read(rows, _OrganizationName)}


async def names_of_webhooks(ctx: ServiceContext, ids: Iterable[UUID]) -> dict[UUID, KnownWebhook]:
    """Returns webhooks by id, also deleted ones."""
    distinct = list(dict.fromkeys(ids))
    if not distinct:
        return {}
    rows = await list_queries.names_of_webhooks(ctx.pool, distinct)
    return {row.id: row for row in paging.read(rows, KnownWebhook)}


async def navigation_counts(ctx: ServiceContext) -> NavigationCounts:
    """Returns the counts for the navigation."""
    document = await list_queries.navigation_counts(ctx.lists, MAX_NAVIGATION_COUNT)
    return msgspec.json.decode(document, type=NavigationCounts)
