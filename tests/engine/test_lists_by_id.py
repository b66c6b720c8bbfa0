"""Lists and counts of many webhooks are read by id, and agree with the table."""

from __future__ import annotations

from typing import LiteralString
from uuid import UUID

import psycopg
import pytest

from tests.support.delivery_data import insert_deliveries
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, pytest.mark.new_database]
WEBHOOKS, DELIVERIES = 220, 4_400
EVERY = "'pending', 'sending', 'held', 'delivered', 'dead', 'cancelled', 'skipped'"


async def fill(platform: Platform) -> None:
    """Creates a delivery every 20 seconds; each tenth is up to 50 seconds older than its id."""
    webhooks = [await platform.webhook() for _ in range(WEBHOOKS)]
    await platform.run(
        "with made as ("
        "   insert into rowhook.event (organization_id, type, key, snapshot, occurred_at)"
        "   select %s, case n %% 1000 when 7 then 'job.failed' else 'job.succeeded' end,"
        "     'k' || n, '{}', now() from generate_series(1, %s) n returning id)"
        " insert into rowhook.outbox (event_id, organization_id, webhook_id, status, ready,"
        "   next_attempt_at, created_at, finished_at, last_error, last_status_code)"
        " select id, %s, (%s::uuid[])[1 + mod(id, %s)], fate, false,"
        "   case when fate = 'pending' then now() + interval '1 h' end, at_s,"
        "   case when fate not in ('pending', 'held') then at_s + interval '20 ms' end,"
        "   case when fate in ('dead', 'held', 'pending') then 'it failed' end,"
        "   case fate when 'delivered' then 204 when 'dead' then 503 when 'pending' then 503 end"
        " from (select id, now() - (%s - place) * interval '20 s'"
        "     - case when id %% 10 = 0 then interval '50 s' else interval '0' end as at_s,"
        "     case id %% 23 when 1 then 'dead' when 2 then 'held' when 3 then 'pending'"
        "       when 4 then 'skipped' when 5 then 'cancelled' else 'delivered' end as fate"
        "   from (select id, row_number() over (order by id) as place from made) made) made",
        platform.organization,
        DELIVERIES,
        platform.organization,
        webhooks,
        WEBHOOKS,
        DELIVERIES,
    )
    await platform.run("vacuum analyze rowhook.outbox")


CONDITIONS = {
    "all": ("null, null", "true"),
    "until": ("null, now() - interval '9 h'", "created_at < now() - interval '9 h'"),
    "range": (
        "now() - interval '9 h', now() - interval '8 h'",
        "created_at >= now() - interval '9 h' and created_at < now() - interval '8 h'",
    ),
    # Deliveries of these ranges have ids far apart if the clock was set back.
    "until the step": ("null, now() - interval '12 h'", "created_at < now() - interval '12 h'"),
    "around the step": (
        "now() - interval '14 h', now() - interval '13 h'",
        "created_at >= now() - interval '14 h' and created_at < now() - interval '13 h'",
    ),
}
FILTERS = {
    "none": ("null, null", "true"),
    "code": ("null, 503", "last_status_code = 503"),
    "missing code": ("null, 404", "false"),
    "rare type": (
        "'job.failed', null",
        "event_id in (select id from rowhook.event where type = 'job.failed')",
    ),
}


@every_server
@pytest.mark.parametrize("caller", ["operator", "tenant"])
async def test_pages_and_counts_of_many_webhooks_agree_with_the_table(
    platform: Platform, caller: str
) -> None:
    await fill(platform)
    await compare(platform, platform.organization if caller == "tenant" else None)


