"""A task that ends unexpectedly stops its process after its work is finished."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, LiteralString

import pytest
from structlog.testing import capture_logs

from rowhook.cli import startup
from rowhook.cli.run_commands import serve_api
from rowhook.db import connection_pool
from rowhook.db.connection_pool import Pool
from rowhook.security.vault import Keyring, generate_master_key
from rowhook.supervisor import Supervisor
from tests.engine.test_worker_failures import wait_for_renewal
from tests.support.calls import Api
from tests.support.commands import CommandResult, running_command, wait_for_exit
from tests.support.receiver import Behaviour, Received, answer
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio
WORKER_TASKS = (
    "queue",
    "recorder",
    "heartbeat",
    "renewal",
    "copy detector",
    "scheduler",
    "listener",
)
KEY = generate_master_key()


def task_named(name: str) -> asyncio.Task[Any]:
    return next(task for task in asyncio.all_tasks() if task.get_name() == name)


def ends_in(log: list[Any]) -> list[tuple[str, str, str]]:
    """Returns the level, name and error class of each task that ended by itself."""
    return [
        (entry["log_level"], entry["task"], entry["error"])
        for entry in log
        if entry["event"] == "task.ended"
    ]


def gated(gate: asyncio.Event) -> Behaviour:
    """Responds once the gate is open."""
    answers = answer()

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await answers(request, writer)

    return behave


@asynccontextmanager
async def no_configuration(rig: Rig) -> AsyncIterator[None]:
    """Prevents workers from loading a webhook configuration, so that its claims are not started."""
    async with await connection_pool.connect(rig.dsn) as other, other.transaction():
        await other.execute("lock table rowhook.webhook_revision in access exclusive mode")
        yield


async def is_set(event: asyncio.Event) -> bool:
    return event.is_set()


@pytest.mark.parametrize("name", WORKER_TASKS)
async def test_a_worker_stops_when_a_task_ends_and_releases_deliveries_it_had_not_started(
    rig: Rig, name: str
) -> None:
    gate = asyncio.Event()
    rig.receiver.script("/sent", gated(gate))
    sent = await rig.webhook("/sent")
    with capture_logs() as log:
        async with rig.idle_worker() as worker:
            working = asyncio.create_task(startup.run_worker(asyncio.Event(), worker))
            await rig.platform.commit()
            await rig.receiver.wait_for(1)
            unsent = await rig.webhook("/unsent")
            async with no_configuration(rig):
                await rig.platform.commit()
                await rig.receiver.wait_for(2)
                await rig.reaches("sending", count=3)
                task_named(name).cancel()
                await until(
                    lambda: is_set(worker.queries.shutdown), description="the worker's stop"
                )
            gate.set()
            assert await working == 1
    assert ends_in(log) == [("error", name, "CancelledError")]
    rows = await rig.platform.deliveries()
    ends = sorted((row["webhook_id"] == unsent.id, row["status"], row["attempts"]) for row in rows)
    assert ends == [(False, "delivered", 1), (False, "delivered", 1), (True, "pending", 0)]
    assert {row["webhook_id"] for row in rows} == {sent.id, unsent.id}
    assert [row["leased_until"] for row in rows] == [None, None, None]
    assert await rig.platform.rows("select from rowhook.worker") == []


@pytest.mark.parametrize("dies_first", [True, False], ids=["it stops", "it was stopped before"])
async def test_a_worker_without_a_heartbeat_renews_its_leases_until_it_has_drained(
    rig: Rig, *, dies_first: bool
) -> None:
    gate = asyncio.Event()
    rig.receiver.script("/hook", gated(gate))
    await rig.webhook()
    async with rig.idle_worker(lease_s=4) as worker:
        stop = asyncio.Event()
        working = asyncio.create_task(startup.run_worker(stop, worker))
        await rig.platform.commit()
        await rig.receiver.wait_for(1)
        if not dies_first:
            stop.set()
            await until(lambda: is_set(worker.queries.shutdown), description="the worker's stop")
        task_named("heartbeat").cancel()
        await until(lambda: is_set(worker.queries.shutdown), description="the worker's stop")
        await wait_for_renewal(rig)
        gate.set()
        # While a worker stops, a second signal cancels tasks, which is not a failure.
        assert await working == (1 if dies_first else 0)
    (row,) = await rig.platform.deliveries()
    assert (row["status"], row["attempts"]) == ("delivered", 1)


async def test_an_interrupted_delivery_stops_the_worker_and_is_sent_by_another(
    rig: Rig,
) -> None:
    await rig.webhook()
    async with rig.idle_worker(lease_s=1) as worker:
        working = asyncio.create_task(startup.run_worker(asyncio.Event(), worker))
        with capture_logs() as log:
            async with no_configuration(rig):
                await rig.platform.commit()
                await rig.reaches("sending")
                task_named("delivery").cancel()
                assert await working == 1
    assert ends_in(log) == [("error", "delivery", "CancelledError")]
    assert [row["status"] for row in await rig.platform.deliveries()] == ["pending"]
    async with rig.worker():
        await rig.reaches("delivered")


async def test_a_failing_recorder_stops_the_worker_and_releases_nothing_that_was_sent(
    rig: Rig,
) -> None:
    await rig.webhook()
    async with rig.platform.db.transaction():
        await rig.platform.run("drop function rowhook.record(json, json, boolean)")
        # A response that the worker of this version cannot parse.
        await rig.platform.run(
            "create function rowhook.record(results json, frames json, all_delivered boolean)"
            " returns table (token bigint[], status text) language sql"
            " as 'select array[1::bigint], null'"
        )
        await rig.platform.run(
            "grant execute on function rowhook.record(json, json, boolean) to rowhook_worker"
        )
    with capture_logs() as log:
        async with rig.idle_worker() as worker:
            working = asyncio.create_task(startup.run_worker(asyncio.Event(), worker))
            await rig.platform.commit()
            assert await working == 1
    assert ends_in(log) == [("error", "recorder", "TypeError")]
    assert [entry["count"] for entry in log if entry["event"] == "results.lost"] == [1]
    (row,) = await rig.platform.deliveries()
    assert row["status"] == "sending"
    assert await rig.platform.rows("select from rowhook.worker") == []


async def test_a_worker_that_is_stopped_reports_no_ended_task(rig: Rig) -> None:
    await rig.webhook()
    stop = asyncio.Event()
    with capture_logs() as log:
        async with rig.idle_worker() as worker:
            working = asyncio.create_task(startup.run_worker(stop, worker))
            await rig.platform.commit()
            await rig.reaches("delivered")
            stop.set()
            assert await working == 0
    assert ends_in(log) == []


@asynccontextmanager
async def working_process(
    dsn: str, pool: Pool, platform: Platform, folder: Path, *command: str
) -> AsyncIterator[Callable[[], Any]]:
    """Runs a command with a worker until it is registered; yields a function that awaits it."""
    await startup.check_keyring(pool, Keyring(KEY))
    async with running_command(
        folder,
        *command,
        DATABASE_URL=dsn,
        ROWHOOK_MASTER_KEYS=KEY,
        ROWHOOK_LEASE_S="2",
        ROWHOOK_ALLOW_NETWORKS="127.0.0.0/8",
    ) as process:

        async def is_registered() -> bool:
            return bool(await platform.rows("select from rowhook.worker"))

        await until(is_registered, description="a worker at work")
        yield lambda: wait_for_exit(process)


# Responses that the worker of this version cannot parse, as of another version.
BROKEN: tuple[tuple[str, str, tuple[LiteralString, ...]], ...] = (
    (
        "heartbeat",
        "AttributeError",
        (
            (
                "create or replace function rowhook.heartbeat(worker uuid, host text, pid int,"
                " in_flight int) returns timestamptz language sql as 'select null::timestamptz'"
            ),
        ),
    ),
    (
        "queue",
        "TypeError",
        (
            (
                # A row of this kind always has a number.
                "do $do$ begin execute regexp_replace("
                "  pg_get_functiondef('rowhook.claim_batch'::regproc), '\\mbegin\\M',"
                "  'begin kind := ''reclaimed''; return next;'); end $do$"
            ),
        ),
    ),
)


@pytest.mark.parametrize("command", [("worker",), ("up", "--port", "0")], ids=["worker", "up"])
@pytest.mark.parametrize(("name", "error", "broken"), BROKEN, ids=["heartbeat", "queue"])
async def test_an_unexpected_error_in_a_worker_exits_1_with_a_traceback(
    dsn: str,
    pool: Pool,
    platform: Platform,
    folder: Path,
    command: tuple[str, ...],
    name: str,
    error: str,
    broken: tuple[LiteralString, ...],
) -> None:
    async with working_process(dsn, pool, platform, folder, *command) as its_end:
        async with platform.db.transaction():
            for statement in broken:
                await platform.run(statement)
            await platform.run("grant execute on all functions in schema rowhook to rowhook_worker")
        result: CommandResult = await its_end()
    assert result.code == 1
    for text in ("task.ended", f"task={name}", f"error={error}", "Traceback"):
        assert text in result.err
    assert await platform.rows("select from rowhook.worker") == []


@pytest.mark.parametrize("name", ["callback listener", "callback poll", "http"])
async def test_an_api_with_an_ended_task_exits_1(api: Api, name: str) -> None:
    stop = asyncio.Event()
    tasks = Supervisor(stop)
    # The API of the fixture has tasks with these names too.
    before = asyncio.all_tasks()
    with capture_logs() as log:
        async with serve_api(api.server_ctx, host="127.0.0.1", port=0, tasks=tasks):
            (task,) = (t for t in asyncio.all_tasks() - before if t.get_name() == name)
            task.cancel()
            await until(lambda: is_set(stop), description="the API's stop")
    assert tasks.exit_code == 1
    assert ends_in(log) == [("error", name, "CancelledError")]
