"""Workers die at every step, by their own hand at a named point or by ours at random."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter

import pytest

from rowhook.worker.failpoints import FAILPOINTS
from tests.faults.fleet import Fleet, Hand
from tests.faults.ground import LEASE_S, Ground
from tests.faults.history import duplicates
from tests.faults.producer import producing
from tests.support.scoreboard import score

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.faults]
KILLS, EVENTS, WORKERS, POINTS, STUCK_LEASES = 200, 20_000, 3, 12, 3
RARE = {"swept", "renewed"}  # passed about once a second; the others with every batch


class Killing:
    """A fleet in which somebody always dies; what was in flight each time."""

    def __init__(self, ground: Ground, fleet: Fleet) -> None:
        self.ground = ground
        self.fleet = fleet
        self.deaths: Counter[str] = Counter()
        self.in_flight: dict[int, int] = {}
        self.stuck: set[int] = set()
        self._random = random.Random(7)  # noqa: S311  # which one dies is no secret
        self._points = list(FAILPOINTS) * 9
        self._ends_at: dict[int, float] = {}

    async def go_on(self) -> None:
        """One step: a death is written down and made good, or somebody is killed."""
        for hand in list(self.fleet.hands):
            if time.monotonic() > self._ends_at.setdefault(hand.pid, self._moment(hand)):
                hand.signal(signal.SIGKILL)
            if await self.fleet.poll(hand) is not None:
                await self._write_down(hand)
        while len(self.fleet.hands) < WORKERS:
            await self._start()
        await self._look_for_stuck()

    def _moment(self, hand: Hand) -> float:
        # Who is to die at a point has time to get there.
        lives_s = self._random.uniform(0.7, 2) if hand.dies_at is None else 20
        return time.monotonic() + lives_s

    async def end(self) -> None:
        """All that still work are killed."""
        for hand in list(self.fleet.hands):
            await self.fleet.kill(hand)
            await self._write_down(hand)

    async def _start(self) -> None:
        # Three of five die at a point of their own choice.
        if self._points and self._random.random() < 0.6:
            point = self._points.pop(self._random.randrange(len(self._points)))
            passes = self._random.randrange(2 if point in RARE else 20)
            await self.fleet.start(dies_at=point, after=passes)
        else:
            await self.fleet.start()

    async def _write_down(self, hand: Hand) -> None:
        self.deaths[hand.killed_at or "at random"] += 1
        rows = await self.ground.rows(
            "select token, id from rowhook.outbox where status = 'sending' and worker_id = %s",
            hand.worker,
        )
        self.in_flight |= {row["token"]: row["id"] for row in rows}

    async def _look_for_stuck(self) -> None:
        rows = await self.ground.rows(
            "select token from rowhook.outbox where status = 'sending'"
            " and leased_until < now() - make_interval(secs => %s)",
            STUCK_LEASES * LEASE_S,
        )
        self.stuck |= {row["token"] for row in rows}


async def test_workers_killed_at_every_step_lose_nothing(ground: Ground) -> None:
    producer = await ground.goal("goal", max_in_flight=100, retry_schedule_s=[0, 0, 0])
    ground.wire.delay_s["/goal"] = 0.01
    async with ground.fleet() as fleet:
        killing = Killing(ground, fleet)
        async with producing(producer, rate_per_s=260, batch=2):
            while killing.deaths.total() < KILLS or len(producer.acknowledged) < EVENTS:
                await killing.go_on()
                await asyncio.sleep(0.05)
        await killing.end()
        await fleet.start()
        await ground.drained()
    again = duplicates(ground.wire.arrivals)
    history = await ground.clean(producer, spare=len(killing.in_flight))
    lost = set(history.committed) - {one.event for one in ground.wire.arrivals}
    points = [killing.deaths[name] for name in FAILPOINTS]
    score(
        f"{killing.deaths.total()} SIGKILLs, 3 workers, {len(history.committed):,} events",
        asked=f"0 lost, duplicates ≤ in flight, none stuck {STUCK_LEASES} leases after its own",
        measured=f"{len(lost)} lost, {again} duplicates of {len(killing.in_flight)} in flight,"
        f" {len(killing.stuck)} stuck, {sum(points)} deaths at {POINTS} points",
        holds=not lost
        and not killing.stuck
        and again <= len(killing.in_flight)
        and len(points) == POINTS
        and all(points),
    )
