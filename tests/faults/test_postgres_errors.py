"""Failures under load: no connection, cancelled or conflicting statements, a migration."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import psycopg
import pytest

from rowhook.migrate import runner
from tests.faults.commit_producer import running_producer
from tests.faults.delivery_history import duplicates
from tests.faults.fault_scenario import Scenario
from tests.support.scoreboard import score

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.faults]
MOST_STARTS = 4
OURS = "from pg_stat_activity where application_name = 'rowhook'"
Trouble = Callable[[Scenario], Awaitable[None]]


async def exhausted_connections(scenario: Scenario) -> None:
    """Occupies all connections after ending those of the workers."""
    await scenario.rows(f"select pg_terminate_backend(pid) {OURS}")
    connections: list[psycopg.AsyncConnection] = []
    try:
        while len(connections) < 500:  # more than the limit
            connections.append(await psycopg.AsyncConnection.connect(scenario.dsn))
    except psycopg.OperationalError:
        await asyncio.sleep(1)
    for connection in connections:
        await connection.close()


async def cancelled_statements(scenario: Scenario) -> None:
    for _ in range(20):
        await scenario.rows(f"select pg_cancel_backend(pid) {OURS} and state = 'active'")
        await asyncio.sleep(0.05)


async def conflicting_statements(scenario: Scenario) -> None:
    """Fails half of all claims and records with a serialization failure."""
    await scenario.run(
        "create function public.conflict() returns trigger language plpgsql as $$ begin"
        " if random() < 0.25 then raise deadlock_detected; end if;"
        " if random() < 0.33 then raise serialization_failure; end if; return null; end $$"
    )
    await scenario.run(
        "create trigger conflict before update on rowhook.outbox"
        " for each statement execute function public.conflict()"
    )
    await asyncio.sleep(2)
    await scenario.run("drop function public.conflict cascade")


async def migrated_again(scenario: Scenario) -> None:
    """Replaces every function, view, trigger and policy, as a deploy does."""
    await scenario.run("delete from rowhook.migration where name !~ '^[0-9]{4}_'")
    await runner.migrate(scenario.dsn)


TROUBLES: dict[str, tuple[Trouble, int]] = {
    "no connection is left, and ours are ended": (exhausted_connections, 3),
    "statements are cancelled": (cancelled_statements, 5),
    "half of all statements end in a deadlock or a 40001": (conflicting_statements, 3),
    "the engine is migrated": (migrated_again, 10),
}


@pytest.mark.parametrize("name", TROUBLES)
async def test_workers_survive_postgresql_errors(scenario: Scenario, name: str) -> None:
    trouble, times = TROUBLES[name]
    producer = await scenario.goal("goal", max_in_flight=40, retry_schedule_s=[0, 0, 0])
    waits = []
    async with scenario.fleet() as fleet:
        async with running_producer(producer, rate_per_s=100):
            start_s = await scenario.first_worker(fleet)
            for _ in range(times):
                await trouble(scenario)
                waits.append(await scenario.receiver.seconds_to_first_arrival(time.monotonic()))
        await scenario.wait_until_drained()
        alive = await fleet.poll(fleet.workers[0]) is None
    history = await scenario.checked_history(producer, allowed_duplicates=40 * times)
    score(
        f"{times} times {name}, at 100/s",
        required=f"0 lost, no restart, first delivery ≤ {MOST_STARTS} starts of a worker after",
        measured=f"0 lost of {len(history.committed):,}, {duplicates(history.arrivals)} duplicates,"
        f" first delivery after {max(waits):.2f} s at most, a start takes {start_s:.2f} s",
        holds=alive and max(waits) <= MOST_STARTS * start_s,
    )
