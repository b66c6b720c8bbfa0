"""Lists of webhooks, deliveries, events and other objects: pages, searches, look-ups by id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rowhook.db.statements import ConnectionSource, documents, rows, value
from rowhook.model import STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Filter of deliveries. None means any; `since` is inclusive, `until` is exclusive."""

    organization: UUID | None = None
    webhook: UUID | None = None
    statuses: tuple[str, ...] = STATUSES
    since: datetime | None = None
    until: datetime | None = None
    job: str | None = None
    commit: str | None = None
    event_type: str | None = None
    status_code: int | None = None


async def delivery_page(
    pool: ConnectionSource, filters: DeliveryFilter, before: tuple[datetime, int] | None, limit: int
) -> list[str]:
    """Returns deliveries, newest first, after the one with this creation time and id."""
    before_at, before_id = before or (None, None)
    return await documents(
        pool,
        "select document::text from"
        " rowhook.delivery_page(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) as document",
        filters.organization,
        filters.webhook,
        list(filters.statuses),
        filters.since,
        filters.until,
        before_at,
        before_id,
        filters.job,
        filters.commit,
        filters.event_type,
        filters.status_code,
        limit,
    )


async def search_deliveries(
    pool: ConnectionSource,
    filters: DeliveryFilter,
    text: str,
    before: tuple[datetime, int] | None,
    *,
    most: int,
    most_rows: int,
    most_text: int,
) -> str:
    """Returns deliveries that contain a text, and how much was searched, as a JSON document."""
    before_at, before_id = before or (None, None)
    result: str = await value(
        pool,
        "select rowhook.search_deliveries("
        "%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)::text",
        filters.organization,
        filters.webhook,
        list(filters.statuses),
        filters.since,
        filters.until,
        before_at,
        before_id,
        filters.job,
        filters.commit,
        filters.event_type,
        filters.status_code,
        text,
        most,
        most_rows,
        most_text,
    )
    return result


async def deliveries_with_id(
    pool: ConnectionSource, organization: UUID | None, text: str, most: int
) -> str:
    """Returns deliveries with this id, or of this commit, job or session, as a JSON document."""
    query = "select rowhook.deliveries_with_id(%s, %s, %s)::text"
    result: str = await value(pool, query, organization, text, most)
    return result


async def session_page(
    pool: ConnectionSource, session: str, before: int | None, limit: int
) -> list[str]:
    """Returns the deliveries of a session's commits, newest first."""
    return await documents(
        pool,
        "select document::text from rowhook.session_page(%s, %s, %s) as document",
        session,
        before,
        limit,
    )


async def delivery_of(pool: ConnectionSource, delivery: int) -> str | None:
    """Returns a delivery with its attempts as `tries`, oldest first; None if not found."""
    result = await documents(
        pool, "select document::text from rowhook.delivery_of(%s) as document", delivery
    )
    return result[0] if result else None


async def event_feed(
    pool: ConnectionSource,
    *,
    organization: UUID | None,
    agent: UUID | None,
    goal: str | None,
    types: Sequence[str],
    after: tuple[str, int],
    limit: int,
) -> list[tuple[str, int, str]]:
    """Returns (xact, id, event) for the events after a position in commit order."""
    result = await rows(
        pool,
        "select xact, id, event::text"
        " from rowhook.event_feed(%s, %s, %s, %s, %s::text::xid8, %s, %s)",
        organization,
        agent,
        goal,
        list(types),
        *after,
        limit,
    )
    return [(row[0], row[1], row[2]) for row in result]


async def event_of(pool: ConnectionSource, event: int) -> str | None:
    """Returns an event; None if not found."""
    result = await documents(
        pool, "select document::text from rowhook.event_of(%s) as document", event
    )
    return result[0] if result else None


async def recent_events(
    pool: ConnectionSource,
    *,
    organization: UUID | None,
    webhook: UUID | None,
    agent: UUID | None,
    goal: str | None,
    limit: int,
) -> list[str]:
    """Returns the newest jobs and commits, without their data."""
    return await documents(
        pool,
        "select document::text from rowhook.recent_events(%s, %s, %s, %s, %s) as document",
        organization,
        webhook,
        agent,
        goal,
        limit,
    )


