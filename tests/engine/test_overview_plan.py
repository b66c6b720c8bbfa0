"""The overview reads a few blocks for each webhook, and nothing of those without problems."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, LiteralString

import pytest

from rowhook.db import engine
from rowhook.db.connection_pool import Pool
from tests.support.delivery_data import BLOCKS_READ, backdate, insert_deliveries
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, pytest.mark.new_database]
WEBHOOKS, STORED = 200, 40_000
# The latency is that of the newest 10,000 deliveries.
NEWEST = 11_000
# The newest thousand that ended, twice, for any number of webhooks.
PAGE = 5_000
WORST = "select rowhook.worst_webhooks(null, array['held', 'dead', 'pending'], '24 h', 10, 1000)"
WAITING = (
    "select rowhook.count_by_status(null, null, array['pending', 'sending', 'held'],"
    " null, null, null, null, null, null, 10000)"
)


# Counted by PostgreSQL in this transaction: the entries that scans of each index returned, and the
# rows that scans of the whole table returned.
READ = """
select c.relname as name, pg_stat_get_xact_tuples_returned(c.oid) as read
from pg_class c left join pg_index i on i.indexrelid = c.oid
where coalesce(i.indrelid, c.oid) = 'rowhook.outbox'::regclass
"""


async def fill(platform: Platform) -> None:
    """Gives each webhook 200 delivered deliveries, and one of them a few of the other statuses."""
    webhooks = [await platform.webhook() for _ in range(WEBHOOKS)]
    for status, count, many in (
        ("delivered", STORED, WEBHOOKS),
        ("dead", 3, 1),
        ("held", 4, 1),
        ("pending", 5, 1),
    ):
        waits, failed = status == "pending", status != "delivered"
        await platform.run(
            "with made as ("
            "   insert into rowhook.event (organization_id, type, key, snapshot, occurred_at)"
            "   select %s, 'job.succeeded', %s || n, '{}', now() from generate_series(1, %s) n"
            "   returning id)"
            " insert into rowhook.outbox (event_id, organization_id, webhook_id, status, ready,"
            "   next_attempt_at, created_at, finished_at, last_error)"
            " select id, %s, (%s::uuid[])[1 + mod(id, %s)], %s, %s, case when %s then now() end,"
            "   at_ms, case when %s then at_ms + interval '20 ms' end,"
            "   case when %s then 'it failed' end"
            # one each millisecond, independent of the speed of the machine
            " from (select id, now() + (row_number() over (order by id) - %s) * interval '1 ms'"
            "   as at_ms from made) made",
            platform.organization,
            status,
            count,
            platform.organization,
            webhooks,
            many,
            status,
            waits,
            waits,
            status in {"delivered", "dead"},
            failed,
            count,
        )
    await platform.run("vacuum analyze rowhook.outbox")


async def blocks_of(platform: Platform, statement: LiteralString) -> tuple[int, Any]:
    """Returns the blocks that an operator's statement reads once its plans are cached."""
    async with platform.db.transaction():
        await platform.value("select rowhook.set_tenant(null, 'a test')::text")
        await platform.value(statement)
        before = await platform.value(BLOCKS_READ)
        result = await platform.value(statement)
        return await platform.value(BLOCKS_READ) - before, result


@every_server
async def test_the_figures_read_a_few_blocks_of_each_webhook(platform: Platform) -> None:
    await fill(platform)
    for span in ("1 h", "24 h"):
        read, stats = await blocks_of(platform, f"select rowhook.stats(null, '{span}')")
        assert (stats["held"], stats["pending"], stats["stuck"]) == (4, 5, 0)
        assert read <= WEBHOOKS * 14 + NEWEST
    read, worst = await blocks_of(platform, WORST)
    assert (worst["held"], worst["dead"], worst["retrying"]) == (4, 3, 5)
    assert read <= WEBHOOKS * 12
    read, waiting = await blocks_of(platform, WAITING)
    assert waiting["by_status"] == {"pending": 5, "sending": 0, "held": 4}
    assert read <= 40


@every_server
async def test_the_webhooks_with_failures_are_found_without_reading_other_deliveries(
    platform: Platform,
) -> None:
    await fill(platform)
    async with platform.db.transaction():
        before = {row["name"]: row["read"] for row in await platform.rows(READ)}
        assert await platform.value("select count(*) from rowhook.failing_webhooks()") == 1
        assert await platform.value("select rowhook.few_deliveries_failed()")
        read = {row["name"]: row["read"] - before[row["name"]] for row in await platform.rows(READ)}
    # An entry for each webhook of a status, and then each of the 4 held, 3 dead and 5 retried.
    assert {name: entries for name, entries in read.items() if entries} == {
        "outbox_held_or_dead": 2 + 7,
        "outbox_retrying": 1 + 5,
    }


