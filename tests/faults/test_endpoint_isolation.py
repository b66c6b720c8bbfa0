"""A dead endpoint with 100,000 waiting deliveries and a hanging one do not affect the others."""

from __future__ import annotations

import asyncio
import time
from statistics import quantiles

import pytest

from tests.faults.commit_producer import Producer
from tests.faults.fault_scenario import Scenario
from tests.faults.recording_receiver import RecordingReceiver
from tests.support.deadline import DEADLINE_S
from tests.support.scoreboard import score

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.faults]
GOOD, RATE, SECONDS = 20, 5, 20
WAITING, CAP = 100_000, 50


async def commit_load(producers: list[Producer], seconds: float) -> None:
    """Commits at a constant rate for some seconds."""
    tasks = [asyncio.create_task(producer.run(rate_per_s=RATE)) for producer in producers]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def p99_ms(receiver: RecordingReceiver, producers: list[Producer], since: float) -> float:
    """Returns the 99th percentile in ms from the acknowledgement of a commit to its arrival."""
    made_at = {
        event: at for producer in producers for event, at in producer.made_at.items() if at >= since
    }
    first: dict[str, float] = {}
    for arrival in receiver.arrivals:
        first.setdefault(arrival.event, arrival.at)
    waits = [1000 * max(first[event] - at, 0) for event, at in made_at.items()]
    return quantiles(waits, n=100)[98]


async def test_dead_and_hanging_endpoints_delay_no_other(scenario: Scenario) -> None:
    good = [await scenario.goal(f"good{number}") for number in range(GOOD)]
    dead = await scenario.goal("dead", max_in_flight=CAP, retry_schedule_s=[0, 1, 1, 3600])
    hanging = await scenario.goal("hanging", timeout_s=5)
    receiver = scenario.receiver
    receiver.status["/dead"] = 503
    receiver.stalling.add("/hanging")
    async with scenario.fleet(lease_s=20) as fleet:
        await fleet.start()
        await commit_load(good, 3)
        quiet_since = time.monotonic()
        await commit_load(good, SECONDS)
        await scenario.wait_until_drained()
        quiet = p99_ms(receiver, good, quiet_since)

        await dead.run(rate_per_s=50_000, batch=5_000, until=WAITING)
        await hanging.run(rate_per_s=1_000, batch=100, until=1_000)
        loud_since = time.monotonic()
        await commit_load(good, SECONDS)
        loud = p99_ms(receiver, good, loud_since)

        refused = sum(arrival.path == "/dead" for arrival in receiver.arrivals)
        receiver.stalling.clear()
        receiver.status["/dead"], receiver.delay_s["/dead"] = 200, 0.01
        receiver.most_open["/dead"] = 0
        back = time.monotonic()
        await scenario.wait_until_drained(within_s=10 * DEADLINE_S)
        drained_s = time.monotonic() - back
        alive = await fleet.poll(fleet.workers[0]) is None
    history = await scenario.checked_history(
        dead, hanging, *good, allowed_duplicates=refused + 1_000_000
    )
    score(
        f"{WAITING:,} wait for a dead endpoint, one hangs, {GOOD} others at {GOOD * RATE}/s",
        required="their p99 ≤ 2 × quiet",
        measured=f"p99 {loud:.1f} ms, quiet {quiet:.1f} ms",
        holds=alive and loud <= 2 * quiet,
    )
    score(
        f"the dead endpoint recovers, {len(history.committed):,} events",
        required=f"in flight ≤ {CAP}, all arrive",
        measured=f"{receiver.most_open['/dead']} in flight at most, all after {drained_s:.0f} s;"
        f" {refused} requests while it was dead",
        holds=receiver.most_open["/dead"] <= CAP,
    )
