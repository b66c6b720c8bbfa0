"""Random sequences of everything that may happen to a delivery, against a small model."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.states.delivery_database import prepare
from tests.support.states.operator_rules import OperatorRules
from tests.support.states.platform_rules import PlatformRules
from tests.support.states.worker_rules import WorkerRules

SEQUENCES, STEPS = 25, 40


class States(PlatformRules, OperatorRules, WorkerRules):
    """All that may happen."""


def run_sequences(dsn: str, sequences: int, steps: int) -> Counter[tuple[str, str]]:
    """The arrows that were taken, and how often.

    Fails with the shortest sequence that ends where nothing may.
    """
    prepare(dsn)
    transitions: Counter[tuple[str, str]] = Counter()
    machine = type("StatesHere", (States,), {"dsn": dsn, "arrows": transitions})
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
def test_whatever_happens_a_delivery_takes_only_the_arrows_of_the_contract(dsn: str) -> None:
    run_sequences(dsn, SEQUENCES, STEPS)
