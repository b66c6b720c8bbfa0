from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import msgspec
import pytest
from pgqueuer.ports import driver, repository
from structlog.testing import capture_logs

from rowhook.db.connection_pool import Pool
from rowhook.model import DeliveryStatus
from rowhook.worker.in_flight import InFlight
from rowhook.worker.queue import OutboxQueries, PoolDriver, group_by_lane
from rowhook.worker.recorder import Recorder, Result
from tests.support.deadline import DEADLINE_S
from tests.support.sample_platform import Platform
from tests.support.worker_rig import until

pytestmark = pytest.mark.anyio

PORTS = (
    repository.QueueRepositoryPort,
    repository.ScheduleRepositoryPort,
    repository.NotificationPort,
    repository.SchemaManagementPort,
)


def members(port: type) -> list[str]:
    return [name for name in vars(port) if not name.startswith("_")]


@pytest.mark.parametrize(
    ("port", "name"), [(port, name) for port in PORTS for name in members(port)]
)
async def test_the_queue_repository_implements_every_method_of_pgqueuer(
    port: type, name: str
) -> None:
    port_method, own = getattr(port, name), getattr(OutboxQueries, name, None)
    if isinstance(port_method, property):
        # Queries has `driver` and `qbe` as fields.
        assert name in OutboxQueries.__dataclass_fields__
        return
    assert callable(own)
    assert inspect.iscoroutinefunction(own) == inspect.iscoroutinefunction(port_method)
    expected = [parameter.name for parameter in inspect.signature(port_method).parameters.values()]
    own_parameters = [parameter.name for parameter in inspect.signature(own).parameters.values()]
    assert own_parameters[: len(expected)] == expected


@pytest.mark.parametrize("name", members(driver.Driver))
async def test_the_queue_driver_implements_every_method_of_pgqueuer(name: str) -> None:
    port_member, own = getattr(driver.Driver, name), getattr(PoolDriver, name)
    if not isinstance(port_member, property):
        assert (
            inspect.signature(own).parameters.keys()
            == inspect.signature(port_member).parameters.keys()
        )


@asynccontextmanager
async def recording(
    pool: Pool,
    settled: Callable[[Result, DeliveryStatus | None], None],
    dropped: Callable[[int], None] | None = None,
) -> AsyncIterator[Recorder]:
    """A running recorder, closed at the exit."""
    recorder = Recorder(pool, settled, dropped or (lambda _token: None))
    running = asyncio.create_task(recorder.run())
    yield recorder
    await recorder.close(running)


async def test_a_claim_waits_for_free_slots_and_batches_deliveries() -> None:
    in_flight = InFlight(2, max_in_flight=9)
    in_flight.add(1, 11)
    in_flight.add(2, 12)
    waiting = asyncio.ensure_future(in_flight.wait_for_slots(2))
    await asyncio.sleep(0)
    assert not waiting.done()
    in_flight.release_slot(1)
    await asyncio.wait_for(waiting, DEADLINE_S)
    assert in_flight.free_slots >= 1
    assert in_flight.claims == {1: 11, 2: 12}


async def test_a_request_with_a_slow_receiver_releases_its_slot() -> None:
    in_flight = InFlight(1, max_in_flight=2)
    in_flight.add(1, 11)
    await asyncio.wait_for(in_flight.wait_for_slots(1), DEADLINE_S)
    in_flight.add(2, 12)
    assert (in_flight.free_slots, in_flight.sending) == (0, 2)
    in_flight.release_slot(1)
    await asyncio.wait_for(in_flight.wait_for_slots(1), DEADLINE_S)
    in_flight.release_slot(2)
    assert (in_flight.free_slots, in_flight.sending, in_flight.is_quiet) == (1, 0, True)


async def test_requests_with_slow_receivers_are_bounded() -> None:
    in_flight = InFlight(9, max_in_flight=1)
    in_flight.add(1, 11)
    waiting = asyncio.ensure_future(in_flight.wait_for_slots(1))
    await asyncio.sleep(0)
    assert (in_flight.free_slots, waiting.done()) == (0, False)
    in_flight.release_slot(1)
    await asyncio.wait_for(waiting, DEADLINE_S)


async def test_a_stopped_worker_does_not_wait_for_slots() -> None:
    in_flight = InFlight(1, max_in_flight=9)
    in_flight.add(1, 11)
    waiting = asyncio.ensure_future(in_flight.wait_for_slots(1))
    await asyncio.sleep(0)
    in_flight.stop_waiting()
    await asyncio.wait_for(waiting, DEADLINE_S)


async def test_a_claim_of_interleaved_rows_takes_one_share_per_lane(
    platform: Platform, pool: Pool
) -> None:
    lanes = {await platform.webhook_of_goal(), await platform.webhook_of_goal()}
    for _ in range(3):
        await platform.commit()
    shares = [
        [claim.webhook_id for claim in share] for share in group_by_lane(await platform.claim(pool))
    ]
    assert sorted(map(len, shares)) == [3, 3]
    assert [len(set(share)) for share in shares] == [1, 1]
    assert {share[0] for share in shares} == lanes


def result(outbox_id: int, token: int, body: str | None = None, error: str | None = None) -> Result:
    return Result(
        outbox_id=outbox_id,
        token=token,
        revision=1,
        secrets_version=1,
        outcome="delivered",
        started_at=datetime.now(UTC),
        duration_ms=1.0,
        response_body=body,
        error=error,
    )


