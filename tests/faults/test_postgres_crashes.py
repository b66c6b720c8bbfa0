"""PostgreSQL is killed, stopped or loses connections; workers are not restarted."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from tests.faults.commit_producer import Producer, running_producer
from tests.faults.delivery_history import duplicates
from tests.faults.fault_scenario import Scenario, create_scenario
from tests.faults.postgres_server import Server
from tests.faults.worker_fleet import Fleet
from tests.support.deadline import DEADLINE_S
from tests.support.scoreboard import score

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.faults]
RATE, CLAIMED_AT_MOST, MOST_STARTS = 100, 40, 4


async def still_alive(fleet: Fleet) -> bool:
    return all([await fleet.poll(worker) is None for worker in list(fleet.workers)])


async def lost_and_duplicated(
    scenario: Scenario, producer: Producer, *, deaths: int
) -> tuple[int, int]:
    """Returns how many events were lost, and how many were sent twice."""
    await scenario.wait_until_drained()
    history = await scenario.checked_history(producer, allowed_duplicates=deaths * CLAIMED_AT_MOST)
    missing = set(history.committed) - {arrival.event for arrival in history.arrivals}
    return len(missing), duplicates(history.arrivals)


async def test_crashes_and_restarts_of_postgresql_lose_nothing(
    scenario: Scenario, primary: Server
) -> None:
    producer = await scenario.goal(
        "goal", max_in_flight=CLAIMED_AT_MOST, retry_schedule_s=[0, 0, 0]
    )
    # So that there are always requests in flight.
    scenario.receiver.delay_s["/goal"] = 0.05
    waits: list[float] = []
    kinds = [signal.SIGKILL] * 20 + [signal.SIGQUIT] * 10
    async with scenario.fleet() as fleet:
        async with running_producer(producer, rate_per_s=RATE):
            start_s = await scenario.first_worker(fleet)
            for kind in kinds:
                await asyncio.sleep(0.5)
                primary.stop(kind)
                primary.start()
                accepts = await primary.ready()
                waits.append(await scenario.receiver.seconds_to_first_arrival(accepts))
        missing, again = await lost_and_duplicated(scenario, producer, deaths=len(kinds))
        alive = await still_alive(fleet)
    score(
        f"20 kill -9 and 10 immediate stops of Postgres at {RATE}/s",
        required=f"0 lost, first delivery ≤ {MOST_STARTS} starts of a worker after it accepts",
        measured=f"{missing} lost of {len(producer.acknowledged):,}, {again} duplicates,"
        f" first delivery after {max(waits):.2f} s at most, a start takes {start_s:.2f} s",
        holds=not missing and alive and max(waits) <= MOST_STARTS * start_s,
    )


async def test_terminated_backends_lose_nothing(scenario: Scenario) -> None:
    producer = await scenario.goal(
        "goal", max_in_flight=CLAIMED_AT_MOST, retry_schedule_s=[0, 0, 0]
    )
    # So that there are always requests in flight.
    scenario.receiver.delay_s["/goal"] = 0.05
    waits: list[float] = []
    ended = 0
    async with scenario.fleet() as fleet:
        async with running_producer(producer, rate_per_s=RATE):
            start_s = await scenario.first_worker(fleet)
            while len(waits) < 50:  # required
                (row,) = await scenario.rows(
                    "select count(pg_terminate_backend(pid)) as ended from pg_stat_activity"
                    " where application_name = 'rowhook'"
                )
                ended += row["ended"]
                waits.append(await scenario.receiver.seconds_to_first_arrival(time.monotonic()))
                await asyncio.sleep(0.1)
        missing, again = await lost_and_duplicated(scenario, producer, deaths=len(waits))
        alive = await still_alive(fleet)
    score(
        f"50 times all backends of Rowhook terminated ({ended}) at {RATE}/s",
        required=f"0 lost, first delivery ≤ {MOST_STARTS} starts of a worker after",
        measured=f"{missing} lost of {len(producer.acknowledged):,}, {again} duplicates,"
        f" first delivery after {max(waits):.2f} s at most, a start takes {start_s:.2f} s",
        holds=not missing and alive and max(waits) <= MOST_STARTS * start_s,
    )


async def attach(standby: Server, primary: Server, scenario: Scenario) -> None:
    """A synchronous standby: a commit is acknowledged when the standby has it."""
    standby.follow(primary)
    standby.start()
    await standby.ready()
    await scenario.run("alter system set synchronous_standby_names = '*'")
    await scenario.run("select pg_reload_conf()")
    async with asyncio.timeout(DEADLINE_S):
        while (await scenario.rows("select sync_state from pg_stat_replication")) != [
            {"sync_state": "sync"}
        ]:
            await asyncio.sleep(0.05)


async def test_failovers_to_a_synchronous_standby_lose_nothing(
    primary: Server, scenario: Scenario
) -> None:
    other = Server(primary.folder.with_name("standby"))
    both = (
        f"postgresql://owner@127.0.0.1:{primary.port},127.0.0.1:{other.port}/postgres"
        "?target_session_attrs=read-write"
    )
    scenario = await create_scenario(both, scenario.folder, scenario.receiver)
    producer = await scenario.goal(
        "goal", max_in_flight=CLAIMED_AT_MOST, retry_schedule_s=[0, 0, 0]
    )
    # So that there are always requests in flight.
    scenario.receiver.delay_s["/goal"] = 0.05
    waits: list[float] = []
    active, standby = primary, other
    try:
        async with scenario.fleet() as fleet:
            async with running_producer(producer, rate_per_s=RATE):
                start_s = await scenario.first_worker(fleet)
                for _ in range(5):
                    await attach(standby, active, scenario)
                    await scenario.receiver.seconds_to_first_arrival(time.monotonic())
                    active.stop(signal.SIGKILL)
                    promoted = await standby.promote()
                    waits.append(await scenario.receiver.seconds_to_first_arrival(promoted))
                    active.remove()
                    active, standby = standby, active
            missing, again = await lost_and_duplicated(scenario, producer, deaths=5)
            alive = await still_alive(fleet)
    finally:
        other.stop()
    score(
        f"5 failovers to a synchronous standby at {RATE}/s",
        required=f"0 lost, no restart, first delivery ≤ {MOST_STARTS} starts of a worker after it",
        measured=f"{missing} lost of {len(producer.acknowledged):,}, {again} duplicates,"
        f" first delivery after {max(waits):.2f} s at most, a start takes {start_s:.2f} s",
        holds=not missing and alive and max(waits) <= MOST_STARTS * start_s,
    )
