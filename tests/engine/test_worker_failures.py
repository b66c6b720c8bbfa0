from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import LiteralString
from uuid import UUID

import pytest

from tests.support.receiver import Behaviour, Received, answer
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio
LEASE_S = 4.0
RETRIED = ("40001", "53100", "P0001", "XX000")


@asynccontextmanager
async def rejecting_writes(
    rig: Rig, writes: LiteralString, sqlstate: str, *, times: int = 2
) -> AsyncIterator[None]:
    """Rejects such writes, e.g. `update on rowhook.outbox`, until `times` have been attempted."""
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

    async def is_exhausted() -> bool:
        is_past = await rig.platform.value("select last_value >= %s from public.refusal", times)
        return bool(is_past)

    await until(is_exhausted, description="a refusal")
    await run("drop function public.refuse cascade")


def answer_after(release: asyncio.Event) -> Behaviour:
    """Responds once the event is set."""
    answers = answer()

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await answers(request, writer)

    return behave


async def wait_for_sweep(rig: Rig, webhook: UUID) -> None:
    """Waits until the worker has checked for lost claims once more."""
    # The check follows the maintenance tasks.
    for _ in range(2):
        await rig.platform.run("insert into rowhook.chore (webhook_id) values (%s)", webhook)

        async def is_renewed() -> bool:
            return await rig.platform.rows("select from rowhook.chore") == []

        await until(is_renewed, description="a sweep")


async def wait_for_renewal(rig: Rig) -> None:
    """Waits until the lease of the delivery in flight has been renewed twice."""
    ends = "select leased_until from rowhook.outbox where status = 'sending'"
    for _ in range(2):
        before = await rig.platform.value(ends)

        async def later(before: datetime = before) -> bool:
            return bool(await rig.platform.value(ends) > before)

        await until(later, description="a renewed lease")


async def test_a_claim_with_a_lost_response_is_recovered_by_the_only_worker(rig: Rig) -> None:
    await rig.webhook()
    async with rig.worker() as worker:
        async with rig.platform.db.transaction():
            await rig.platform.commit()
            claimed = await rig.platform.rows(
                "select token from rowhook.claim_batch(%s, 1, 1, null, '1 s')"
                " where kind = 'delivery'",
                worker.id,
            )
        (row,) = await rig.reaches("delivered")
    assert len(claimed) == 1
    assert row["attempts"] == 1


async def test_deliveries_held_past_their_lease_are_not_released_by_the_worker(rig: Rig) -> None:
    webhook = await rig.webhook()
    release = asyncio.Event()
    rig.receiver.script("/hook", answer_after(release))
    async with rig.worker():
        await rig.platform.commit()
        await rig.receiver.wait_for(1)
        await rig.platform.run("update rowhook.outbox set leased_until = now() - interval '1 s'")
        await wait_for_sweep(rig, webhook.id)
        release.set()
        await rig.reaches("delivered")
    assert len(rig.receiver.requests) == 1


@pytest.mark.parametrize("sqlstate", RETRIED)
async def test_results_that_are_temporarily_rejected_are_kept_and_recorded(
    rig: Rig, sqlstate: str
) -> None:
    await rig.webhook()
    async with rig.worker():
        async with rejecting_writes(rig, "insert on rowhook.attempt_row", sqlstate):
            for _ in range(3):
                await rig.platform.commit()
        rows = await rig.reaches("delivered", count=3)
    assert [row["attempts"] for row in rows] == [1, 1, 1]
    assert len(rig.receiver.requests) == 3


@pytest.mark.parametrize("sqlstate", RETRIED)
async def test_claims_that_are_temporarily_rejected_are_retried(rig: Rig, sqlstate: str) -> None:
    await rig.webhook()
    async with rig.worker():
        async with rejecting_writes(rig, "update on rowhook.outbox", sqlstate):
            await rig.platform.commit()
        await rig.reaches("delivered")


@pytest.mark.parametrize("sqlstate", RETRIED)
async def test_a_heartbeat_that_is_temporarily_rejected_continues_to_renew(
    rig: Rig, sqlstate: str
) -> None:
    await rig.webhook()
    release = asyncio.Event()
    rig.receiver.script("/hook", answer_after(release))
    async with rig.worker(lease_s=LEASE_S), rig.worker(lease_s=LEASE_S):
        async with rejecting_writes(rig, "insert on rowhook.worker", sqlstate, times=4):
            pass
        await rig.platform.commit()
        await rig.receiver.wait_for(1)
        await wait_for_renewal(rig)
        release.set()
        await rig.reaches("delivered")
    assert len(rig.receiver.requests) == 1