async def test_results_are_recorded_in_one_batch_and_each_is_notified(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    for _ in range(5):
        await platform.commit()
    claims = await platform.claim(pool)
    notifications: list[tuple[int, bool]] = []
    async with recording(
        pool, lambda claim, status: notifications.append((claim.token, status == "delivered"))
    ) as recorder:
        for claim in claims:
            recorder.add(result(claim.outbox_id, claim.token))
        recorder.add(result(claims[0].outbox_id, 999_999))
    assert sorted(notifications) == sorted(
        [*((claim.token, True) for claim in claims), (999_999, False)]
    )
    assert {row["status"] for row in await platform.deliveries()} == {"delivered"}


NUL, HALF = "a NUL \x00 that no text may hold", "half a \ud83d pair that is not a character"


@pytest.mark.parametrize("text", [NUL, HALF], ids=["refused by Postgres", "not even encodable"])
@pytest.mark.parametrize("place", ["body", "error"])
async def test_a_result_whose_exchange_cannot_be_stored_keeps_its_verdict_and_affects_no_other(
    platform: Platform, pool: Pool, text: str, place: str
) -> None:
    await platform.webhook_of_goal()
    for _ in range(3):
        await platform.commit()
    claim, two, three = await platform.claim(pool)
    with capture_logs() as log:
        async with recording(pool, lambda _one, _counted: None) as recorder:
            recorder.add(result(claim.outbox_id, claim.token, body="before"))
            recorder.add(result(two.outbox_id, two.token, **{place: text}))
            recorder.add(result(three.outbox_id, three.token, body="after"))
    assert {row["status"] for row in await platform.deliveries()} == {"delivered"}
    rows = await platform.rows("select response_body from rowhook.attempt order by outbox_id")
    assert [row["response_body"] for row in rows] == ["before", None, "after"]
    (errors,) = (entry for entry in log if entry["log_level"] == "error")
    assert (errors["event"], errors["delivery"]) == (
        "result.recorded_without_exchange",
        two.outbox_id,
    )
    assert text not in str(errors)


async def test_a_result_that_cannot_be_recorded_in_any_form_is_a_lost_claim_and_dead_after_five(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    for _ in range(2):
        await platform.commit()
    good, bad = await platform.claim(pool)
    dropped: list[int] = []
    with capture_logs() as log:
        async with recording(pool, lambda _one, _counted: None, dropped.append) as recorder:
            recorder.add(result(good.outbox_id, good.token))
            for _ in range(5):
                # Not even the verdict can be encoded.
                broken = result(bad.outbox_id, bad.token)
                recorder.add(msgspec.structs.replace(broken, outcome=HALF))
                await until(partial(contains, dropped, bad.token), description="the lost claim")
                (bad,) = await platform.claim(pool) or [bad]
    assert len(set(dropped)) == 5
    rows = {row["id"]: row for row in await platform.deliveries()}
    assert rows[good.outbox_id]["status"] == "delivered"
    row = rows[bad.outbox_id]
    assert (row["status"], row["attempts"], row["lost_claims"]) == ("dead", 0, 5)
    assert "5 claims ended without a result" in row["last_error"]
    entries = [entry for entry in log if entry["event"] == "result.recording_failed"]
    assert [(entry["delivery"], entry["error"]) for entry in entries] == (
        [(bad.outbox_id, "UnicodeEncodeError")] * 5
    )
    assert isinstance(entries[0]["exc_info"], UnicodeEncodeError)


async def contains(tokens: list[int], token: int) -> bool:
    return token in tokens


async def test_a_rejected_result_delays_no_other_and_is_recorded_later(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    for _ in range(3):
        await platform.commit()
    claims = await platform.claim(pool)
    await platform.run(
        "create function public.refuse() returns trigger language plpgsql as"
        " $$ begin raise exception 'refused'; end $$"
    )
    refused = f"when (new.outbox_id = {claims[1].outbox_id}) execute function public.refuse()"
    trigger = "create trigger refuse before insert on rowhook.attempt_row for each row"
    await platform.db.execute(f"{trigger} {refused}".encode())

    async def delivered(count: int) -> bool:
        rows = await platform.deliveries()
        return [row["status"] for row in rows].count("delivered") == count

    async with recording(pool, lambda _one, _counted: None) as recorder:
        for claim in claims:
            recorder.add(result(claim.outbox_id, claim.token))
        await until(lambda: delivered(2), description="the other two")
        await platform.run("drop function public.refuse cascade")
        await until(lambda: delivered(3), description="the one that was refused")


async def test_results_of_a_recorder_that_ended_early_are_recorded_on_close(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    for _ in range(2):
        await platform.commit()
    recorder = Recorder(pool, lambda _one, _counted: None, lambda _token: None)
    running = asyncio.create_task(recorder.run())
    running.cancel()
    for claim in await platform.claim(pool):
        recorder.add(result(claim.outbox_id, claim.token))
    await recorder.close(running)
    assert recorder.lost == 0
    assert {row["status"] for row in await platform.deliveries()} == {"delivered"}


async def test_results_wait_while_postgresql_is_unreachable(platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    (claim,) = await platform.claim(pool)
    async with recording(pool, lambda _one, _counted: None) as recorder:
        await platform.run(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        recorder.add(result(claim.outbox_id, claim.token))
    assert recorder.lost == 0
    assert (await platform.deliveries())[0]["status"] == "delivered"
