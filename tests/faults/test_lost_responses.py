"""Postgres does what it is told, and the only worker never hears that it did."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.faults.commit_producer import running_producer
from tests.faults.delivery_history import duplicates
from tests.faults.fault_scenario import Scenario
from tests.faults.faulty_proxy import Proxy
from tests.faults.postgres_server import Server
from tests.support.scoreboard import score

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.faults]
TIMES, RATE, DEAF_S = 10, 100, 0.3


async def test_claims_and_records_whose_answers_are_lost_lose_nothing(
    scenario: Scenario, primary: Server
) -> None:
    producer = await scenario.goal("goal", max_in_flight=100, retry_schedule_s=[0, 0, 0])
    scenario.receiver.delay_s["/goal"] = 0.05
    async with Proxy(primary.port) as proxy:
        through = f"postgresql://owner@127.0.0.1:{proxy.port}/postgres"
        async with scenario.fleet(DATABASE_URL=through) as fleet:
            worker = await fleet.start()
            async with running_producer(producer, rate_per_s=RATE):
                await scenario.receiver.seconds_to_first_arrival(0)
                for _ in range(TIMES):
                    await lose_answers(proxy)
                    await scenario.receiver.seconds_to_first_arrival(time.monotonic())
            await scenario.wait_until_drained()
            alive = await fleet.poll(worker) is None
            found_again = fleet.count_in_logs(b"claims.reclaimed")
    history = await scenario.checked_history(producer, allowed_duplicates=0)
    score(
        f"{TIMES} times no answer comes back from Postgres, at {RATE}/s, one worker",
        asked="0 lost, 0 duplicates, no restart",
        measured=f"0 lost of {len(history.committed):,}, {duplicates(history.arrivals)} duplicates;"
        f" {found_again} times claims were found again",
        holds=alive and found_again > 0,
    )


async def lose_answers(proxy: Proxy) -> None:
    """For a moment every statement is carried out and none is answered; then all is broken."""
    proxy.drop_responses()
    await asyncio.sleep(DEAF_S)
    proxy.reset()
