"""Webhooks that are alerts, and the thresholds of an organization."""

from __future__ import annotations

import json
from uuid import UUID

from rowhook.db.statements import ConnectionSource, documents, rows, value


async def alert_webhooks(pool: ConnectionSource, organization: UUID, limit: int) -> list[str]:
    """Returns the alerts of an organization, newest first, as JSON documents."""
    return await documents(
        pool,
        "select document::text from rowhook.alert_webhooks(%s, %s) as document",
        organization,
        limit,
    )


async def alert_thresholds(pool: ConnectionSource, organization: UUID) -> tuple[int, int, int]:
    """Returns the thresholds: held deliveries, due deliveries, age of the oldest in seconds."""
    query = "select held, backlog, backlog_age_s from rowhook.alert_thresholds(%s)"
    (thresholds,) = await rows(pool, query, organization)
    held, backlog, age_s = thresholds
    return held, backlog, age_s


async def set_alert_thresholds(
    pool: ConnectionSource, organization: UUID, held: int, backlog: int, age_s: int
) -> None:
    """Stores the thresholds."""
    await value(
        pool,
        "select rowhook.set_alert_thresholds(%s, %s, %s, %s)",
        organization,
        held,
        backlog,
        age_s,
    )


async def change_alert_thresholds(
    pool: ConnectionSource, organization: UUID, changes: dict[str, int]
) -> None:
    """Stores the thresholds that are named; the others stay."""
    query = "select rowhook.change_alert_thresholds(%s, %s::jsonb)"
    await value(pool, query, organization, json.dumps(changes))
