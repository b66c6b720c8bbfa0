"""A claim registers its worker as asleep, and returns the events that may end its wait."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

import psycopg
import pytest

from rowhook.db import connection_pool, statements
from rowhook.db.connection_pool import Pool
from rowhook.db.engine import Rotation
from tests.support.deadline import DEADLINE_S
from tests.support.sample_platform import Platform
from tests.support.servers import every_server
from tests.support.worker_rig import until

pytestmark = [pytest.mark.anyio, every_server]


async def register(platform: Platform) -> int:
    last: int = await platform.value("select last_value from rowhook.asleep")
    return last


async def is_anyone_asleep(platform: Platform) -> bool:
    return bool(await platform.value("select rowhook.is_anyone_asleep()"))


async def test_an_empty_claim_registers_its_worker_once(platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_goal()
    await platform.outlook(pool)
    first = await register(platform)
    assert await is_anyone_asleep(platform)
    await platform.outlook(pool)
    assert await register(platform) == first
    await platform.commit()
    assert not await is_anyone_asleep(platform)
    assert (await platform.outlook(pool)).has_more is False
    assert await register(platform) == first + 1


async def test_a_claim_reports_a_transaction_that_may_commit_without_a_notification(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    await platform.webhook_of_goal()

    async def is_settled() -> bool:
        await platform.commit()
        return not (await platform.outlook(pool)).is_unsettled

    async with await connection_pool.connect(dsn) as other, other.transaction():
        await platform.commit()
        await other.execute("select pg_current_xact_id()")
        # The open transaction is the newest of all, then it is older than another.
        assert (await platform.outlook(pool)).is_unsettled
        assert not await is_settled()
    # Transactions of other databases count too.
    await until(is_settled)


async def test_a_claim_reports_a_lane_that_another_claim_examines(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    webhook = await platform.webhook_of_goal()
    await platform.commit()
    async with await connection_pool.connect(dsn) as other, other.transaction():
        await other.execute(
            "select pg_advisory_xact_lock(uuid_hash_extended(%s, 72365))", (webhook,)
        )
        assert (await platform.outlook(pool)).is_unsettled
    assert len(await platform.claim(pool)) == 1


async def test_a_claim_reports_a_chore(platform: Platform, pool: Pool) -> None:
    webhook = await platform.webhook_of_goal()
    assert not (await platform.outlook(pool)).has_chores
    await platform.run("insert into rowhook.chore (webhook_id) values (%s)", webhook)
    assert (await platform.outlook(pool)).has_chores


async def test_a_result_whose_retry_is_due_at_once_wakes_a_sleeping_worker(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    await platform.webhook_of_goal(retry_schedule_s=[0, 0, 3600])
    await platform.commit()
    async with await connection_pool.connect(dsn) as ear:
        await ear.execute("listen rowhook")
        for expected in (1, 0):
            (claim,) = await platform.claim(pool)
            await platform.outlook(pool)
            await platform.record(pool, claim, "http_status", status_code=503)
            await ear.execute("notify rowhook, 'end'")
            texts = [note.payload async for note in ear.notifies(timeout=DEADLINE_S, stop_after=1)]
            assert len(texts) == expected + (texts[-1] == "end")


def lanes(*numbers: int) -> list[UUID]:
    return [UUID(int=number) for number in numbers]


@pytest.mark.parametrize(
    ("start", "cursors"),
    [
        (None, [None]),
        (None, [*lanes(5, 9), None]),
        (None, lanes(5, 9, 3)),
        (4, [None]),
        (4, lanes(6, 9, 2, 5)),
        (4, lanes(9, 4)),
        (4, lanes(3, 7)),
    ],
)
async def test_a_rotation_ends_when_every_lane_was_visited(
    start: int | None, cursors: list[UUID | None]
) -> None:
    rotation = Rotation(None if start is None else UUID(int=start))
    for cursor in cursors:
        assert not rotation.is_complete
        rotation.move(cursor)
    assert rotation.is_complete


async def test_a_kept_connection_is_replaced_after_an_error(dsn: str) -> None:
    async with connection_pool.open_pool(dsn, size=2) as pool:
        kept = pool.keep_connection()
        backend = "select pg_backend_pid()"
        (first,) = (await statements.rows_within_deadline(kept, backend))[0]
        assert await statements.rows_within_deadline(kept, backend) == [(first,)]
        with suppress(psycopg.OperationalError):
            await statements.rows_within_deadline(kept, "select pg_terminate_backend(%s)", first)

        async def is_replaced() -> bool:
            with suppress(psycopg.OperationalError):
                return await statements.rows_within_deadline(kept, backend) != [(first,)]
            return False

        await until(is_replaced)
        async with kept.connection() as outer, kept.connection() as inner:
            assert outer is not inner
