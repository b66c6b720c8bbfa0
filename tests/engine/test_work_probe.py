"""An idle worker polls whether a claim would find work, and claims only then."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rowhook.db import connection_pool
from rowhook.db.connection_pool import Pool
from rowhook.worker.claim_pause import WorkProbe, least_interval_s
from tests.support.deadline import DEADLINE_S
from tests.support.sample_platform import Platform
from tests.support.servers import every_server
from tests.support.worker_rig import Rig, until

pytestmark = [pytest.mark.anyio, every_server]


async def due_in_s(platform: Platform) -> Any:
    return await platform.value("select rowhook.work_due_in()")


async def commit_silently(platform: Platform) -> None:
    async with platform.db.transaction():
        await platform.run("set local rowhook.notify = off")
        await platform.commit()


async def test_a_poll_finds_ready_and_sending_deliveries_and_the_next_retry(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal(retry_schedule_s=[0, 3600])
    await platform.outlook(pool)
    assert await due_in_s(platform) is None
    await commit_silently(platform)
    assert await due_in_s(platform) == 0
    (claim,) = await platform.claim(pool)
    assert await due_in_s(platform) == 1
    await platform.record(pool, claim, "http_status", status_code=503)
    assert 2800 < await due_in_s(platform) < 4400


async def test_a_poll_finds_a_chore(platform: Platform, pool: Pool) -> None:
    webhook = await platform.webhook_of_goal()
    await platform.outlook(pool)
    await platform.run("insert into rowhook.chore (webhook_id) values (%s)", webhook)
    assert await due_in_s(platform) == 0


async def test_a_poll_asks_for_a_claim_after_a_rollback_took_the_registration(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    await platform.outlook(pool)
    async with platform.db.transaction(force_rollback=True):
        await platform.commit()
    assert await due_in_s(platform) == 0
    await platform.outlook(pool)
    assert await due_in_s(platform) is None


async def test_a_worker_finds_deliveries_of_which_it_is_not_notified(rig: Rig) -> None:
    await rig.webhook()
    async with rig.worker():
        for count in (1, 2):
            await commit_silently(rig.platform)
            await rig.reaches("delivered", count=count)


async def test_an_idle_worker_polls_without_claiming(rig: Rig) -> None:
    await rig.webhook()
    async with rig.worker() as worker:
        await rig.platform.commit()
        await rig.reaches("delivered")
        turned_at: set[float] = set()

        async def has_turned(times: int) -> bool:
            turned_at.add(worker.tally.queue_turned_at)
            return len(turned_at) > times

        # The registration may have changed since, or a lease been looked for.
        await until(lambda: has_turned(8))
        claims = worker.tally.claims
        turned_at.clear()
        await until(lambda: has_turned(4))
        assert worker.tally.claims == claims


def test_slow_polls_are_rarer_but_never_stop() -> None:
    assert [least_interval_s(took_s) for took_s in (0.0, 0.5, 1.9, 14.0)] == [
        0.0,
        pytest.approx(5.0),
        pytest.approx(19.0),
        20.0,
    ]


class Answers:
    """The answers to the polls of a probe."""

    def __init__(self) -> None:
        self.seconds: list[float | None] = []
        self._changed = asyncio.Event()

    def add(self, due_in_s: float | None) -> None:
        self.seconds.append(due_in_s)
        self._changed.set()

    async def until_failed(self) -> None:
        while 0.0 not in self.seconds:
            self._changed.clear()
            await self._changed.wait()

    async def until_answered(self) -> None:
        while not self.seconds:
            self._changed.clear()
            await self._changed.wait()


async def test_a_probe_reports_a_lost_connection_and_polls_on_another(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    await platform.outlook(pool)
    async with connection_pool.open_pool(dsn, size=2) as polled:
        probe = WorkProbe(polled.keep_connection())
        first = Answers()
        polling = asyncio.create_task(probe.poll(first.until_failed, first.add))
        await asyncio.wait_for(first.until_answered(), DEADLINE_S)
        await platform.run(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where query ~ 'work_due_in' and pid <> pg_backend_pid()"
        )
        assert await polling is False
        assert first.seconds[-1] == 0.0

        async def is_usable() -> bool:
            later = Answers()
            return await probe.poll(later.until_answered, later.add) and later.seconds == [None]

        await until(is_usable)


async def test_a_probe_prepares_its_statement_again_after_it_was_deallocated(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    await platform.outlook(pool)
    async with connection_pool.open_pool(dsn, size=1) as polled:
        kept = polled.keep_connection()
        probe = WorkProbe(kept)
        answers = [Answers() for _ in range(3)]
        assert await probe.poll(answers[0].until_answered, answers[0].add)
        async with kept.connection() as connection:
            await connection.execute("deallocate all")
        # A refused poll asks for a claim.
        assert await probe.poll(answers[1].until_answered, answers[1].add)
        assert await probe.poll(answers[2].until_answered, answers[2].add)
        assert [answer.seconds for answer in answers] == [[None], [0.0], [None]]


async def test_a_cancelled_poll_stays_cancelled_when_its_connection_was_lost(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    await platform.outlook(pool)
    async with connection_pool.open_pool(dsn, size=1) as polled:
        probe = WorkProbe(polled.keep_connection())
        answers = Answers()
        polling = asyncio.create_task(probe.poll(asyncio.Event().wait, answers.add))
        await asyncio.wait_for(answers.until_answered(), DEADLINE_S)
        await platform.run(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where query ~ 'work_due_in' and pid <> pg_backend_pid()"
        )
        await asyncio.wait_for(answers.until_failed(), DEADLINE_S)
        polling.cancel()
        await asyncio.wait({polling}, timeout=DEADLINE_S)
        assert polling.cancelled()


async def test_a_probe_polls_through_a_transaction_pooler(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    await platform.outlook(pool)
    async with connection_pool.open_pool(dsn, size=1, pooler=True) as polled:
        answers, kept = Answers(), polled.keep_connection()
        assert await WorkProbe(kept).poll(answers.until_answered, answers.add)
        assert answers.seconds == [None]
        async with kept.connection() as connection:
            prepared = await connection.execute("select count(*) from pg_prepared_statements")
            assert await prepared.fetchone() == (0,)


@pytest.mark.new_database
async def test_slow_polls_take_at_most_a_tenth_of_the_time(platform: Platform, pool: Pool) -> None:
    await platform.run("create table public.polled (began_at timestamptz, ended_at timestamptz)")
    await platform.run(
        "create or replace function rowhook.work_due_in() returns double precision"
        " language plpgsql as $$ declare began constant timestamptz := clock_timestamp();"
        " begin perform pg_sleep(0.2);"
        " insert into public.polled values (began, clock_timestamp()); return null; end $$"
    )

    async def has_polled(times: int) -> bool:
        return bool(await platform.value("select count(*) from public.polled") >= times)

    kept = pool.keep_connection()
    await WorkProbe(kept).poll(lambda: until(lambda: has_polled(3)), lambda _: None)
    await kept.give_back()
    pauses = "select began_at - lag(began_at) over (order by began_at) as pause from public.polled"
    assert await platform.value(f"select min(pause) >= interval '1.9 s' from ({pauses}) as of")
