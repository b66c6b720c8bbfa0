from __future__ import annotations

from collections.abc import Awaitable, Callable

import psycopg
import pytest

from rowhook.db import connection_pool, statements
from rowhook.db.connection_pool import Pool
from tests.support.deadline import DEADLINE_S
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, every_server]

FINAL = ["delivered", "dead", "cancelled", "skipped"]


@pytest.fixture
async def create_delivery(platform: Platform, pool: Pool) -> Callable[[str], Awaitable[int]]:
    """Creates a delivery with a status; returns its id. The next call claims a pending one."""
    outcomes = {
        "delivered": "delivered",
        "held": "render_failed",
        "skipped": "skipped",
        "dead": "timeout",
    }

    async def status_update(status: str) -> int:
        if not await platform.value("select exists (select from rowhook.webhook)"):
            await platform.webhook_of_goal(retry_schedule_s=[0])
        await platform.commit()
        delivery: int = await platform.value("select max(id) from rowhook.outbox")
        if status != "pending":
            (claim,) = await platform.claim(pool)
        if status in outcomes:
            await platform.record(pool, claim, outcomes[status], error="why")
        if status == "cancelled":
            await platform.run(
                "update rowhook.outbox set status = 'cancelled' where id = %s", delivery
            )
        reached = await platform.value("select status from rowhook.outbox where id = %s", delivery)
        assert reached == status
        return delivery

    return status_update


@pytest.mark.parametrize("status", [*FINAL, "held", "pending"])
async def test_an_update_to_pending_makes_a_delivery_due_immediately(
    platform: Platform, pool: Pool, create_delivery: Callable[[str], Awaitable[int]], status: str
) -> None:
    delivery = await create_delivery(status)
    before = (await platform.deliveries())[0]["attempts"]
    await platform.run("update rowhook.outbox set status = 'pending' where id = %s", delivery)
    (claim,) = await platform.claim(pool)
    assert (claim.outbox_id, claim.number) == (delivery, before + 1)


@pytest.mark.parametrize("status", ["pending", "sending", "held"])
async def test_an_update_to_cancelled_stops_a_delivery(
    platform: Platform, pool: Pool, create_delivery: Callable[[str], Awaitable[int]], status: str
) -> None:
    await create_delivery(status)
    await platform.run("update rowhook.outbox set status = 'cancelled'")
    assert (await platform.deliveries())[0]["status"] == "cancelled"
    assert await platform.claim(pool) == []


# The last one stays pending, and would be claimed instead of another.
ARROWS = {
    **{final: {final, "pending"} for final in FINAL},
    "held": {"held", "pending", "cancelled"},
    "sending": {"sending", "cancelled"},
    "pending": {"pending", "cancelled"},
}


async def sqlstate(platform: Platform, query: str) -> tuple[str | None, str]:
    """Returns the SQLSTATE, if any, and the message of an update of the outbox."""
    try:
        await platform.db.execute(query.encode())
    except psycopg.DatabaseError as error:
        return error.sqlstate, str(error)
    return None, ""


async def test_every_other_status_change_is_rejected(
    platform: Platform, create_delivery: Callable[[str], Awaitable[int]]
) -> None:
    answers = {}
    for status, allowed in ARROWS.items():
        delivery = await create_delivery(status)
        for forbidden in set(ARROWS) - allowed:
            query = f"update rowhook.outbox set status = '{forbidden}' where id = {delivery}"
            state, message = await sqlstate(platform, query)
            expected = f"A delivery with status {status} cannot be set to {forbidden}."
            answers[f"{status} to {forbidden}"] = (state, expected in message)
    assert len(answers) == 34
    assert answers == dict.fromkeys(answers, ("RH001", True))


async def test_no_other_column_can_be_changed_by_hand(
    platform: Platform, create_delivery: Callable[[str], Awaitable[int]]
) -> None:
    await create_delivery("held")
    changes = (
        "attempts = 7",
        "webhook_id = gen_random_uuid()",
        "next_attempt_at = now()",
        "status = 'pending', attempts = 0",
        "leased_until = now()",
        "ready = not ready",
    )
    answers = {
        change: (await sqlstate(platform, f"update rowhook.outbox set {change}"))[0]
        for change in changes
    }
    assert answers == dict.fromkeys(changes, "RH001")