@every_server
@pytest.mark.parametrize("caller", ["operator", "tenant"])
async def test_they_agree_after_the_clock_was_set_back(platform: Platform, caller: str) -> None:
    await fill(platform)
    middle = "(select percentile_disc(0.5) within group (order by id) from rowhook.outbox)"
    await platform.run("alter table rowhook.outbox disable trigger user")
    # Those created before the clock was set back by three hours end after it.
    await platform.run(
        "update rowhook.outbox set finished_at = finished_at - interval '3 h'"
        f" where id > {middle} - 50"
    )
    await platform.run(
        f"update rowhook.outbox set created_at = created_at - interval '3 h' where id > {middle}"
    )
    await platform.run("vacuum analyze rowhook.outbox")
    for most in (1_500, DELIVERIES):
        await platform.value("select rowhook.note_clock_steps(%s)", most)
    await compare(platform, platform.organization if caller == "tenant" else None)


@every_server
async def test_a_clock_step_is_noted_until_its_deliveries_are_removed(platform: Platform) -> None:
    await fill(platform)
    set_back_by = "select rowhook.clock_set_back_by()::text"
    compared = "select rowhook.note_clock_steps()"
    assert await platform.value(compared) == DELIVERIES
    assert await platform.value(compared) == 0
    # Each tenth delivery of `fill` was created 30 s before one with a lower id, which lists expect.
    assert await platform.value(set_back_by) == "00:00:00"
    await platform.run("alter table rowhook.outbox disable trigger user")
    await platform.run(
        "update rowhook.outbox set created_at = created_at - interval '3 h'"
        " where id > (select max(id) - 100 from rowhook.outbox)"
    )
    await platform.run("update rowhook.installation set clock_read_to = 0")
    await platform.value(compared)
    assert await platform.value(set_back_by) > "03:00:00"
    await platform.run(
        "delete from rowhook.outbox o using rowhook.installation i"
        " where o.id <= i.clock_set_back_at"
    )
    await platform.value(compared)
    assert await platform.value(set_back_by) == "00:00:00"


@every_server
async def test_a_clock_that_is_behind_the_newest_delivery_was_set_back(platform: Platform) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    await platform.run("alter table rowhook.outbox disable trigger user")
    await platform.run("update rowhook.outbox set created_at = now() + interval '2 h'")
    await platform.value("select rowhook.note_clock_steps()")
    assert await platform.value("select rowhook.clock_set_back_by() > interval '1 h 59 min'")


async def compare(platform: Platform, organization: UUID | None) -> None:
    """Compares pages and counts with the table, for every range of time and filter."""
    async with platform.db.transaction():
        await platform.value("select rowhook.set_tenant(%s, 'a test')::text", organization)
        for times, in_time in CONDITIONS.values():
            since, until = times.split(", ", 1)
            for type_and_code, matching in FILTERS.items():
                arguments, condition = matching
                for statuses in (EVERY, "'dead', 'cancelled'", "'held', 'pending'", "'delivered'"):
                    where = f"status in ({statuses}) and {in_time} and {condition}"
                    expected = await platform.value(
                        f"select array(select id from rowhook.outbox where {where}"
                        " order by created_at desc, id desc limit 60)"
                    )
                    listed = await platform.value(
                        f"select rowhook.delivery_ids(%s, null, array[{statuses}],"
                        f" coalesce(({since})::timestamptz, '-infinity'),"
                        f" coalesce(({until})::timestamptz, 'infinity'),"
                        f" 'infinity', 0, null, null, {arguments}, 60)",
                        organization,
                    )
                    assert listed == expected, (times, type_and_code, statuses)
                    counted = await platform.value(
                        f"select rowhook.count_by_status(%s, null, array[{statuses}], {since},"
                        f" {until}, null, null, {arguments}, 10000)->>'total'",
                        organization,
                    )
                    total = f"select count(*)::text from rowhook.outbox where {where}"
                    assert counted == await platform.value(total), (times, type_and_code, statuses)


@every_server
async def test_the_clock_is_compared_from_the_first_delivery_on(platform: Platform) -> None:
    compared: LiteralString = "select rowhook.note_clock_steps()"
    assert await platform.value(compared) == 0
    await platform.webhook_of_goal()
    await platform.commit()
    assert [await platform.value(compared) for _ in range(2)] == [1, 0]
    assert await platform.value("select rowhook.clock_set_back_by() = '0'")


