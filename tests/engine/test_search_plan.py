"""A text search reads a bounded part of many deliveries, also under the policies of the API."""

from __future__ import annotations

import pytest

from tests.support.delivery_data import BLOCKS_READ, insert_events
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
async def test_a_search_without_a_match_reads_only_rows_that_it_may_see(
    platform: Platform, organization: str
) -> None:
    webhooks = [await platform.webhook() for _ in range(WEBHOOKS)]
    await insert_events(platform, webhooks, STORED)
    async with platform.db.transaction():
        before = await platform.value(BLOCKS_READ)
        entered = None if organization == "of an operator" else platform.organization
        await platform.value("select rowhook.set_tenant(%s, 'a test')::text", entered)
        assert await platform.value(SEARCH, SEARCHED) == SEARCHED
        searched = await platform.value(BLOCKS_READ)
        assert searched - before <= MOST_BLOCKS
        for text, matches in (("17", 1), ("nothing", 0), ("-1", 0)):
            assert await platform.value(WITH_ID, text) == matches
        assert await platform.value(BLOCKS_READ) - searched <= MOST_FOR_IDS
