"""A page of deliveries reads only what it lists, also under the policies of the API."""

from __future__ import annotations

import pytest

from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, pytest.mark.new_database, every_server]
WEBHOOKS, STORED, SHOWN = 20, 40_000, 50
# For each webhook: its ranges, and a page of each range that has rows.
MOST_BLOCKS = WEBHOOKS * 4 * SHOWN
FETCHED = """
select coalesce(sum(pg_stat_get_xact_blocks_fetched(c.oid)), 0)::int
from pg_class c where c.relnamespace = 'rowhook'::regnamespace
"""
PAGE = """
select from rowhook.delivery_page(
  null, null, array['pending', 'delivered', 'dead'],
  null, null, null, null, null, null, null, null, %s)
"""


@pytest.mark.parametrize("organization", ["of an operator", "own"])
async def test_a_page_reads_only_the_deliveries_that_it_lists(
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
        assert await platform.run(PAGE, SHOWN) == SHOWN
        assert await platform.value(FETCHED) - before <= MOST_BLOCKS