@every_server
async def test_the_first_pages_of_many_webhooks_are_read_by_time_and_have_the_newest(
    platform: Platform,
) -> None:
    await fill(platform)
    every = "'pending', 'sending', 'held', 'delivered', 'dead', 'cancelled', 'skipped'"
    for statuses in (every, "'dead', 'held'", "'pending'", "'skipped'"):
        newest = await platform.value(
            f"select rowhook.newest_ids(array[{statuses}], '-infinity', 'infinity', 'infinity',"
            " 0, null, null, 51)"
        )
        assert newest == await platform.value(
            f"select array(select id from rowhook.outbox where status in ({statuses})"
            " order by created_at desc, id desc limit 51)"
        )
    read, page = await blocks_of(
        platform,
        f"select rowhook.delivery_ids(null, null, array[{every}], '-infinity', 'infinity',"
        " 'infinity', 0, null, null, null, null, 51)",
    )
    assert len(page) == 51
    assert read <= PAGE
    async with platform.db.transaction():
        await platform.value("select rowhook.set_tenant(%s, 'a test')::text", platform.organization)
        own = await platform.value(
            f"select rowhook.delivery_ids(%s, null, array[{every}], '-infinity', 'infinity',"
            " 'infinity', 0, null, null, null, null, 51)",
            platform.organization,
        )
    assert own == page
    next_page = (
        f"select rowhook.delivery_ids(null, null, array[{every}], '-infinity', 'infinity',"
        " created_at, id, null, null, null, null, 51) from rowhook.outbox where id = %s"
    )
    later = await platform.value(next_page, page[-1])
    assert later == await platform.value(
        "select array(select o.id from rowhook.outbox o, rowhook.outbox p where p.id = %s"
        "   and (o.created_at, o.id) < (p.created_at, p.id)"
        " order by o.created_at desc, o.id desc limit 51)",
        page[-1],
    )


@every_server
async def test_a_delivery_that_was_skipped_in_a_long_transaction_is_on_the_page_of_its_creation(
    platform: Platform,
) -> None:
    await fill(platform)
    skipped = (
        "insert into rowhook.outbox (event_id, organization_id, webhook_id, status, ready,"
        "   next_attempt_at, created_at, finished_at)"
        " select event_id, organization_id, %s, 'skipped', false, null, created_at,"
        "   created_at - interval '20 s' from rowhook.outbox"
        " where status = 'delivered' order by id desc offset 10 limit 1 returning id"
    )
    delivery = await platform.value(skipped, await platform.webhook())
    for since in ("'-infinity'", "now() - interval '15 s'"):
        newest = await platform.value(
            f"select rowhook.newest_ids(array['delivered', 'skipped'], {since}, 'infinity',"
            " 'infinity', 0, null, null, 51)"
        )
        assert delivery in newest
        assert len(newest) == 51


async def test_attempts_of_a_day_are_read_by_organization_and_not_by_webhook(
    platform: Platform, pool: Pool
) -> None:
    await platform.run(
        "insert into rowhook.attempt_quarter (at, webhook_id, organization_id, status_2xx)"
        " select rowhook.quarter_of(now()) - n * interval '15 minutes', gen_random_uuid(), %s, 2"
        " from generate_series(0, 90) n, generate_series(1, 200)",
        platform.organization,
    )
    # The first fold adds up the counts from before there were totals.
    await engine.fold_attempts(pool)
    await platform.run("vacuum analyze rowhook.organization_quarter")
    read, series = await blocks_of(
        platform, "select rowhook.attempt_series(null, null, '24 h', 96)"
    )
    assert sum(point["attempts"] for point in series["points"]) == 91 * 200 * 2
    assert read <= 20
    stats = await platform.value("select rowhook.stats(%s, '24 h')", platform.organization)
    assert stats["delivered"] == 91 * 200 * 2
    assert json.dumps(stats["attempts_by_class"]).startswith('{"2xx": 36400')


async def test_figures_agree_with_the_table_while_very_many_deliveries_wait(
    platform: Platform,
) -> None:
    webhook, other, third = [await platform.webhook() for _ in range(3)]
    await insert_deliveries(platform, other, "pending", 3)
    await backdate(platform, 30, "pending")
    # More than are read for the figures of all organizations.
    await insert_deliveries(platform, webhook, "pending", 20_500)
    await insert_deliveries(platform, third, "held", 4)
    await platform.run("vacuum analyze rowhook.outbox")
    oldest = await platform.value("select min(created_at) from rowhook.outbox")
    async with platform.db.transaction():
        for organization in (None, platform.organization):
            await platform.value("select rowhook.set_tenant(%s, 'a test')::text", organization)
            stats = await platform.value("select rowhook.stats(%s, '24 h')", organization)
            assert (stats["pending"], stats["held"], stats["sending"]) == (20_500, 4, 0)
            assert stats["deliveries"] == 20_504
            assert datetime.fromisoformat(stats["oldest_waiting_at"]) == oldest
