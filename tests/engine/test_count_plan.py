"""Counts of the API read index entries and no delivery rows."""

from __future__ import annotations

import pytest

from tests.support.delivery_data import insert_deliveries
from tests.support.sample_platform import Platform

pytestmark = [pytest.mark.anyio, pytest.mark.new_database]


async def test_a_count_reads_no_delivery_rows_under_row_level_security(platform: Platform) -> None:
    await insert_deliveries(platform, await platform.webhook(), "cancelled", 20_000)
    await insert_deliveries(platform, await platform.webhook(), "delivered", 1_000)
    await platform.run("vacuum analyze rowhook.outbox")
    organization = platform.organization
    async with platform.db.transaction():
        await platform.run("select rowhook.set_tenant(%s, 'test')", organization)
        before = await rows_fetched(platform)
        counted = await platform.value(
            "select rowhook.count_by_status(%s, null, '{delivered,dead}', null, null, null, null,"
            " null, null, 10000)->>'total'",
            organization,
        )
        assert (counted, await rows_fetched(platform) - before) == ("1000", 0)


async def test_queries_of_the_api_are_not_compiled_by_jit(platform: Platform) -> None:
    async with platform.db.transaction():
        await platform.run("set local jit = on")
        await platform.run("select rowhook.set_tenant(%s, 'test')", platform.organization)
        assert await platform.value("select current_setting('jit')") == "off"


async def rows_fetched(platform: Platform) -> int:
    """Returns the number of outbox rows read in this transaction."""
    result = await platform.value(
        "select pg_stat_get_xact_tuples_fetched('rowhook.outbox'::regclass)"
        " + pg_stat_get_xact_tuples_returned('rowhook.outbox'::regclass)"
    )
    return int(result)
