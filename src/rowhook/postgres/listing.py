"""The functions that read pages: JSON documents, a row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from rowhook.postgres.connection import ConnectionSource, documents, rows, value

STATUSES = ("pending", "sending", "held", "delivered", "dead", "cancelled", "skipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries: None means any. `since` is inclusive, `until` is not."""

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
    pool: ConnectionSource, wanted: DeliveryFilter, before: tuple[datetime, int] | None, most: int
) -> list[str]:
    """Deliveries, newest first, after the one that was created at `before` with that id."""
    at, number = before or (None, None)
    return await documents(
        pool,
        "select one::text from"
        " rowhook.delivery_page(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) as one",
        wanted.organization,
        wanted.webhook,
        list(wanted.statuses),
        wanted.since,
        wanted.until,
        at,
        number,
        wanted.job,
        wanted.commit,
        wanted.event_type,
        wanted.status_code,
        most,
    )


async def session_page(
    pool: ConnectionSource, session: str, before: int | None, most: int
) -> list[str]:
    """The deliveries of a session's commits, newest first."""
    return await documents(
        pool,
        "select one::text from rowhook.session_page(%s, %s, %s) as one",
        session,
        before,
        most,
    )


async def delivery_of(pool: ConnectionSource, delivery: int) -> str | None:
    """One delivery with its attempts as `tries`, the first one first; None if there is none."""
    found = await documents(pool, "select one::text from rowhook.delivery_of(%s) as one", delivery)
    return found[0] if found else None


async def event_feed(
    pool: ConnectionSource,
    *,
    organization: UUID | None,
    agent: UUID | None,
    goal: str | None,
    types: Sequence[str],
    after: tuple[str, int],
    most: int,
) -> list[tuple[str, int, str]]:
    """(xact, id, event) of what comes after a place in the order of commits."""
    found = await rows(
        pool,
        "select xact, id, event::text"
        " from rowhook.event_feed(%s, %s, %s, %s, %s::text::xid8, %s, %s)",
        organization,
        agent,
        goal,
        list(types),
        *after,
        most,
    )
    return [(row[0], row[1], row[2]) for row in found]


async def event_of(pool: ConnectionSource, event: int) -> str | None:
    """One event; None if there is none."""
    found = await documents(pool, "select one::text from rowhook.event_of(%s) as one", event)
    return found[0] if found else None


async def recent_events(
    pool: ConnectionSource,
    *,
    organization: UUID | None,
    webhook: UUID | None,
    agent: UUID | None,
    goal: str | None,
    most: int,
) -> list[str]:
    """The newest jobs and commits, without their data."""
    return await documents(
        pool,
        "select one::text from rowhook.recent_events(%s, %s, %s, %s, %s) as one",
        organization,
        webhook,
        agent,
        goal,
        most,
    )


async def webhook_page(
    pool: ConnectionSource,
    *,
    organization: UUID | None = None,
    agent: UUID | None = None,
    goal: str | None = None,
    state: str | None = None,
    one: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    most: int = 1,
    search: str | None = None,
) -> list[str]:
    """Webhooks, newest first; the one with the id `one`."""
    at, webhook = before or (None, None)
    return await documents(
        pool,
        "select one::text from rowhook.webhook_page(%s, %s, %s, %s, %s, %s, %s, %s, %s) as one",
        organization,
        agent,
        goal,
        state,
        one,
        at,
        webhook,
        most,
        search,
    )


async def webhook_names(
    pool: ConnectionSource, organization: UUID | None, first: UUID | None, most: int
) -> list[str]:
    """Webhooks by name, `first` before all others."""
    return await documents(
        pool,
        "select one::text from rowhook.webhook_names(%s, %s, %s) as one",
        organization,
        first,
        most,
    )


async def organization_page(pool: ConnectionSource, after: UUID | None, most: int) -> list[str]:
    """Organizations, by id."""
    return await documents(
        pool, "select one::text from rowhook.organization_page(%s, %s) as one", after, most
    )


async def agent_page(
    pool: ConnectionSource,
    organization: UUID | None,
    after: UUID | None,
    most: int,
    search: str | None = None,
) -> list[str]:
    """Agents with their linked webhooks, by id."""
    return await documents(
        pool,
        "select one::text from rowhook.agent_page(%s, %s, %s, %s) as one",
        organization,
        after,
        most,
        search,
    )


async def goal_page(
    pool: ConnectionSource,
    organization: UUID | None,
    after: str | None,
    most: int,
    search: str | None = None,
) -> list[str]:
    """Goals with their linked webhooks, by id."""
    return await documents(
        pool,
        "select one::text from rowhook.goal_page(%s, %s, %s, %s) as one",
        organization,
        after,
        most,
        search,
    )


async def stats(pool: ConnectionSource, organization: UUID | None, span: timedelta) -> str:
    """What came of the deliveries of the last `span`."""
    found: str = await value(pool, "select rowhook.stats(%s, %s)::text", organization, span)
    return found
