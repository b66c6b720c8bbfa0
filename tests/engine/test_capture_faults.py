"""Faults in the statements of the triggers on platform tables: the platform's succeed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from rowhook.db import connection_pool
from tests.engine.test_sources import watch
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, every_server]

RAISE: LiteralString = " language plpgsql as $$ begin raise exception 'injected'; end $$"
# Each is executed by the owner and then rolled back.
FAULTS: dict[str, LiteralString] = {
    "the register is gone": "drop sequence rowhook.asleep cascade",
    "the wake raises": f"create or replace function rowhook.wake() returns void{RAISE}",
    "the question who sleeps raises": (
        "create or replace function rowhook.is_anyone_asleep() returns boolean" + RAISE
    ),
    "the events are gone": "alter table rowhook.event rename to event_gone",
    "the outbox is gone": "alter table rowhook.outbox rename to outbox_gone",
    "nothing can be noted": (
        "alter table rowhook.event rename to event_gone;"
        " alter table rowhook.capture_error rename to capture_error_gone"
    ),
}
LOCKS = ("rowhook.asleep", "rowhook.awake", "rowhook.event", "rowhook.removed_event")


@pytest.fixture
async def sources(platform: Platform) -> Platform:
    """Sources of each kind, all with a webhook; a worker is registered as asleep."""
    await platform.webhook_of_goal()
    await platform.webhook_of_agent()
    await platform.run(
        "create table public.runs (id int primary key, agent text, status text, at timestamptz)"
    )
    await platform.run(
        "create table public.notes (id int primary key, goal text, body json, at timestamptz)"
    )
    await platform.run("create table public.bots (id text primary key, name text)")
    run = {"id": "id", "agent_id": "agent", "status": "status", "completed_at": "at"}
    note = {"id": "id", "goal_id": "goal", "data": "body", "committed_at": "at"}
    await watch(platform, "jobs", "public.runs", run)
    await watch(platform, "commits", "public.notes", note)
    await watch(platform, "agents", "public.bots", {"id": "id", "name": "name"})
    await platform.run("select nextval('rowhook.asleep')")
    return platform


async def write_rows(platform: Platform, number: int) -> None:
    """Executes each kind of statement that a trigger of Rowhook follows or precedes."""
    goal, agent, version = platform.goal, str(platform.agent), platform.version
    await platform.commit()
    await platform.run(
        "update rowhook.commit set committed_at = now() - interval '1 min' where goal_id = %s", goal
    )
    job = await platform.job("succeeded")
    await platform.finish(job, "failed")
    started = await platform.job()
    await platform.run("update rowhook.job set completed_at = now() where id = %s", started)
    await platform.run("update rowhook.job set status = 'succeeded' where id = %s", started)
    await platform.run(
        "insert into rowhook.job (agent_version_id, status) select %s, 'succeeded'"
        " from generate_series(1, 3)",
        version,
    )
    await platform.run("insert into public.runs values (%s, %s, 'succeeded', now())", number, agent)
    await platform.run("update public.runs set at = now() - interval '1 min'")
    await platform.run("update public.runs set status = 'failed'")
    await platform.run("insert into public.notes values (%s, %s, '{}', now())", number, goal)
    await platform.run("update public.notes set at = now() - interval '1 min'")
    await platform.run("insert into public.bots values (%s, 'Bo')", str(number))
    await platform.run("update public.bots set name = 'Bob'")
    await platform.run("delete from public.bots")


async def completions(platform: Platform) -> int:
    """Returns how many completed jobs and commits the platform's tables have."""
    count: int = await platform.value(
        "select (select count(*) from rowhook.commit) + (select count(*) from rowhook.job)"
        " + (select count(*) from public.runs) + (select count(*) from public.notes)"
    )
    return count


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_statement_of_a_trigger_fails_the_platform(sources: Platform, fault: str) -> None:
    async with sources.db.transaction(force_rollback=True):
        await sources.db.execute(FAULTS[fault])
        await write_rows(sources, 1)
        assert await completions(sources) == 8


@asynccontextmanager
async def locked(dsn: str, relation: str) -> AsyncIterator[None]:
    """Holds the strongest lock on a relation, which every statement that uses it waits for."""
    schema, name = relation.split(".")
    kind = sql.SQL("sequence" if name in ("asleep", "awake") else "table")
    async with (
        await connection_pool.connect(dsn) as other,
        other.transaction(force_rollback=True),
    ):
        await other.execute(
            sql.SQL("alter {} {} rename to {}").format(
                kind, sql.Identifier(schema, name), sql.Identifier(f"{name}_renamed")
            )
        )
        yield


@pytest.mark.parametrize("relation", LOCKS)
async def test_a_locked_relation_never_fails_the_platform_and_heal_makes_up_for_it(
    sources: Platform, dsn: str, relation: str
) -> None:
    await sources.run("set statement_timeout = '55s'")
    async with locked(dsn, relation):
        await write_rows(sources, 1)
        assert await completions(sources) == 8
    await sources.run("select rowhook.heal()")
    unsent = await sources.rows("select * from rowhook.capture_gap")
    assert unsent == []
    open_errors = "select count(*) from rowhook.capture_error where healed_at is null"
    assert await sources.value(open_errors) == 0


async def test_a_completion_without_a_time_is_healed_by_its_id_after_a_lock(
    platform: Platform, dsn: str
) -> None:
    await platform.run("create table public.runs (id int primary key, agent text, status text)")
    await watch(
        platform, "jobs", "public.runs", {"id": "id", "agent_id": "agent", "status": "status"}
    )
    await platform.run(
        "insert into public.runs select n, 'a', 'running' from generate_series(1, 3) n"
    )
    await platform.run("update public.runs set status = 'succeeded' where id = 1")
    async with locked(dsn, "rowhook.removed_event"):
        await platform.run("update public.runs set status = 'succeeded' where id = 2")
        await platform.run("update public.runs set status = 'failed' where id in (1, 3)")
    await platform.run("select rowhook.heal()")
    events = await platform.rows("select job_id, type from rowhook.event order by job_id, id")
    assert [(event["job_id"], event["type"]) for event in events] == [
        ("1", "job.succeeded"),
        ("1", "job.failed"),
        ("2", "job.succeeded"),
        ("3", "job.failed"),
    ]


async def test_an_event_whose_wake_failed_is_captured_by_heal(sources: Platform) -> None:
    wake = await sources.value("select pg_get_functiondef('rowhook.wake()'::regprocedure)")
    await sources.run(FAULTS["the wake raises"])
    try:
        commit = await sources.commit()
    finally:
        await sources.db.execute(wake.encode())
    (noted,) = await sources.rows("select * from rowhook.capture_error")
    assert (noted["source_ids"], noted["message"]) == ([commit], "injected")
    assert await sources.value("select rowhook.heal()") == 1
    assert len(await sources.deliveries()) == 1


async def test_a_strict_source_still_fails(sources: Platform) -> None:
    await sources.run("update rowhook.source set strict = true where name = 'commit'")
    async with sources.db.transaction(force_rollback=True):
        await sources.run(FAULTS["the wake raises"])
        with pytest.raises(psycopg.errors.RaiseException, match="injected"):
            async with sources.db.transaction():
                await sources.commit()