@every_server
async def test_counts_of_many_webhooks_without_deliveries_are_complete(platform: Platform) -> None:
    for _ in range(WEBHOOKS):
        await platform.webhook()
    for status_code in (None, 503):
        counts = await platform.value(
            f"select rowhook.count_by_status(null, null, array[{EVERY}], null, null, null, null,"
            " null, %s, 1000)",
            status_code,
        )
        assert (counts["total"], counts["capped"]) == (0, False)


@every_server
async def test_each_page_continues_the_one_before(platform: Platform) -> None:
    await fill(platform)
    pages: list[int] = []
    place = "'infinity', 0"
    while True:
        page = await platform.value(
            f"select rowhook.scan_ids(null, array[{EVERY}], '-infinity', 'infinity', {place},"
            " null, null, 500, 60000)"
        )
        pages += page
        if len(page) < 500:
            break
        at = await platform.value(
            "select created_at::text from rowhook.outbox where id = %s", page[-1]
        )
        place = f"'{at}', {page[-1]}"
    assert pages == await platform.value(
        "select array(select id from rowhook.outbox order by created_at desc, id desc)"
    )


@every_server
async def test_the_bounded_reads_end_where_they_must(platform: Platform) -> None:
    await fill(platform)
    scan = (
        "select rowhook.scan_ids(null, array['dead'], '-infinity', 'infinity', 'infinity', 0, null,"
        " null, 100, 1000)"
    )
    assert await platform.value(scan) is None
    assert not await platform.value(
        "select (rowhook.scan_counts(null, '-infinity', 'infinity', null, null, 1000)).complete"
    )
    counts = await platform.value("select rowhook.count_since(null, array['held'], '-infinity')")
    ended = await platform.value(
        "select rowhook.count_ended(array['dead', 'skipped'], '-infinity', 'infinity', 100)"
    )
    total = "select count(*) from rowhook.outbox where status = %s"
    assert counts["held"] == await platform.value(total, "held")
    assert ended == {
        "dead": 100,
        "cancelled": await platform.value(total, "cancelled"),
        "skipped": await platform.value(total, "skipped"),
    }


async def blocks(platform: Platform, query: LiteralString, *arguments: object) -> int:
    """Returns the blocks that a query reads."""
    ((plan,),) = [
        row["QUERY PLAN"]
        for row in await platform.rows(
            "explain (analyze, buffers, timing off, format json) " + query, *arguments
        )
    ]
    return int(plan["Plan"]["Shared Hit Blocks"]) + int(plan["Plan"]["Shared Read Blocks"])


DEAD_ENTRIES = 30_000


async def test_a_small_organization_does_not_read_the_dead_entries_of_the_queue(
    platform: Platform, dsn: str
) -> None:
    await insert_deliveries(platform, await platform.webhook(), "pending", DEAD_ENTRIES)
    small = await platform.value(
        "insert into rowhook.organization (name) values ('Small') returning id"
    )
    async with await psycopg.AsyncConnection.connect(dsn) as dump:
        await dump.execute("set transaction isolation level repeatable read")
        await dump.execute("select from rowhook.outbox limit 1")
        await platform.run(
            "update rowhook.outbox set status = 'delivered', ready = false,"
            " next_attempt_at = null, finished_at = now(), token = nextval('rowhook.token')"
        )
        async with platform.db.transaction():
            await platform.value("select rowhook.set_tenant(%s, 'a test')::text", small)
            query: LiteralString = (
                "select rowhook.count_by_status(%s, null, array['pending', 'sending', 'held'],"
                " null, null, null, null, null, null, 1000)"
            )
            # The first call plans its statements.
            await blocks(platform, query, small)
            read = await blocks(platform, query, small)
    assert read < 100


