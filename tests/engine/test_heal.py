"""Heal checks completions since the settled time, and a slice of the earlier ones."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, Protocol

import psycopg
import pytest

from rowhook.db import connection_pool
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, every_server]
SLICE = 2000


async def heal(platform: Platform) -> int:
    count: int = await platform.value("select rowhook.heal()")
    return count


async def progress(platform: Platform) -> dict[str, Any]:
    (row,) = await platform.rows(
        "select settled_at, looked_again_until::text from rowhook.source where name = 'commit'"
    )
    return row


class Miss(Protocol):
    def __call__(self, count: int = 1, *, ago: timedelta = timedelta(0)) -> Awaitable[None]: ...


@pytest.fixture
def miss(platform: Platform, superuser: psycopg.AsyncConnection) -> Miss:
    """Inserts commits without triggers, with a commit time in the past."""

    async def insert(count: int = 1, *, ago: timedelta = timedelta(0)) -> None:
        async with superuser.transaction():
            await superuser.execute("set local session_replication_role = replica")
            await superuser.execute(
                "insert into rowhook.commit (goal_id, data, committed_at)"
                " select %s, '{}', now() - %s::interval from generate_series(1, %s)",
                (platform.goal, ago, count),
            )

    return insert


async def installed_long_ago(platform: Platform) -> None:
    await platform.run("update rowhook.source set installed_at = now() - interval '9 days'")
    await platform.run("update rowhook.link set created_at = now() - interval '9 days'")


async def settle(platform: Platform) -> None:
    """Heals until everything is settled."""
    for _ in range(3):
        await heal(platform)


async def test_recently_missed_events_are_healed_immediately(
    platform: Platform, miss: Miss
) -> None:
    await platform.webhook_of_goal()
    await settle(platform)
    await miss(3)
    assert await heal(platform) == 3
    assert len(await platform.deliveries()) == 3
    assert await heal(platform) == 0


async def test_the_settled_time_advances_only_after_old_transactions_have_ended(
    platform: Platform, dsn: str
) -> None:
    await settle(platform)
    async with await connection_pool.connect(dsn) as other, other.transaction():
        await other.execute("select pg_current_xact_id()")
        await settle(platform)
        before = (await progress(platform))["settled_at"]
        await settle(platform)
        assert (await progress(platform))["settled_at"] == before
    await settle(platform)
    assert (await progress(platform))["settled_at"] > before


async def test_a_missed_completion_that_commits_late_is_healed(
    platform: Platform, superuser: psycopg.AsyncConnection
) -> None:
    await platform.webhook_of_goal()
    await settle(platform)
    async with superuser.transaction():
        await superuser.execute("set local session_replication_role = replica")
        await superuser.execute(
            "insert into rowhook.commit (goal_id, data) values (%s, '{}')", (platform.goal,)
        )
        await settle(platform)
    assert await heal(platform) == 1


async def test_an_old_missed_event_is_found_in_its_slice(platform: Platform, miss: Miss) -> None:
    await platform.webhook_of_goal()
    await installed_long_ago(platform)
    await settle(platform)
    await miss(ago=timedelta(days=3))
    healed = [await heal(platform) for _ in range(3)]
    assert sum(healed) == 1
    assert len(await platform.deliveries()) == 1


async def test_all_history_is_checked_again_slice_by_slice(platform: Platform, miss: Miss) -> None:
    await installed_long_ago(platform)
    for day in range(3):
        await miss(SLICE, ago=timedelta(days=3 - day, hours=1))
    while await heal(platform):
        pass
    observed = []
    for _ in range(5):
        await heal(platform)
        observed.append((await progress(platform))["looked_again_until"])
    assert len(set(observed)) >= 3


async def since_settled(platform: Platform, count: int) -> None:
    """Inserts commits with events, each with its own time, that heal has not checked."""
    await platform.run(
        "insert into rowhook.commit (goal_id, data, committed_at)"
        " select %s, '{}', s.settled_at - interval '50 s' + n * interval '1 ms'"
        " from generate_series(1, %s) as n, rowhook.source s where s.name = 'commit'",
        platform.goal,
        count,
    )


async def test_a_large_unsettled_range_is_checked_slice_by_slice(
    platform: Platform,
) -> None:
    await installed_long_ago(platform)
    await settle(platform)
    before = (await progress(platform))["settled_at"]
    await since_settled(platform, SLICE * 3)
    unfinished = 0
    while await heal(platform) or await platform.value("select rowhook.is_healing()"):
        assert (await progress(platform))["settled_at"] == before
        unfinished += 1
    assert unfinished == 2  # the third slice is the last
    assert (await progress(platform))["settled_at"] > before


async def test_the_newest_missed_event_does_not_wait_for_older_ones(
    platform: Platform, miss: Miss
) -> None:
    await platform.webhook_of_goal()
    await installed_long_ago(platform)
    await settle(platform)
    await since_settled(platform, SLICE * 3)
    await miss()
    assert await heal(platform) == 1
    assert await platform.value("select rowhook.is_healing()")


async def test_a_missed_event_in_a_large_range_is_found_by_the_pass(
    platform: Platform, miss: Miss
) -> None:
    await platform.webhook_of_goal()
    await installed_long_ago(platform)
    await settle(platform)
    await since_settled(platform, SLICE * 3)
    await miss(ago=timedelta(seconds=47))
    healed = 0
    while (result := await heal(platform)) or await platform.value("select rowhook.is_healing()"):
        healed += result
    assert healed == 1


async def test_more_rows_of_one_time_than_a_slice_do_not_stop_the_pass(
    platform: Platform, miss: Miss
) -> None:
    await installed_long_ago(platform)
    await miss(SLICE * 2, ago=timedelta(days=3))
    while await heal(platform):
        pass
    await settle(platform)
    await miss(ago=timedelta(days=1))
    assert sum([await heal(platform) for _ in range(5)]) == 1


async def test_a_new_link_gets_no_history_and_retention_creates_no_gap(
    platform: Platform, miss: Miss
) -> None:
    await installed_long_ago(platform)
    await miss(2, ago=timedelta(days=1))
    await platform.webhook_of_goal()
    for _ in range(3):
        await heal(platform)
    assert await platform.deliveries() == []
    await platform.run("update rowhook.event set created_at = now() - interval '31 days'")
    await platform.run("update rowhook.commit set committed_at = now() - interval '31 days'")
    await platform.value("select rowhook.retain()")
    assert await platform.value("select count(*) from rowhook.event") == 0
    assert await platform.value("select count(*) from rowhook.capture_gap") == 0
    assert await heal(platform) == 0


async def test_missed_events_are_healed_ten_thousand_at_a_time(
    platform: Platform, miss: Miss
) -> None:
    await miss(10_001)
    assert [await heal(platform), await heal(platform)] == [10_000, 1]


async def test_a_reader_may_not_heal(platform: Platform) -> None:
    await platform.run("set role rowhook_reader")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await heal(platform)
    await platform.run("reset role")
