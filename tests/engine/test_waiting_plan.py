"""Lists read few rows while many deliveries wait, and of event types with few events."""

from __future__ import annotations

from typing import Any, LiteralString

import pytest

from tests.support.delivery_data import BLOCKS_READ, insert_events
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, pytest.mark.new_database, every_server]
# From 200 webhooks on, lists are not read webhook by webhook. From 40,000 deliveries on, not all
# are counted by id. 5,000 waiting deliveries are many.
WEBHOOKS, WAITING, FAILED = 220, 41_000, 40
EVERY: LiteralString = (
    "array['pending', 'sending', 'held', 'delivered', 'dead', 'cancelled', 'skipped']"
)
STORED = 20_000


async def blocks(platform: Platform, query: LiteralString, *arguments: object) -> tuple[int, Any]:
    """Returns the blocks that a repetition of a query reads, and its value."""
    await platform.value(query, *arguments)
    before = await platform.value(BLOCKS_READ)
    result = await platform.value(query, *arguments)
    return await platform.value(BLOCKS_READ) - before, result


@pytest.mark.parametrize("caller", ["operator", "tenant"])
async def test_lists_and_counts_of_other_statuses_do_not_read_the_waiting(
    platform: Platform, caller: str
) -> None:
    webhooks = [await platform.webhook() for _ in range(WEBHOOKS)]
    await insert_events(platform, webhooks, 2_000)
    await platform.run(
        "update rowhook.outbox set status = case id %% 4 when 0 then 'dead' else 'held' end,"
        " finished_at = case id %% 4 when 0 then finished_at end, token = nextval('rowhook.token')"
        " where id in (select id from rowhook.outbox order by id limit %s)",
        FAILED,
    )
    await insert_events(platform, webhooks[:1], WAITING)
    await platform.run(
        "update rowhook.outbox set status = 'pending', ready = true, next_attempt_at = now(),"
        " finished_at = null, token = nextval('rowhook.token')"
        " where id in (select id from rowhook.outbox order by id desc limit %s)",
        WAITING,
    )
    await platform.run("vacuum analyze rowhook.outbox")
    organization = platform.organization if caller == "tenant" else None
    async with platform.db.transaction():
        await platform.value("select rowhook.set_tenant(%s, 'a test')::text", organization)
        for status in ("held", "dead"):
            if (caller, status) != ("tenant", "dead"):
                page: LiteralString = (
                    "select rowhook.delivery_ids(%s, null, array[%s], '-infinity',"
                    " 'infinity', 'infinity', 0, null, null, null, null, 10)"
                )
                read, ids = await blocks(platform, page, organization, status)
                assert read < WAITING / 4, (status, read)
                assert ids == await platform.value(
                    "select array(select id from rowhook.outbox where status = %s"
                    " order by created_at desc, id desc limit 10)",
                    status,
                )
        counts: LiteralString = (
            f"select rowhook.count_by_status(%s, null, {EVERY}, now() - interval '1 h',"
            " null, null, null, null, null, 1000000) -> 'by_status'"
        )
        _, counted = await blocks(platform, counts, organization)
        since: LiteralString = (
            "select rowhook.count_since(%s, array['pending', 'held'], '-infinity')"
        )
        _, later = await blocks(platform, since, organization)
    held = FAILED * 3 // 4
    assert (counted["pending"], counted["held"], counted["dead"]) == (WAITING, held, FAILED - held)
    assert (later["pending"], later["held"]) == (WAITING, held)


@pytest.mark.parametrize("webhooks", [4, WEBHOOKS])
@pytest.mark.parametrize("caller", ["operator", "tenant"])
async def test_a_type_with_few_events_is_found_without_reading_the_others(
    platform: Platform, caller: str, webhooks: int
) -> None:
    made = [await platform.webhook() for _ in range(webhooks)]
    await insert_events(platform, made, STORED)
    await platform.run(
        "update rowhook.event set type = 'job.failed'"
        " where id %% 4 = 0 and id in (select id from rowhook.event order by id limit 32)"
    )
    await platform.run("vacuum analyze rowhook.event")
    organization = platform.organization if caller == "tenant" else None
    async with platform.db.transaction():
        await platform.value("select rowhook.set_tenant(%s, 'a test')::text", organization)
        for event_type in ("job.failed", "webhook.test"):
            for webhook in (None, made[0]):
                page: LiteralString = (
                    f"select rowhook.delivery_ids(%s, %s, {EVERY}, '-infinity',"
                    " 'infinity', 'infinity', 0, null, null, %s, null, 50)"
                )
                read, ids = await blocks(platform, page, organization, webhook, event_type)
                assert read < 500, (event_type, webhook, read)
                assert ids == await platform.value(
                    "select array(select o.id from rowhook.outbox o"
                    " join rowhook.event e on e.id = o.event_id where e.type = %s"
                    " and o.webhook_id = coalesce(%s, o.webhook_id)"
                    " order by o.created_at desc, o.id desc)",
                    event_type,
                    webhook,
                )
            feed: LiteralString = (
                "select array(select id from rowhook.event_feed(%s, null, null, %s, '0', 0, 100))"
            )
            read, ids = await blocks(platform, feed, organization, [event_type])
            assert read < 500, (event_type, read)
            events: LiteralString = (
                "select array(select id from rowhook.event where type = %s order by xact, id)"
            )
            assert ids == await platform.value(events, event_type)


async def test_a_type_far_from_the_newest_deliveries_of_a_webhook_is_found(
    platform: Platform,
) -> None:
    webhooks = [await platform.webhook() for _ in range(2)]
    await insert_events(platform, webhooks, STORED)
    await platform.run(
        "update rowhook.event set type = 'goal.committed', goal_id = 'g', commit_id = 'c' || id"
        " where id in (select id from rowhook.event order by id limit 20)"
    )
    await platform.run("vacuum analyze rowhook.event")
    page: LiteralString = (
        f"select rowhook.delivery_ids(null, %s, {EVERY}, '-infinity',"
        " 'infinity', 'infinity', 0, null, null, 'goal.committed', null, 50)"
    )
    for webhook in (None, *webhooks):
        assert await platform.value(page, webhook) == await platform.value(
            "select array(select o.id from rowhook.outbox o"
            " join rowhook.event e on e.id = o.event_id where e.type = 'goal.committed'"
            " and o.webhook_id = coalesce(%s, o.webhook_id)"
            " order by o.created_at desc, o.id desc)",
            webhook,
        )


async def test_the_newest_events_and_a_page_of_the_feed_read_few_of_an_organization(
    platform: Platform,
) -> None:
    await insert_events(platform, [await platform.webhook()], STORED)
    queries: tuple[LiteralString, ...] = (
        "recent_events(null, null, null, null, 20)",
        "event_feed(null, null, null, array['job.succeeded'], '0', 0, 20)",
    )
    async with platform.db.transaction():
        await platform.value("select rowhook.set_tenant(null, 'a test')::text")
        for query in queries:
            read, count = await blocks(platform, "select count(*) from rowhook." + query)
            assert count == 20
            assert read < 1_000, (query, read)
