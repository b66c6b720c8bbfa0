"""Random sequences of operations on deliveries, compared with a model."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.states.delivery_database import prepare
from tests.support.states.operator_rules import OperatorRules
from tests.support.states.platform_rules import PlatformRules
from tests.support.states.worker_rules import WorkerRules

STEPS = 40


class DeliverySequences(PlatformRules, OperatorRules, WorkerRules):
    """All operations."""


def run_sequences(dsn: str, sequences: int, steps: int) -> Counter[tuple[str, str]]:
    """Returns the transitions made and their counts.

    Fails with the shortest sequence that violates an invariant.
    """
    prepare(dsn)
    transitions: Counter[tuple[str, str]] = Counter()
    machine = type("StatesHere", (DeliverySequences,), {"dsn": dsn, "transitions": transitions})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=sequences,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return transitions


@pytest.mark.usefixtures("anyio_backend")
@pytest.mark.parametrize("sequences", [8, pytest.param(25, marks=pytest.mark.long)])
def test_random_sequences_make_only_documented_transitions(dsn: str, sequences: int) -> None:
    run_sequences(dsn, sequences, STEPS)
