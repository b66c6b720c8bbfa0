"""Deliveries with any age and status, for tests of statistics and of query plans."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rowhook.db.connection_pool import Pool
from tests.support.calls import Api
from tests.support.sample_platform import Platform

# The blocks of Rowhook's tables and indexes that this transaction has read.
BLOCKS_READ = """
select coalesce(sum(pg_stat_get_xact_blocks_fetched(c.oid)), 0)::int
from pg_class c where c.relnamespace = 'rowhook'::regnamespace
"""


async def get_json(api: Api, path: str, key: str | None = None, **params: Any) -> Any:
    response = await api.call("GET", path, key=key, params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def finish_jobs(platform: Platform, pool: Pool, *outcomes: str, **fields: Any) -> None:
    """Completes a job for each outcome and records its only attempt."""
    for outcome in outcomes:
        await platform.job("succeeded")
        for claim in await platform.claim(pool):
            await platform.record(pool, claim, outcome, **fields)


async def backdate(platform: Platform, hours: float, status: str) -> None:
    """Moves the creation of deliveries of a status into the past."""
    await platform.run("set session_replication_role = replica")
    await platform.run(
        "update rowhook.outbox set created_at = now() - make_interval(secs => %s)"
        " where status = %s",
        hours * 3600,
        status,
    )
    await platform.run("set session_replication_role = origin")


async def backdate_attempts(platform: Platform, hours: float, attempt_class: str) -> None:
    """Moves counts of attempts of a class, which were not folded yet, into the past."""
    await platform.run(
        "update rowhook.attempt_delta d"
        " set at = rowhook.minute_of(now() - make_interval(secs => %s))"
        " where to_json(d) ->> %s <> '0'",
        hours * 3600,
        f"status_{attempt_class}" if attempt_class[0].isdigit() else attempt_class,
    )


async def insert_deliveries(platform: Platform, webhook: UUID, status: str, count: int) -> None:
    """Inserts deliveries of a status directly: never attempted, or finished with an error."""
    waits = status == "pending"
    await platform.run("set session_replication_role = replica")
    await platform.run(
        "insert into rowhook.outbox (event_id, webhook_id, organization_id, status, ready,"
        " next_attempt_at, finished_at, last_error)"
        " select -n, %s, %s, %s, %s, case when %s then now() end, case when not %s then now() end,"
        " case when not %s then 'it failed' end from generate_series(1, %s) as n",
        webhook,
        platform.organization,
        status,
        waits,
        waits,
        waits,
        waits,
        count,
    )
    await platform.run("set session_replication_role = origin")


async def insert_events(platform: Platform, webhooks: list[UUID], count: int) -> None:
    """Inserts events directly, each with a delivered delivery of one of the webhooks in turn."""
    await platform.run(
        "with inserted as ("
        "   insert into rowhook.event (organization_id, type, key, snapshot, occurred_at)"
        "   select %s, 'job.succeeded', n, '{}', now() from generate_series(1, %s) n returning id)"
        " insert into rowhook.outbox (event_id, organization_id, webhook_id, status, ready,"
        "   next_attempt_at, finished_at)"
        " select id, %s, ids[1 + mod(id, %s)], 'delivered', false, null, now()"
        " from inserted, (select %s::uuid[] as ids) as o",
        platform.organization,
        count,
        platform.organization,
        len(webhooks),
        webhooks,
    )
    await platform.run("analyze rowhook.outbox, rowhook.event")
