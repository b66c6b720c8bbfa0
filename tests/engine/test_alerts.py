"""Alerts on held and waiting deliveries: once per episode, only where asked for."""

from __future__ import annotations

import asyncio
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest

from rowhook.db import engine
from rowhook.db.connection_pool import Pool
from rowhook.db.statements import value
from tests.support.sample_platform import Platform, other_platform
from tests.support.servers import every_server
from tests.support.worker_rig import until

pytestmark = [pytest.mark.anyio, every_server]
HELD, BACKLOG = "webhook.held", "webhook.backlog"
_LATER: LiteralString = "update rowhook.alert_episode set seen_at = seen_at - interval '11 minutes'"


async def announced(platform: Platform, pool: Pool) -> list[str]:
    """Looks once; returns the types of all events about webhooks so far."""
    await engine.announce_waiting(pool)
    rows = await platform.rows(
        "select type from rowhook.event where type like 'webhook.%%' order by id"
    )
    return [row["type"] for row in rows]


async def hold(platform: Platform, pool: Pool) -> None:
    """Commits, and records that its delivery could not be rendered."""
    await platform.commit()
    for claim in await platform.claim(pool):
        if claim.event.type == "goal.committed":
            await platform.record(pool, claim, "render_failed", error="data.nmae is not defined")


async def reasons(platform: Platform) -> list[str]:
    rows = await platform.rows(
        "select snapshot ->> 'reason' as reason from rowhook.event"
        " where type like 'webhook.%%' order by id"
    )
    return [row["reason"] for row in rows]


async def set_thresholds(
    platform: Platform, *, held: int = 1, backlog: int = 10_000, age_s: int = 900
) -> None:
    await platform.value(
        "select rowhook.set_alert_thresholds(%s, %s, %s, %s)",
        platform.organization,
        held,
        backlog,
        age_s,
    )


