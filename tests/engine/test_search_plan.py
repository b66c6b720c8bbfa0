"""A text search reads a bounded part of many deliveries, also under the policies of the API."""

from __future__ import annotations

import pytest

from tests.engine.test_list_plan import FETCHED
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, pytest.mark.new_database, every_server]
WEBHOOKS, STORED, SEARCHED = 4, 40_000, 200
# For each delivery searched: its rows in outbox and event, each by an index; and the ranges.
MOST_BLOCKS = SEARCHED * 40
SEARCH = """
select (rowhook.search_deliveries(
  null, null, array['pending', 'delivered', 'dead'], null, null, null, null, null, null, null, null,
  'nothing', 50, %s, 1000000000) ->> 'searched')::int
"""
# For three look-ups; the tables have a thousand blocks.
MOST_FOR_IDS = 500
WITH_ID = "select json_array_length(rowhook.deliveries_with_id(null, %s, 50))"


@pytest.mark.parametrize("organization", ["of an operator", "own"])
async def test_a_search_without_a_match_reads_only_what_it_may(
    platform: Platform, organization: str
) -> None:
    webhooks = [await platform.webhook() for _ in range(WEBHOOKS)]
    await platform.run(
        "with made as ("
        "   insert into rowhook.event (organization_id, type, key, snapshot, occurred_at)"
        "   select %s, 'job.succeeded', n, '{}', now() from generate_series(1, %s) n returning id)"
        " insert into rowhook.outbox (event_id, organization_id, webhook_id, status, ready,"
        "   next_attempt_at, finished_at)"
        " select id, %s, ids[1 + mod(id, %s)], 'delivered', false, null, now()"
        " from made, (select %s::uuid[] as ids) as o",
        platform.organization,
        STORED,
        platform.organization,
        WEBHOOKS,
        webhooks,
    )
    await platform.run("analyze rowhook.outbox, rowhook.event")
    async with platform.db.transaction():
        before = await platform.value(FETCHED)
        entered = None if organization == "of an operator" else platform.organization
        await platform.value("select rowhook.set_tenant(%s, 'a test')::text", entered)
        assert await platform.value(SEARCH, SEARCHED) == SEARCHED
        searched = await platform.value(FETCHED)
        assert searched - before <= MOST_BLOCKS
        for text, found in (("17", 1), ("nothing", 0), ("-1", 0)):
            assert await platform.value(WITH_ID, text) == found
        assert await platform.value(FETCHED) - searched <= MOST_FOR_IDS