async def webhook_page(
    pool: ConnectionSource,
    *,
    organization: UUID | None = None,
    agent: UUID | None = None,
    goal: str | None = None,
    state: str | None = None,
    webhook: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 1,
    search: str | None = None,
    external_id: str | None = None,
) -> list[str]:
    """Returns webhooks, newest first; with `webhook` only this one."""
    before_at, before_id = before or (None, None)
    return await documents(
        pool,
        "select document::text"
        " from rowhook.webhook_page(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) as document",
        organization,
        agent,
        goal,
        state,
        webhook,
        before_at,
        before_id,
        limit,
        search,
        external_id,
    )


async def webhook_names(
    pool: ConnectionSource, organization: UUID | None, first: UUID | None, limit: int
) -> list[str]:
    """Returns webhooks by name, `first` before all others."""
    return await documents(
        pool,
        "select document::text from rowhook.webhook_names(%s, %s, %s) as document",
        organization,
        first,
        limit,
    )


async def organization_page(
    pool: ConnectionSource, after: UUID | None, limit: int, search: str | None = None
) -> list[str]:
    """Returns organizations, ordered by id."""
    return await documents(
        pool,
        "select document::text from rowhook.organization_page(%s, %s, %s) as document",
        after,
        limit,
        search,
    )


async def agent_page(
    pool: ConnectionSource,
    organization: UUID | None,
    after: UUID | None,
    limit: int,
    search: str | None = None,
) -> list[str]:
    """Returns agents with their linked webhooks, ordered by id."""
    return await documents(
        pool,
        "select document::text from rowhook.agent_page(%s, %s, %s, %s) as document",
        organization,
        after,
        limit,
        search,
    )


async def goal_page(
    pool: ConnectionSource,
    organization: UUID | None,
    after: str | None,
    limit: int,
    search: str | None = None,
) -> list[str]:
    """Returns goals with their linked webhooks, ordered by id."""
    return await documents(
        pool,
        "select document::text from rowhook.goal_page(%s, %s, %s, %s) as document",
        organization,
        after,
        limit,
        search,
    )


async def identify_organization(pool: ConnectionSource, text: str) -> UUID | None:
    """Returns the organization with this platform id or uuid; None if the caller cannot see it."""
    result: UUID | None = await value(pool, "select rowhook.identify_organization(%s)", text)
    return result


async def identify_agent(
    pool: ConnectionSource, organization: UUID | None, text: str
) -> list[UUID]:
    """Returns the agents with this id; without an organization at most two, of different ones."""
    result = await rows(
        pool, "select agent from rowhook.identify_agent(%s, %s) as agent", organization, text
    )
    return [row[0] for row in result]


async def organization_platform_id(pool: ConnectionSource, organization: UUID) -> str:
    """Returns the platform id of an organization."""
    result: str = await value(pool, "select rowhook.organization_platform_id(%s)", organization)
    return result


async def webhook_owner(pool: ConnectionSource, webhook: UUID) -> UUID | None:
    """Returns the organization of a webhook; None if the caller cannot see the webhook."""
    result: UUID | None = await value(pool, "select rowhook.webhook_owner(%s)", webhook)
    return result


async def find_objects(pool: ConnectionSource, text: str, limit: int) -> list[str]:
    """Returns objects whose name or id matches, by kind; at most `limit` of each kind."""
    return await documents(
        pool, "select document::text from rowhook.find_objects(%s, %s) as document", text, limit
    )


async def organization_names(pool: ConnectionSource, ids: list[str]) -> list[str]:
    """Returns the names of organizations."""
    return await documents(
        pool, "select document::text from rowhook.organization_names(%s) as document", ids
    )


async def names_of_webhooks(pool: ConnectionSource, ids: list[UUID]) -> list[str]:
    """Returns the names of webhooks, of deleted ones the last."""
    return await documents(
        pool, "select document::text from rowhook.names_of_webhooks(%s) as document", ids
    )


async def navigation_counts(pool: ConnectionSource, limit: int) -> str:
    """Counts webhooks and waiting deliveries, up to `limit` of each."""
    result: str = await value(pool, "select rowhook.navigation_counts(%s)::text", limit)
    return result