async def test_held_deliveries_are_announced_once_until_they_were_gone_for_ten_minutes(
    platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_goal()
    await platform.webhook(event_types=[HELD])
    await hold(platform, pool)
    assert await announced(platform, pool) == [HELD]
    assert await reasons(platform) == [
        "a delivery is held, the newest because: data.nmae is not defined"
    ]
    await platform.run(_LATER)
    assert await announced(platform, pool) == [HELD], "it still holds deliveries"
    await platform.run(
        "update rowhook.outbox set status = 'cancelled' where webhook_id = %s", webhook
    )
    await announced(platform, pool)
    await hold(platform, pool)
    assert await announced(platform, pool) == [HELD], "held again within ten minutes"
    await platform.run(
        "update rowhook.outbox set status = 'cancelled' where webhook_id = %s and status = 'held'",
        webhook,
    )
    await platform.run(_LATER)
    await announced(platform, pool)
    await hold(platform, pool)
    assert await announced(platform, pool) == [HELD, HELD]


async def test_the_threshold_of_held_deliveries_is_that_of_the_organization(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    await platform.webhook(event_types=[HELD])
    await set_thresholds(platform, held=3)
    for expected in ([], [], [HELD], [HELD]):
        await hold(platform, pool)
        assert await announced(platform, pool) == expected
    assert (await reasons(platform))[0].startswith("3 or more deliveries are held, the newest")


async def test_a_backlog_is_announced_by_its_number_and_lasts_until_half_of_it(
    platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_goal()
    await platform.webhook(event_types=[BACKLOG])
    await set_thresholds(platform, backlog=4)
    for number in range(5):
        await platform.commit()
        assert await announced(platform, pool) == ([BACKLOG] if number >= 3 else [])
    assert await reasons(platform) == ["4 or more deliveries are due and wait"]
    await _cancel(platform, webhook, but=2)
    await platform.run(_LATER)
    await announced(platform, pool)
    assert await platform.value("select count(*) from rowhook.alert_episode") == 1
    await _cancel(platform, webhook, but=1)
    await platform.run(_LATER)
    await announced(platform, pool)
    assert await platform.value("select count(*) from rowhook.alert_episode") == 0


async def _cancel(platform: Platform, webhook: UUID, *, but: int) -> None:
    await platform.run(
        "update rowhook.outbox set status = 'cancelled' where id in ("
        "select id from rowhook.outbox where webhook_id = %s and status = 'pending'"
        " order by id offset %s)",
        webhook,
        but,
    )


async def test_a_backlog_is_announced_by_its_age_and_retries_do_not_count(
    platform: Platform, pool: Pool, superuser: psycopg.AsyncConnection
) -> None:
    await platform.webhook_of_goal()
    await platform.webhook(event_types=[BACKLOG])
    await platform.commit()
    (claim,) = await platform.claim(pool)
    await platform.record(pool, claim, "timeout", retry_after_s=3600)
    assert await announced(platform, pool) == []
    await platform.commit()
    # The guard allows no one to change the time.
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute(
        "update rowhook.outbox set next_attempt_at = now() - interval '16 minutes' where ready"
    )
    assert await announced(platform, pool) == [BACKLOG]
    assert (await reasons(platform))[0].startswith("the oldest delivery that is due waits since ")


async def test_nothing_is_announced_without_a_webhook_for_it_or_about_a_paused_one(
    platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_goal()
    await platform.webhook(event_types=[BACKLOG, "webhook.failing"])
    await hold(platform, pool)
    assert await announced(platform, pool) == []
    subscriber = await platform.webhook(event_types=[HELD])
    await platform.run("update rowhook.webhook set state = 'paused' where id = %s", webhook)
    assert await announced(platform, pool) == []
    await platform.run("update rowhook.webhook set state = 'active' where id = %s", webhook)
    await platform.run("update rowhook.webhook set state = 'paused' where id = %s", subscriber)
    assert await announced(platform, pool) == []
    await platform.run("update rowhook.webhook set state = 'active' where id = %s", subscriber)
    assert await announced(platform, pool) == [HELD]


async def test_an_alert_never_goes_to_the_webhook_that_it_is_about_or_to_another_organization(
    platform: Platform, pool: Pool
) -> None:
    about = await platform.webhook_of_goal(event_types=["goal.committed", HELD])
    subscriber = await platform.webhook(event_types=[HELD])
    elsewhere = await other_platform(platform)
    await elsewhere.webhook(event_types=[HELD])
    await hold(platform, pool)
    assert await announced(platform, pool) == [HELD]
    rows = await platform.rows(
        "select o.webhook_id from rowhook.outbox o join rowhook.event e on e.id = o.event_id"
        " where e.type = 'webhook.held'"
    )
    assert [row["webhook_id"] for row in rows] == [subscriber]
    assert about != subscriber


async def test_of_two_changes_of_thresholds_at_once_none_is_lost(
    platform: Platform, pool: Pool
) -> None:
    change: LiteralString = "select rowhook.change_alert_thresholds(%s, %s::jsonb)"
    async with platform.db.transaction():
        await platform.value(change, platform.organization, '{"held": 5}')
        second = asyncio.create_task(value(pool, change, platform.organization, '{"backlog": 7}'))
        await until(lambda: waits_for_a_lock(pool))
    await second
    row = await platform.rows("select held, backlog, backlog_age_s from rowhook.alert_threshold")
    assert row == [{"held": 5, "backlog": 7, "backlog_age_s": 900}]
    await platform.value(change, platform.organization, "{}")
    await set_thresholds(platform, held=5, backlog=7)
    audit = await platform.rows("select before, after from rowhook.audit order by id")
    assert [entry["after"]["backlog"] for entry in audit] == [10_000, 7]


async def waits_for_a_lock(pool: Pool) -> bool:
    # Not in the transaction of the test, which would see the sessions of its first look.
    query: LiteralString = (
        "select exists (select from pg_stat_activity where wait_event_type = 'Lock'"
        " and datname = current_database())"
    )
    return bool(await value(pool, query))