async def test_a_reprocess_wakes_a_sleeping_worker(
    platform: Platform, pool: Pool, dsn: str, create_delivery: Callable[[str], Awaitable[int]]
) -> None:
    await create_delivery("dead")
    async with await connection_pool.connect(dsn) as ear:
        await ear.execute("listen rowhook")
        await platform.outlook(pool)
        await platform.run("update rowhook.outbox set status = 'pending'")
        assert [note.channel async for note in ear.notifies(timeout=DEADLINE_S, stop_after=1)] == [
            "rowhook"
        ]


async def test_an_operator_may_only_retry_cancel_replay_and_pause(
    platform: Platform, create_delivery: Callable[[str], Awaitable[int]]
) -> None:
    delivery = await create_delivery("dead")
    webhook = await platform.value("select id from rowhook.webhook")
    await platform.run("set role rowhook_operator")
    assert await platform.value("select rowhook.retry(array[%s::bigint])", delivery) == 1
    assert await platform.value("select rowhook.cancel(array[%s::bigint])", delivery) == 1
    replay = "select rowhook.replay(%s, now() - interval '1 h', dry_run => %s)"
    assert await platform.value(replay, webhook, "true") == 1
    assert (await platform.deliveries())[0]["status"] == "cancelled"
    assert await platform.value(replay, webhook, "false") == 1
    assert await platform.value("select rowhook.pause(%s)", webhook)
    assert await platform.value("select rowhook.resume(%s)", webhook)
    for query in (
        "update rowhook.outbox set attempts = 0",
        "select * from rowhook.secret",
        "select * from rowhook.signing_secret",
        "update rowhook.webhook set url = 'http://x'",
        "select * from rowhook.claim_batch(gen_random_uuid(), 1, 1)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await platform.rows(query)
    await platform.run("reset role")


async def test_a_reader_may_only_read_the_views(platform: Platform) -> None:
    await platform.run("set role rowhook_reader")
    for view in ("delivery", "webhook_health", "capture_gap"):
        await platform.db.execute(f"select * from rowhook.{view}".encode())
    for table in ("outbox", "secret", "event", "attempt"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await platform.db.execute(f"select * from rowhook.{table}".encode())
    await platform.run("reset role")


async def test_a_linked_webhook_cannot_be_deleted(platform: Platform) -> None:
    await platform.webhook_of_goal()
    with pytest.raises(psycopg.IntegrityError) as refused:
        await platform.run("delete from rowhook.webhook")
    assert refused.value.sqlstate in {"23503", "23001"}


@pytest.mark.long
async def test_linking_an_agent_sends_no_history_and_neither_does_heal(
    platform: Platform, pool: Pool
) -> None:
    await platform.run(
        "insert into rowhook.job (agent_version_id, status)"
        " select %s, 'succeeded' from generate_series(1, 100000)",
        platform.version,
    )
    await platform.webhook_of_agent()
    assert await statements.value(pool, "select rowhook.heal()") == 0
    assert await platform.deliveries() == []
    await platform.job("succeeded")
    assert len(await platform.deliveries()) == 1


async def test_a_missed_event_is_healed_for_the_links_of_that_time(
    platform: Platform, pool: Pool, superuser: psycopg.AsyncConnection
) -> None:
    await platform.webhook_of_goal()
    await superuser.execute("set session_replication_role = replica")
    commit = await platform.with_connection(superuser).commit()
    gap = await platform.rows("select source, source_id from rowhook.capture_gap")
    assert gap == [{"source": "commit", "source_id": commit}]
    await platform.webhook_of_goal()
    assert await statements.value(pool, "select rowhook.heal()") == 1
    assert len(await platform.deliveries()) == 1


async def test_retention_removes_old_finished_deliveries_and_keeps_waiting_ones(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    for _ in range(3):
        await platform.commit()
    (claim, held, _waiting) = await platform.claim(pool)
    await platform.record(pool, claim, "delivered")
    await platform.record(pool, held, "render_failed")
    await platform.run(
        "update rowhook.outbox set token = token + 1, finished_at = finished_at - interval '40 d'"
    )
    await platform.run("update rowhook.event set created_at = created_at - interval '40 d'")
    await platform.run("update rowhook.commit set committed_at = committed_at - interval '40 d'")
    while await statements.value(pool, "select rowhook.retain()"):
        pass
    assert {row["status"] for row in await platform.deliveries()} == {"held", "sending"}
    assert await platform.value("select count(*) from rowhook.event") == 2
    assert await statements.value(pool, "select rowhook.heal()") == 0