async def test_a_search_by_id_reads_removed_deliveries_once(platform: Platform, dsn: str) -> None:
    await insert_deliveries(platform, await platform.webhook(), "delivered", DEAD_ENTRIES)
    async with await psycopg.AsyncConnection.connect(dsn) as dump:
        await dump.execute("set transaction isolation level repeatable read")
        await dump.execute("select from rowhook.outbox limit 1")
        await platform.run(
            "delete from rowhook.outbox where id < (select max(id) - 100 from rowhook.outbox)"
        )
        once = await blocks(platform, "select min(id) from rowhook.outbox")
        search: LiteralString = "select rowhook.last_id_before(now() - interval '30 days')"
        assert await blocks(platform, search) < 3 * once


EVENTS_OF_EACH = 400


async def fill_feed(platform: Platform) -> None:
    """Creates events of 12 organizations, in 4 transactions; the first 6 have no commits."""
    await platform.run(
        "insert into rowhook.organization (name) select 'Org ' || n from generate_series(1, 11) n"
    )
    for place in range(4):
        await platform.run(
            "insert into rowhook.event (organization_id, type, key, snapshot, occurred_at)"
            " select o.id, case when o.place <= 6 then 'job.succeeded' else 'goal.committed' end,"
            "   'k' || n, '{}', now()"
            " from generate_series(1, %s) n,"
            "   (select id, row_number() over (order by id) as place from rowhook.organization) o"
            # The seventh has only late events, so that fewer than its first are on a page.
            " where o.place <> 7 or %s = 3",
            EVENTS_OF_EACH // 4,
            place,
        )
    await platform.run("vacuum analyze rowhook.event")


@every_server
async def test_the_feed_passes_over_organizations_that_lack_the_type(platform: Platform) -> None:
    await fill_feed(platform)
    feed: LiteralString = (
        "select array(select array[xact, id::text]"
        " from rowhook.event_feed(null, null, null, %s, %s::xid8, %s, 100))"
    )
    async with platform.db.transaction():
        await platform.value("select rowhook.set_tenant(null, 'a test')::text")
        for types in (["goal.committed"], ["job.succeeded", "goal.committed", "webhook.test"]):
            read: list[int] = []
            place, count = ["0", "0"], 100
            while count == 100:
                page = await platform.value(feed, types, *place)
                read += [int(event) for _, event in page]
                place, count = page[-1] if page else place, len(page)
            assert read == await platform.value(
                "select array(select id from rowhook.event where type = any (%s)"
                " order by xact, id)",
                types,
            )
        assert await blocks(platform, feed, ["goal.committed"], "0", 0) < 1_000


@every_server
async def test_counts_without_policies_are_only_of_what_the_caller_sees(
    platform: Platform,
) -> None:
    await fill(platform)
    count = "select rowhook.count_many_since(%s, array['held', 'dead'], '-infinity')"
    other = await platform.value(
        "insert into rowhook.organization (name) values ('Other') returning id"
    )
    for caller, organization in ((None, None), (platform.organization, platform.organization)):
        async with platform.db.transaction():
            await platform.value("select rowhook.set_tenant(%s, 'a test')::text", caller)
            assert await platform.value(count, organization) == {
                status: await platform.value(
                    "select count(*) from rowhook.outbox where status = %s", status
                )
                for status in ("held", "dead")
            }
    for organization in (None, platform.organization):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="that this transaction can"):
            async with platform.db.transaction():
                await platform.value("select rowhook.set_tenant(%s, 'a test')::text", other)
                await platform.value(count, organization)


@every_server
async def test_the_type_of_an_event_that_is_delivered_much_later_is_looked_up(
    platform: Platform,
) -> None:
    await fill(platform)
    events = await platform.value(
        "select array(select id from rowhook.event order by id limit 8)"
        " || array(select id from rowhook.event order by id desc limit 1000)"
    )
    of_type = await platform.value("select rowhook.events_of_type(%s, 'job.failed')", events)
    assert set(of_type) & set(events) == set(
        await platform.value(
            "select array(select id from rowhook.event"
            " where type = 'job.failed' and id = any (%s))",
            events,
        )
    )
    assert min(of_type) < events[8]
