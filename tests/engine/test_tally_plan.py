"""What a count costs whoever comes in through the API: entries of an index, no delivery itself."""

from __future__ import annotations

import pytest

from tests.support.delivery_data import insert_deliveries
from tests.support.world import Platform

pytestmark = [pytest.mark.anyio, pytest.mark.new_database]


async def test_a_tally_reads_no_delivery_under_row_level_security(platform: Platform) -> None:
    await insert_deliveries(platform, await platform.webhook(), "cancelled", 20_000)
    await insert_deliveries(platform, await platform.webhook(), "delivered", 1_000)
    await platform.run("vacuum analyze rowhook.outbox")
    organization = platform.organization
    async with platform.db.transaction():
        await platform.run("select rowhook.set_tenant(%s, 'test')", organization)
        before = await fetched(platform)
        counted = await platform.value(
            "select rowhook.count_by_status(%s, null, '{delivered,dead}', null, null, null, null,"
            " null, null, 10000)->>'total'",
            organization,
        )
        assert (counted, await fetched(platform) - before) == ("1000", 0)


async def test_what_the_api_asks_is_not_compiled_first(platform: Platform) -> None:
    async with platform.db.transaction():
        await platform.run("set local jit = on")
        await platform.run("select rowhook.set_tenant(%s, 'test')", platform.organization)
        assert await platform.value("select current_setting('jit')") == "off"


async def fetched(platform: Platform) -> int:
    """How many rows of the outbox this transaction has read, through an index or without one."""
    found = await platform.value(
        "select pg_stat_get_xact_tuples_fetched('rowhook.outbox'::regclass)"
        " + pg_stat_get_xact_tuples_returned('rowhook.outbox'::regclass)"
    )
    return int(found)
