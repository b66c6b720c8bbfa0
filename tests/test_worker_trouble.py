from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import LiteralString

import pytest

from tests.receiver import Behaviour, Received, answer
from tests.rig import Rig, until

pytestmark = pytest.mark.anyio
LEASE_S = 1.0
RETRIED = ("40001", "53100", "P0001", "XX000")


@asynccontextmanager
async def refusing(
    rig: Rig, writes: LiteralString, sqlstate: str, *, times: int = 2
) -> AsyncIterator[None]:
    """Such writes, e.g. `update on rowhook.outbox`, are refused until `times` have been."""
    run = rig.platform.run
    await run("create sequence public.refusal")
    await run(
        "create function public.refuse() returns trigger language plpgsql security definer as"
        " $$ begin perform nextval('public.refusal'); raise exception 'refused'"
        " using errcode = tg_argv[0]; end $$"
    )
    await rig.platform.db.execute(
        f"create trigger refuse before {writes}"
        f" for each statement execute function public.refuse('{sqlstate}')".encode()
    )
    yield

    async def refused() -> bool:
        found = await rig.platform.value("select last_value >= %s from public.refusal", times)
        return bool(found)

    await until(refused, what="a refusal")
    await run("drop function public.refuse cascade")


def late(seconds: float) -> Behaviour:
    """Answers after so long."""
    answers = answer()

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await answers(request, writer)

    return behave


async def test_a_worker_that_cannot_say_it_woke_delivers_all_the_same(rig: Rig) -> None:
    await rig.webhook()
    async with rig.worker():

        async def asleep() -> bool:
            return bool(await rig.platform.value("select is_called from rowhook.asleep"))

        await until(asleep, what="a worker asleep")
        await rig.platform.run(
            "create or replace function rowhook.wake_up(register bigint) returns void"
            " language plpgsql as $$ begin raise serialization_failure; end $$"
        )
        for _ in range(3):
            await rig.platform.commit()
        rows = await rig.reaches("delivered", count=3)
    assert [row["attempts"] for row in rows] == [1, 1, 1]


async def test_a_claim_whose_answer_was_lost_is_found_again_by_its_only_worker(rig: Rig) -> None:
    await rig.webhook()
    async with rig.worker(lease_s=LEASE_S) as worker:
        async with rig.platform.db.transaction():
            await rig.platform.commit()
            claimed = await rig.platform.rows(
                "select token from rowhook.claim(%s, 1, 1, null, '1 s') where token is not null",
                worker.id,
            )
        (row,) = await rig.reaches("delivered")
    assert len(claimed) == 1
    assert row["attempts"] == 1


async def test_what_a_worker_holds_past_its_lease_is_not_given_back_by_itself(rig: Rig) -> None:
    await rig.webhook()
    rig.receiver.script("/hook", late(1.5))
    async with rig.worker(lease_s=20):
        await rig.platform.commit()
        await rig.reaches("sending")
        await rig.platform.run("update rowhook.outbox set leased_until = now() - interval '1 s'")
        await rig.reaches("delivered")
    assert len(rig.receiver.requests) == 1


@pytest.mark.parametrize("sqlstate", RETRIED)
async def test_results_that_are_refused_for_a_while_are_kept_and_recorded(
    rig: Rig, sqlstate: str
) -> None:
    await rig.webhook()
    async with rig.worker():
        async with refusing(rig, "insert on rowhook.attempt", sqlstate):
            for _ in range(3):
                await rig.platform.commit()
        rows = await rig.reaches("delivered", count=3)
    assert [row["attempts"] for row in rows] == [1, 1, 1]
    assert len(rig.receiver.requests) == 3


@pytest.mark.parametrize("sqlstate", RETRIED)
async def test_claims_that_are_refused_for_a_while_are_made_again(rig: Rig, sqlstate: str) -> None:
    await rig.webhook()
    async with rig.worker():
        async with refusing(rig, "update on rowhook.outbox", sqlstate):
            await rig.platform.commit()
        await rig.reaches("delivered")


@pytest.mark.parametrize("sqlstate", RETRIED)
async def test_a_heartbeat_that_is_refused_for_a_while_goes_on_to_renew(
    rig: Rig, sqlstate: str
) -> None:
    await rig.webhook()
    rig.receiver.script("/hook", late(2.5 * LEASE_S))
    async with rig.worker(lease_s=LEASE_S), rig.worker(lease_s=LEASE_S):
        async with refusing(rig, "insert on rowhook.worker", sqlstate, times=4):
            pass
        await rig.platform.commit()
        await rig.reaches("delivered")
    assert len(rig.receiver.requests) == 1
