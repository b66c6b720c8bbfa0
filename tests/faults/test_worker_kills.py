"""Workers are killed at every step, at a failpoint or at random."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter

import pytest

from rowhook.worker.failpoints import FAILPOINTS
from tests.faults.commit_producer import running_producer
from tests.faults.delivery_history import duplicates
from tests.faults.fault_scenario import LEASE_S, Scenario
from tests.faults.worker_fleet import Fleet, WorkerProcess
from tests.support.scoreboard import score

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.faults]
KILLS, EVENTS, WORKERS, POINTS, STUCK_LEASES, MOST_STARTS = 200, 20_000, 3, 12, 3, 4
RARE = {"swept", "renewed"}  # passed about once a second; the others with every batch


class Killing:
    """Kills workers continuously; returns the deliveries in flight each time."""

    def __init__(self, scenario: Scenario, fleet: Fleet, *, start_s: float) -> None:
        self.scenario = scenario
        # On a busy machine, no worker may be there for a lease until the next has started.
        self.stuck_s = STUCK_LEASES * LEASE_S + MOST_STARTS * start_s
        self.fleet = fleet
        self.deaths: Counter[str] = Counter()
        self.in_flight: dict[int, int] = {}
        self.stuck: set[int] = set()
        self._random = random.Random(7)  # noqa: S311  # not for cryptography
        self._points = list(FAILPOINTS) * 9
        self._ends_at: dict[int, float] = {}

    async def continue_killing(self) -> None:
        """Replaces workers that died, or kills one."""
        for worker in list(self.fleet.workers):
            if time.monotonic() > self._ends_at.setdefault(worker.pid, self._moment(worker)):
                worker.signal(signal.SIGKILL)
            if await self.fleet.poll(worker) is not None:
                await self._record_death(worker)
        while len(self.fleet.workers) < WORKERS:
            await self._start()
        await self._find_stuck_deliveries()

    def _moment(self, worker: WorkerProcess) -> float:
        # A worker with a failpoint gets time to reach it.
        lives_s = self._random.uniform(0.7, 2) if worker.dies_at is None else 20
        return time.monotonic() + lives_s

    async def end(self) -> None:
        """Kills all remaining workers."""
        for worker in list(self.fleet.workers):
            await self.fleet.kill(worker)
            await self._record_death(worker)

    async def _start(self) -> None:
        # Three of five die at a failpoint.
        if self._points and self._random.random() < 0.6:
            point = self._points.pop(self._random.randrange(len(self._points)))
            passes = self._random.randrange(2 if point in RARE else 20)
            await self.fleet.start(dies_at=point, after=passes)
        else:
            await self.fleet.start()

    async def _record_death(self, worker: WorkerProcess) -> None:
        self.deaths[worker.killed_at or "at random"] += 1
        rows = await self.scenario.rows(
            "select token, id from rowhook.outbox where status = 'sending' and worker_id = %s",
            worker.worker,
        )
        self.in_flight |= {row["token"]: row["id"] for row in rows}

    async def _find_stuck_deliveries(self) -> None:
        rows = await self.scenario.rows(
            "select token from rowhook.outbox where status = 'sending'"
            " and leased_until < now() - make_interval(secs => %s)",
            self.stuck_s,
        )
        self.stuck |= {row["token"] for row in rows}


async def test_workers_killed_at_every_step_lose_nothing(scenario: Scenario) -> None:
    producer = await scenario.goal("goal", max_in_flight=100, retry_schedule_s=[0, 0, 0])
    scenario.receiver.delay_s["/goal"] = 0.01
    async with scenario.fleet() as fleet:
        async with running_producer(producer, rate_per_s=260, batch=2):
            killing = Killing(scenario, fleet, start_s=await scenario.first_worker(fleet))
            while killing.deaths.total() < KILLS or len(producer.acknowledged) < EVENTS:
                await killing.continue_killing()
                await asyncio.sleep(0.05)
        await killing.end()
        await fleet.start()
        await scenario.wait_until_drained()
    again = duplicates(scenario.receiver.arrivals)
    history = await scenario.checked_history(producer, allowed_duplicates=len(killing.in_flight))
    missing = set(history.committed) - {arrival.event for arrival in scenario.receiver.arrivals}
    points = [killing.deaths[name] for name in FAILPOINTS]
    score(
        f"{killing.deaths.total()} SIGKILLs, 3 workers, {len(history.committed):,} events",
        required=f"0 lost, duplicates ≤ in flight, none stuck for {STUCK_LEASES} leases"
        f" and {MOST_STARTS} starts of a worker",
        measured=f"{len(missing)} lost, {again} duplicates of {len(killing.in_flight)} in flight,"
        f" {len(killing.stuck)} stuck, {sum(points)} deaths at {POINTS} points",
        holds=not missing
        and not killing.stuck
        and again <= len(killing.in_flight)
        and len(points) == POINTS
        and all(points),
    )
