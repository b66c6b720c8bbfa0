"""Retention reads events by age, and none that are too young."""

from __future__ import annotations

import pytest

from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, every_server]
EVENTS, FEW_BLOCKS = 10_000, 50
# Of the event table and its indexes, in the current transaction.
FETCHED = """
select sum(pg_stat_get_xact_blocks_fetched(c.oid))::int
from pg_class c left join pg_index i on i.indexrelid = c.oid
where coalesce(i.indrelid, c.oid) = 'rowhook.event'::regclass
"""


async def retain(platform: Platform, *, begins: bool = True) -> tuple[int, int, bool]:
    """Returns the removed events of a batch, the fetched blocks, and whether it is the last."""
    async with platform.db.transaction():
        before = await platform.value(FETCHED) or 0
        (batch,) = await platform.rows(
            "select removed, is_finished from rowhook.retain_batch('events', begins => %s)", begins
        )
        return batch["removed"], await platform.value(FETCHED) - before, batch["is_finished"]


async def events(platform: Platform, count: int, age: str) -> None:
    await platform.run(
        "insert into rowhook.event (organization_id, type, key, occurred_at, created_at)"
        " select %s, 'webhook.test', gen_random_uuid()::text, now(), now() - %s::interval"
        " from generate_series(1, %s)",
        platform.organization,
        age,
        count,
    )


async def test_a_run_reads_no_events_that_are_too_young(platform: Platform) -> None:
    await events(platform, EVENTS, "29 days")
    # The settled position is set from the second run on.
    for _ in range(3):
        removed, blocks, is_finished = await retain(platform)
    assert (removed, is_finished) == (0, True)
    assert blocks <= FEW_BLOCKS


async def test_a_run_removes_events_up_to_the_first_that_is_too_young(platform: Platform) -> None:
    await events(platform, 6_000, "31 days")
    await events(platform, EVENTS, "29 days")
    total, is_finished = 0, True
    while is_finished:
        removed, _, is_finished = await retain(platform)
        total += removed
    while not is_finished:
        removed, _, is_finished = await retain(platform, begins=False)
        total += removed
    assert total == 6_000
    assert await platform.value("select count(*) from rowhook.event") == EVENTS
