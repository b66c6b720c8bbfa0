"""PostgreSQL executes statements whose responses are lost."""

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


async def test_claims_and_records_with_lost_responses_lose_nothing(
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
                    await lose_responses(proxy)
                    await scenario.receiver.seconds_to_first_arrival(time.monotonic())
            await scenario.wait_until_drained()
            alive = await fleet.poll(worker) is None
            found_again = fleet.count_in_logs(b"claims.reclaimed")
    history = await scenario.checked_history(producer, allowed_duplicates=0)
    score(
        f"{TIMES} times lost responses of PostgreSQL, at {RATE}/s, one worker",
        required="0 lost, 0 duplicates, no restart",
        measured=f"0 lost of {len(history.committed):,}, {duplicates(history.arrivals)} duplicates;"
        f" {found_again} times claims were recovered",
        holds=alive and found_again > 0,
    )


async def lose_responses(proxy: Proxy) -> None:
    """Executes statements without responses for a moment, then resets all connections."""
    proxy.drop_responses()
    await asyncio.sleep(DEAF_S)
    proxy.reset()
