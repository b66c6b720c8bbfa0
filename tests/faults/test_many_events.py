"""A hundred thousand events, with a tenth of the transactions rolled back."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.delivery_history import violations
from tests.faults.fault_scenario import Scenario
from tests.support.deadline import DEADLINE_S
from tests.support.scoreboard import score

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.faults]
PLAIN, ORDERED = 95_000, 5_000


async def test_a_hundred_thousand_events_leave_no_violation(scenario: Scenario) -> None:
    plain = await scenario.goal("plain", max_in_flight=200)
    ordered = await scenario.goal("ordered", ordered=True)
    async with scenario.fleet(lease_s=20) as fleet:
        await fleet.start()
        await asyncio.gather(
            plain.run(rate_per_s=4_000, batch=50, until=PLAIN),
            ordered.run(rate_per_s=500, batch=1, until=ORDERED),
        )
        await scenario.wait_until_drained(within_s=10 * DEADLINE_S)
    history = await scenario.history(plain, ordered, allowed_duplicates=0, ordered=("/ordered",))
    violation_list = violations(history)
    phantoms = sum("and sent" in violation for violation in violation_list)
    score(
        f"{len(history.committed):,} events,"
        f" {len(history.rolled_back):,} rolled back, {ORDERED:,} ordered",
        required="0 violations, 0 phantom sends",
        measured=f"{len(violation_list)} violations, {phantoms} phantom sends",
        holds=not violation_list,
    )
