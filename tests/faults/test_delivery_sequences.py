"""A thousand random sequences of operations on deliveries."""

from __future__ import annotations

import asyncio

import pytest

from tests.engine.test_random_sequences import run_sequences
from tests.faults.fault_scenario import Scenario
from tests.support.scoreboard import score
from tests.support.states.delivery_model import TRANSITIONS

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.faults]
SEQUENCES, STEPS = 1_000, 50


async def test_a_thousand_sequences_make_only_documented_transitions(
    scenario: Scenario,
) -> None:
    transitions = await asyncio.to_thread(run_sequences, scenario.dsn, SEQUENCES, STEPS)
    allowed = {(status, new) for status, leads in TRANSITIONS.items() for new in leads}
    score(
        f"{SEQUENCES:,} random sequences of up to {STEPS} steps against a model",
        required="every documented transition, and no other",
        measured=f"{transitions.total():,} transitions, "
        f"{len(transitions)} of {len(allowed)} kinds, no other",
        holds=set(transitions) == allowed,
    )
