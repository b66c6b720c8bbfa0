"""The capture fails in every known way, and the platform continues."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import psycopg
import pytest

from tests.faults.fault_scenario import Scenario, wait_until
from tests.faults.worker_fleet import Fleet
from tests.support.scoreboard import score

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.faults]
Connection = psycopg.AsyncConnection
Breaking = Callable[[Scenario, Connection], AbstractAsyncContextManager[None]]
GOAL, EACH, HEALS, HEAL_S = "goal", 20, 4, 30
KINDS: dict[str, Breaking] = {}


def kind(name: str) -> Callable[[Breaking], Breaking]:
    def register(breaking: Breaking) -> Breaking:
        KINDS[name] = breaking
        return breaking

    return register


def raising_trigger(table: str, sqlstate: str) -> Breaking:
    """A platform trigger that rejects every row."""

    @asynccontextmanager
    async def breaking(scenario: Scenario, _: Connection) -> AsyncIterator[None]:
        await scenario.run(
            "create or replace function public.refuse() returns trigger language plpgsql as"
            f" $$ begin raise exception 'refused' using errcode = '{sqlstate}'; end $$"
        )
        await scenario.run(
            f"create trigger refuse before insert on rowhook.{table}"
            " for each row execute function public.refuse()"
        )
        try:
            yield
        finally:
            await scenario.run(f"drop trigger refuse on rowhook.{table}")

    return breaking


def between(*statements: str, after: tuple[str, ...]) -> Breaking:
    """Executes statements of the owner before and after the block."""

    @asynccontextmanager
    async def breaking(scenario: Scenario, _: Connection) -> AsyncIterator[None]:
        for statement in statements:
            await scenario.run(statement)
        try:
            yield
        finally:
            for statement in after:
                await scenario.run(statement)

    return breaking


KINDS |= {
    "the outbox refuses": raising_trigger("outbox", "P0001"),
    "the event refuses": raising_trigger("event", "P0001"),
    "a unique violation": raising_trigger("outbox", "23505"),
    "a deadlock": raising_trigger("outbox", "40P01"),
    "a serialization failure": raising_trigger("event", "40001"),
    "out of memory": raising_trigger("event", "53200"),
    "a disk that is full": raising_trigger("outbox", "53100"),
    "a check that fails": between(
        "alter table rowhook.event add constraint broken check (id < 0) not valid",
        after=("alter table rowhook.event drop constraint broken",),
    ),
    "a table that is gone": between(
        "alter table rowhook.link rename to link_gone",
        after=("alter table rowhook.link_gone rename to link",),
    ),
    "the trigger disabled": between(
        "alter table rowhook.commit disable trigger capture_inserted_commit",
        after=("alter table rowhook.commit enable trigger capture_inserted_commit",),
    ),
}


@kind("neither the event nor the error can be written")
@asynccontextmanager
async def no_table_access(scenario: Scenario, connection: Connection) -> AsyncIterator[None]:
    refused = raising_trigger("event", "53100")
    await scenario.run("alter table rowhook.capture_error rename to capture_error_gone")
    try:
        async with refused(scenario, connection):
            yield
    finally:
        await scenario.run("alter table rowhook.capture_error_gone rename to capture_error")


@kind("replica mode")
@asynccontextmanager
async def replica(_: Scenario, connection: Connection) -> AsyncIterator[None]:
    await connection.execute("set session_replication_role = replica")
    yield
    await connection.execute("reset session_replication_role")


@kind("a lock on the outbox")
@asynccontextmanager
async def locked(scenario: Scenario, _: Connection) -> AsyncIterator[None]:
    async with await Connection.connect(scenario.dsn) as other, other.transaction():
        await other.execute("lock table rowhook.outbox in access exclusive mode")
        yield


@kind("an engine that raises")
@asynccontextmanager
async def broken_engine(scenario: Scenario, _: Connection) -> AsyncIterator[None]:
    await scenario.run(
        "create or replace function rowhook.fail_insert() returns trigger language plpgsql as"
        " $$ begin raise division_by_zero; end $$;"
        " create trigger fail before insert on rowhook.event"
        " for each row execute function rowhook.fail_insert()"
    )
    try:
        yield
    finally:
        await scenario.run("drop function rowhook.fail_insert() cascade")


@kind("names of somebody else's first in the search path")
@asynccontextmanager
async def hostile_path(scenario: Scenario, connection: Connection) -> AsyncIterator[None]:
    await scenario.run("create schema if not exists evil")
    await scenario.run(
        "create or replace function evil.now() returns timestamptz language plpgsql as"
        " $$ begin raise exception 'evil'; end $$"
    )
    await connection.execute("set search_path = evil, pg_catalog")
    yield
    await connection.execute("reset search_path")


async def platform_commits(connection: Connection, name: str) -> None:
    """Commits twenty events in each of the supported ways."""
    rows = [f"{name}-{number}" for number in range(EACH)]
    for row in rows[:8]:
        await connection.execute(
            "insert into rowhook.commit (id, goal_id, data)"
            " values (%s, %s, json_build_object('n', %s::text))",
            (row, GOAL, row),
        )
    async with connection.transaction():
        async with connection.transaction(force_rollback=True):
            await _copy(connection, [f"undone-{row}" for row in rows])
        await _copy(connection, rows[8:])


async def _copy(connection: Connection, rows: list[str]) -> None:
    async with connection.cursor().copy(
        "copy rowhook.commit (id, goal_id, data) from stdin"
    ) as into:
        for row in rows:
            await into.write_row((row, GOAL, f'{{"n": "{row}", "zero": "\\u0000"}}'))


async def have_arrived(scenario: Scenario, names: set[str]) -> bool:
    return names <= {arrival.event for arrival in scenario.receiver.arrivals}


async def test_a_failing_capture_never_fails_the_platform_and_loses_nothing(
    scenario: Scenario,
) -> None:
    await scenario.goal(GOAL, max_in_flight=100)
    async with scenario.fleet() as fleet:
        await fleet.start()
        waits = dict(zip(KINDS, await run_together(scenario, fleet), strict=True))
    undone = [
        arrival.event
        for arrival in scenario.receiver.arrivals
        if arrival.event.startswith("undone")
    ]
    slowest = max(waits, key=lambda name: waits[name])
    score(
        f"{len(KINDS)} kinds of capture failure, {EACH * len(KINDS)} commits",
        required=f"every commit succeeds, 0 lost after {HEALS} heals, one each {HEAL_S} s",
        measured=f"0 lost, the last {max(waits.values()):.1f} s after ({slowest}),"
        f" {len(undone)} phantom sends",
        holds=undone == [],
    )


async def run_together(scenario: Scenario, fleet: Fleet) -> list[float]:
    """Runs one failure after another, and waits for all heals concurrently."""
    assert len(fleet.workers) == 1
    healing = []
    for number, breaking in enumerate(KINDS.values()):
        over = asyncio.Event()
        healing.append(
            asyncio.create_task(_break_and_wait_for_heal(scenario, number, breaking, over))
        )
        await asyncio.wait(
            {healing[-1], asyncio.ensure_future(over.wait())}, return_when=asyncio.FIRST_COMPLETED
        )
        if healing[-1].done():
            await healing[-1]
    return await asyncio.gather(*healing)


async def _break_and_wait_for_heal(
    scenario: Scenario, number: int, breaking: Breaking, over: asyncio.Event
) -> float:
    name = f"kind{number}"
    expected = {f"{name}-{row}" for row in range(EACH)}
    async with (
        await Connection.connect(scenario.dsn, autocommit=True) as connection,
        breaking(scenario, connection),
    ):
        await platform_commits(connection, name)
    over.set()
    return await wait_until(
        lambda: have_arrived(scenario, expected),
        within_s=HEALS * HEAL_S,
        description=f"all of {name}",
    )
