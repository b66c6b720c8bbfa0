"""A page of deliveries reads only rows that it lists, also under the policies of the API."""

from __future__ import annotations

import pytest

from tests.support.delivery_data import BLOCKS_READ, insert_events
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, pytest.mark.new_database, every_server]
WEBHOOKS, STORED, LISTED = 20, 40_000, 50
# For each webhook: its ranges, and a page of each range that has rows.
MOST_BLOCKS = WEBHOOKS * 4 * LISTED
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
    await insert_events(platform, webhooks, STORED)
    async with platform.db.transaction():
        before = await platform.value(BLOCKS_READ)
        entered = None if organization == "of an operator" else platform.organization
        await platform.value("select rowhook.set_tenant(%s, 'a test')::text", entered)
        assert await platform.run(PAGE, LISTED) == LISTED
        assert await platform.value(BLOCKS_READ) - before <= MOST_BLOCKS
