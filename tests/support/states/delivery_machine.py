"""The base of a random sequence: the model, the database, and their invariants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.support.states.delivery_database import DeliveryDatabase
from tests.support.states.delivery_model import FINAL, TRANSITIONS, Claim, Delivery, Hook


class DeliveryMachine(RuleBasedStateMachine):
    """Subclasses add rules and set `dsn` and `transitions`, a counter of the
    transitions made."""

    dsn: str
    transitions: Counter[tuple[str, str]]

    def __init__(self) -> None:
        super().__init__()
        self.database = DeliveryDatabase(self.dsn)
        self.hooks: list[Hook] = []
        self.deliveries: dict[int, Delivery] = {}
        self.claims: list[Claim] = []
        self.jobs: list[UUID] = []
        self.missed: list[list[Hook]] = []
        self.pending_sweeps: set[UUID] = set()

    def teardown(self) -> None:
        transitions = self.database.rows("select * from public.arrow")
        self.database.db.close()
        for transition in transitions:
            status, new = transition["old_status"], transition["new_status"]
            assert new == status or new in TRANSITIONS[status], f"{status} -> {new}"
            assert transition["new_attempts"] - transition["old_attempts"] in (0, 1)
            if status != new:
                self.transitions[status, new] += 1

    @invariant()
    def the_outbox_is_what_the_model_says(self) -> None:
        rows = {row["id"]: row for row in self.database.visible()}
        assert set(rows) == set(self.deliveries)
        for id_, row in rows.items():
            assert self.deliveries[id_].visible() == (
                row["status"],
                row["attempts"],
                row["schedule_step"],
                row["lost_claims"],
                row["ready"],
                row["timed"],
                row["finished"],
            )
            assert row["attempts"] == row["rows"] == row["last"]

    @invariant()
    def only_what_was_missed_is_a_gap(self) -> None:
        gaps = self.database.value("select count(*) from rowhook.capture_gap")
        assert gaps == len(self.missed)

    def next_id(self) -> UUID:
        """Returns the same id in every run, since lanes are visited in this order."""
        return UUID(int=len(self.hooks) + 1)

    def linked(self) -> list[Hook]:
        return [hook for hook in self.hooks if not hook.deleted]

    def any_hook(self, pick: int) -> Hook:
        return self.hooks[pick % len(self.hooks)]

    # Preconditions never depend on the database: hypothesis repeats a sequence and must have the
    # same choices. So a step may have nothing to do.
    def pick_delivery(self, pick: int) -> list[Delivery]:
        """Returns a list with one delivery, empty if there is none."""
        deliveries = list(self.deliveries.values())
        return [deliveries[pick % len(deliveries)]] if deliveries else []

    def any_claim(self, pick: int) -> list[Claim]:
        """Returns a list with one claim, the last for 0, since small picks are most frequent."""
        return [self.claims[-1 - pick % len(self.claims)]] if self.claims else []

    def is_current(self, claim: Claim) -> bool:
        """Returns whether a claim is the newest of its delivery."""
        delivery = self.deliveries.get(claim.delivery)
        return delivery is not None and delivery.token == claim.token

    def is_sending(self, claim: Claim) -> bool:
        return self.is_current(claim) and self.deliveries[claim.delivery].status == "sending"

    def expect_deliveries(self, *events: list[Hook]) -> None:
        """Expects new deliveries of exactly these events to these webhooks."""
        new: dict[int, list[UUID]] = {}
        hooks = {hook.id: hook for hook in self.hooks}
        for row in self.database.visible():
            if row["id"] not in self.deliveries:
                new.setdefault(row["event_id"], []).append(row["webhook_id"])
                self.deliveries[row["id"]] = captured_delivery(row, hooks[row["webhook_id"]])
        expected = Counter(frozenset(hook.id for hook in hooks) for hooks in events if hooks)
        assert Counter(map(frozenset, new.values())) == expected
        assert all(len(set(to)) == len(to) for to in new.values())

    def ready(self) -> set[int]:
        """Returns the ids of deliveries that a claim may return now."""
        return {
            delivery.id
            for delivery in self.deliveries.values()
            if delivery.due
            and not delivery.hook.deleted
            and delivery.hook.state == "active"
            and (not delivery.hook.ordered or self._is_first(delivery))
        }

    def _is_first(self, delivery: Delivery) -> bool:
        before = [
            other
            for other in self.deliveries.values()
            if other.hook is delivery.hook and other.status not in FINAL
        ]
        return before[0] is delivery and delivery.hook.id not in self.pending_sweeps

    def check_update(self, *, allowed: bool, update: Callable[[], object]) -> None:
        """Executes a manual update, which succeeds or is rejected with RH001."""
        refused = None
        try:
            update()
        except psycopg.DatabaseError as error:
            refused = error.sqlstate
        assert refused == (None if allowed else "RH001")


def captured_delivery(row: dict[str, Any], hook: Hook) -> Delivery:
    """Returns a delivery as created by the capture."""
    delivery = Delivery(row["id"], row["event_id"], hook, due=hook.schedule[0] == 0)
    if hook.state == "disabled":
        delivery.end("skipped")
    return delivery
