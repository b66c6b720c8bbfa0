"""Workers that are suspended past their lease, and workers that are stopped."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from tests.faults.commit_producer import running_producer
from tests.faults.delivery_history import duplicates
from tests.faults.fault_scenario import Scenario, wait_until
from tests.support.scoreboard import score

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.faults]
ZOMBIES, AT_ONCE, ZOMBIE_LEASE_S = 50, 5, 1.0
SIGTERMS = 30


async def test_workers_with_expired_leases_write_nothing(scenario: Scenario) -> None:
    producer = await scenario.goal("goal", max_in_flight=200, retry_schedule_s=[0, 0, 0])
    scenario.receiver.delay_s["/goal"] = 0.2
    came_late = 0
    async with scenario.fleet(lease_s=ZOMBIE_LEASE_S) as fleet:
        for _ in range(AT_ONCE + 1):
            await fleet.start()
        async with running_producer(producer, rate_per_s=200, batch=4):
            await scenario.receiver.seconds_to_first_arrival(0)
            for _ in range(ZOMBIES // AT_ONCE):
                asleep = fleet.workers[:AT_ONCE]
                await wait_until(lambda: all_hold(scenario, AT_ONCE), description="busy hands")
                for worker in asleep:
                    worker.signal(signal.SIGSTOP)
                await asyncio.sleep(ZOMBIE_LEASE_S * 1.5)
                taken_since = time.monotonic()
                await scenario.receiver.seconds_to_first_arrival(taken_since)
                for worker in asleep:
                    worker.signal(signal.SIGCONT)
                await asyncio.sleep(0.5)
        await scenario.wait_until_drained()
        came_late = fleet.count_in_logs(b"result.arrived_late")
    (counted,) = await scenario.rows(
        "select count(*) filter (where o.attempts <> t.rows or t.delivered <> 1) as stale"
        " from rowhook.outbox o, lateral (select count(*) as rows,"
        "   count(*) filter (where outcome = 'delivered') as delivered"
        "   from rowhook.attempt a where a.outbox_id = o.id) as t"
    )
    history = await scenario.checked_history(producer, allowed_duplicates=ZOMBIES * 200)
    score(
        f"{ZOMBIES} workers with expired leases, {len(history.committed):,} events",
        required="0 stale writes",
        measured=f"{counted['stale']} stale writes; {came_late} late results rejected,"
        f" {duplicates(history.arrivals)} duplicates",
        holds=counted["stale"] == 0 and came_late > 0,
    )


async def all_hold(scenario: Scenario, workers: int) -> bool:
    rows = await scenario.rows(
        "select count(distinct worker_id) as busy from rowhook.outbox where status = 'sending'"
    )
    return bool(rows[0]["busy"] > workers)


async def test_sigterm_under_load_repeats_nothing(scenario: Scenario) -> None:
    producer = await scenario.goal("goal", max_in_flight=100, retry_schedule_s=[0, 0, 0])
    scenario.receiver.delay_s["/goal"] = 0.03
    codes: list[int] = []
    async with scenario.fleet() as fleet:
        await fleet.start()
        async with running_producer(producer, rate_per_s=200, batch=2):
            while len(codes) < SIGTERMS:
                await fleet.start()
                await scenario.receiver.seconds_to_first_arrival(time.monotonic())
                await asyncio.sleep(0.3)
                oldest = fleet.workers[0]
                oldest.signal(signal.SIGTERM)
                codes.append(await fleet.ended(oldest))
        await scenario.wait_until_drained()
        codes += await fleet.drain()
    history = await scenario.checked_history(producer, allowed_duplicates=0)
    again = duplicates(history.arrivals)
    score(
        f"{len(codes)} SIGTERMs under load, {len(history.committed):,} events",
        required="0 duplicates, exit 0",
        measured=f"{again} duplicates, {sum(code != 0 for code in codes)} other exit codes",
        holds=again == 0 and not any(codes),
    )
