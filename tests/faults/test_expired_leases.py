"""A worker that sleeps past its lease and wakes again; workers that are told to stop."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from tests.faults.commit_producer import producing
from tests.faults.delivery_history import duplicates
from tests.faults.fault_scenario import Ground, eventually
from tests.support.scoreboard import score

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.faults]
ZOMBIES, AT_ONCE, ZOMBIE_LEASE_S = 50, 5, 1.0
SIGTERMS = 30


async def test_zombies_write_nothing(ground: Ground) -> None:
    producer = await ground.goal("goal", max_in_flight=200, retry_schedule_s=[0, 0, 0])
    ground.wire.delay_s["/goal"] = 0.2
    came_late = 0
    async with ground.fleet(lease_s=ZOMBIE_LEASE_S) as fleet:
        for _ in range(AT_ONCE + 1):
            await fleet.start()
        async with producing(producer, rate_per_s=200, batch=4):
            await ground.wire.first_after(0)
            for _ in range(ZOMBIES // AT_ONCE):
                asleep = fleet.hands[:AT_ONCE]
                await eventually(lambda: all_hold(ground, AT_ONCE), what="busy hands")
                for hand in asleep:
                    hand.signal(signal.SIGSTOP)
                await asyncio.sleep(ZOMBIE_LEASE_S * 1.5)
                taken_since = time.monotonic()
                await ground.wire.first_after(taken_since)
                for hand in asleep:
                    hand.signal(signal.SIGCONT)
                await asyncio.sleep(0.5)
        await ground.drained()
        came_late = fleet.said(b"result.arrived_late")
    (counted,) = await ground.rows(
        "select count(*) filter (where o.attempts <> t.rows or t.delivered <> 1) as stale"
        " from rowhook.outbox o, lateral (select count(*) as rows,"
        "   count(*) filter (where outcome = 'delivered') as delivered"
        "   from rowhook.attempt a where a.outbox_id = o.id) as t"
    )
    history = await ground.clean(producer, spare=ZOMBIES * 200)
    score(
        f"{ZOMBIES} zombies, {len(history.committed):,} events",
        asked="0 stale writes",
        measured=f"{counted['stale']} stale writes; {came_late} late results refused,"
        f" {duplicates(history.arrivals)} duplicates",
        holds=counted["stale"] == 0 and came_late > 0,
    )


async def all_hold(ground: Ground, workers: int) -> bool:
    rows = await ground.rows(
        "select count(distinct worker_id) as busy from rowhook.outbox where status = 'sending'"
    )
    return bool(rows[0]["busy"] > workers)


async def test_sigterm_under_load_repeats_nothing(ground: Ground) -> None:
    producer = await ground.goal("goal", max_in_flight=100, retry_schedule_s=[0, 0, 0])
    ground.wire.delay_s["/goal"] = 0.03
    codes: list[int] = []
    async with ground.fleet() as fleet:
        await fleet.start()
        async with producing(producer, rate_per_s=200, batch=2):
            while len(codes) < SIGTERMS:
                await fleet.start()
                await ground.wire.first_after(time.monotonic())
                await asyncio.sleep(0.3)
                oldest = fleet.hands[0]
                oldest.signal(signal.SIGTERM)
                codes.append(await fleet.ended(oldest))
        await ground.drained()
        codes += await fleet.drain()
    history = await ground.clean(producer, spare=0)
    again = duplicates(history.arrivals)
    score(
        f"{len(codes)} SIGTERMs under load, {len(history.committed):,} events",
        asked="0 duplicates, exit 0",
        measured=f"{again} duplicates, {sum(code != 0 for code in codes)} other exit codes",
        holds=again == 0 and not any(codes),
    )
