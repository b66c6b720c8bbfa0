"""Search by id or name, and the counts and names that every page of the dashboard shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from rowhook.db import list_queries
from rowhook.services import paging
from rowhook.services.context import ServiceContext
from rowhook.services.stats import DeliveryCounts

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
    """Counts what the navigation shows."""
    document = await list_queries.navigation_counts(ctx.lists, MAX_NAVIGATION_COUNT)
    return msgspec.json.decode(document, type=NavigationCounts)
