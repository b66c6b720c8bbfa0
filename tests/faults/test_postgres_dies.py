"""Postgres is killed, stopped, loses connections; nothing of ours is started again."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from tests.faults.fleet import Fleet
from tests.faults.ground import Ground, found
from tests.faults.history import duplicates
from tests.faults.producer import Producer, producing
from tests.faults.server import Server
from tests.support.deadline import DEADLINE_S
from tests.support.scoreboard import score

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.faults]
RATE, CLAIMED_AT_MOST, MOST_STARTS = 100, 40, 4


async def still_alive(fleet: Fleet) -> bool:
    return all([await fleet.poll(hand) is None for hand in list(fleet.hands)])


async def lost(ground: Ground, producer: Producer, *, deaths: int) -> tuple[int, int]:
    """How many events were lost, and how many were sent twice."""
    await ground.drained()
    history = await ground.clean(producer, spare=deaths * CLAIMED_AT_MOST)
    missing = set(history.committed) - {one.event for one in history.arrivals}
    return len(missing), duplicates(history.arrivals)


async def test_crashes_and_stops_of_postgres_lose_nothing(ground: Ground, primary: Server) -> None:
    producer = await ground.goal("goal", max_in_flight=CLAIMED_AT_MOST, retry_schedule_s=[0, 0, 0])
    # So that there is always something on the wire.
    ground.wire.delay_s["/goal"] = 0.05
    waits: list[float] = []
    kinds = [signal.SIGKILL] * 20 + [signal.SIGQUIT] * 10
    async with ground.fleet() as fleet:
        async with producing(producer, rate_per_s=RATE):
            start_s = await ground.first_worker(fleet)
            for kind in kinds:
                await asyncio.sleep(0.5)
                primary.stop(kind)
                primary.start()
                accepts = await primary.ready()
                waits.append(await ground.wire.first_after(accepts))
        missing, again = await lost(ground, producer, deaths=len(kinds))
        alive = await still_alive(fleet)
    score(
        f"20 kill -9 and 10 immediate stops of Postgres at {RATE}/s",
        asked=f"0 lost, first delivery ≤ {MOST_STARTS} starts of a worker after it accepts",
        measured=f"{missing} lost of {len(producer.acknowledged):,}, {again} duplicates,"
        f" first delivery after {max(waits):.2f} s at most, a start takes {start_s:.2f} s",
        holds=not missing and alive and max(waits) <= MOST_STARTS * start_s,
    )


async def test_terminated_backends_lose_nothing(ground: Ground) -> None:
    producer = await ground.goal("goal", max_in_flight=CLAIMED_AT_MOST, retry_schedule_s=[0, 0, 0])
    # So that there is always something on the wire.
    ground.wire.delay_s["/goal"] = 0.05
    waits: list[float] = []
    ended = 0
    async with ground.fleet() as fleet:
        async with producing(producer, rate_per_s=RATE):
            start_s = await ground.first_worker(fleet)
            while len(waits) < 50:  # what was asked
                (row,) = await ground.rows(
                    "select count(pg_terminate_backend(pid)) as ended from pg_stat_activity"
                    " where application_name = 'rowhook'"
                )
                ended += row["ended"]
                waits.append(await ground.wire.first_after(time.monotonic()))
                await asyncio.sleep(0.1)
        missing, again = await lost(ground, producer, deaths=len(waits))
        alive = await still_alive(fleet)
    score(
        f"50 times all backends of ours terminated ({ended}) at {RATE}/s",
        asked=f"0 lost, first delivery ≤ {MOST_STARTS} starts of a worker after",
        measured=f"{missing} lost of {len(producer.acknowledged):,}, {again} duplicates,"
        f" first delivery after {max(waits):.2f} s at most, a start takes {start_s:.2f} s",
        holds=not missing and alive and max(waits) <= MOST_STARTS * start_s,
    )


async def attach(standby: Server, primary: Server, ground: Ground) -> None:
    """A synchronous standby: a commit is acknowledged once it is there too."""
    standby.follow(primary)
    standby.start()
    await standby.ready()
    await ground.run("alter system set synchronous_standby_names = '*'")
    await ground.run("select pg_reload_conf()")
    async with asyncio.timeout(DEADLINE_S):
        while (await ground.rows("select sync_state from pg_stat_replication")) != [
            {"sync_state": "sync"}
        ]:
            await asyncio.sleep(0.05)


async def test_failovers_to_a_synchronous_standby_lose_nothing(
    primary: Server, ground: Ground
) -> None:
    other = Server(primary.folder.with_name("standby"))
    both = (
        f"postgresql://owner@127.0.0.1:{primary.port},127.0.0.1:{other.port}/postgres"
        "?target_session_attrs=read-write"
    )
    ground = await found(both, ground.folder, ground.wire)
    producer = await ground.goal("goal", max_in_flight=CLAIMED_AT_MOST, retry_schedule_s=[0, 0, 0])
    # So that there is always something on the wire.
    ground.wire.delay_s["/goal"] = 0.05
    waits: list[float] = []
    active, standby = primary, other
    try:
        async with ground.fleet() as fleet:
            async with producing(producer, rate_per_s=RATE):
                start_s = await ground.first_worker(fleet)
                for _ in range(5):
                    await attach(standby, active, ground)
                    await ground.wire.first_after(time.monotonic())
                    active.stop(signal.SIGKILL)
                    promoted = await standby.promote()
                    waits.append(await ground.wire.first_after(promoted))
                    active.remove()
                    active, standby = standby, active
            missing, again = await lost(ground, producer, deaths=5)
            alive = await still_alive(fleet)
    finally:
        other.stop()
    score(
        f"5 failovers to a synchronous standby at {RATE}/s",
        asked=f"0 lost, no restart, first delivery ≤ {MOST_STARTS} starts of a worker after it",
        measured=f"{missing} lost of {len(producer.acknowledged):,}, {again} duplicates,"
        f" first delivery after {max(waits):.2f} s at most, a start takes {start_s:.2f} s",
        holds=not missing and alive and max(waits) <= MOST_STARTS * start_s,
    )
