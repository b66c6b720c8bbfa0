"""Steps of operators: manual updates, retry, cancel, replay, retention."""

from __future__ import annotations

from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.support.states.delivery_machine import DeliveryMachine
from tests.support.states.delivery_model import FINAL, WAITING

STATUSES = st.sampled_from(sorted([*FINAL, *WAITING, "sending"]))
REFUSED = st.sampled_from(
    [
        "attempts = attempts + 1",
        "ready = not ready",
        "schedule_step = schedule_step + 1",
        "event_id = 0",
    ]
)
PICK = st.integers(0, 1_000_000)


class OperatorRules(DeliveryMachine):
    """Updates of the outbox and functions that update it."""

    @rule(pick=PICK, expected=STATUSES)
    def update_status(self, pick: int, expected: str) -> None:
        update = "update rowhook.outbox set status = %s where id = %s"
        for delivery in self.pick_delivery(pick):
            self.check_update(
                allowed=delivery.update_status(expected),
                update=partial(self.database.run, update, expected, delivery.id),
            )

    @rule(pick=PICK, change=REFUSED)
    def forbidden_update(self, pick: int, change: str) -> None:
        update = f"update rowhook.outbox set status = 'pending', {change} where id = %s"
        for delivery in self.pick_delivery(pick):
            self.check_update(allowed=False, update=partial(self.database.run, update, delivery.id))

    @rule(picks=st.lists(PICK, max_size=4), name=st.sampled_from(["retry", "cancel"]))
    def call_function(self, picks: list[int], name: str) -> None:
        chosen = {delivery.id: delivery for pick in picks for delivery in self.pick_delivery(pick)}
        fitting = FINAL | WAITING if name == "retry" else WAITING | {"sending"}
        moved = [delivery for delivery in chosen.values() if delivery.status in fitting]
        assert self.database.value(f"select rowhook.{name}(%s)", list(chosen)) == len(moved)
        for delivery in moved:
            delivery.update_status("pending" if name == "retry" else "cancelled")

    @rule(pick=PICK, statuses=st.sets(st.sampled_from(sorted([*FINAL, "held"])), min_size=1))
    def replay(self, pick: int, statuses: set[str]) -> None:
        hook = self.any_hook(pick)
        moved = [
            delivery
            for delivery in self.deliveries.values()
            if delivery.hook is hook and delivery.status in statuses
        ]
        query = "select rowhook.replay(%s, '-infinity', 'infinity', %s)"
        assert self.database.value(query, hook.id, sorted(statuses)) == len(moved)
        for delivery in moved:
            delivery.update_status("pending")

    @rule(pick=PICK)
    def retain(self, pick: int) -> None:
        """Backdates a finished delivery beyond the retention age and removes it."""
        ended = [delivery for delivery in self.deliveries.values() if delivery.status in FINAL]
        for delivery in ended[pick % max(len(ended), 1) :][:1]:
            self.database.age(delivery.id, delivery.event)
            assert self.database.value("select rowhook.retain()") >= 1
            del self.deliveries[delivery.id]
