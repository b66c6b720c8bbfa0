"""Steps of workers: claim, record, release, renew, die, sweep."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.support.states.delivery_machine import DeliveryMachine
from tests.support.states.delivery_model import LOST_CLAIMS, OUTCOMES

CODES = st.sampled_from([410, 500, 503])
MEANWHILE = ("cancel", "die", "change")
PICK = st.integers(0, 1_000_000)


class WorkerRules(DeliveryMachine):
    """Claims, current and stale, and their results."""

    @rule(batch=st.sampled_from([64, 64, 3, 1]), sweep=st.booleans())
    def claim(self, batch: int, sweep: bool) -> None:  # noqa: FBT001  # hypothesis names it
        closed = {hook.id: self.database.circuit(hook) == "closed" for hook in self.hooks}
        ready = self.ready()
        if sweep:
            self.pending_sweeps |= {
                delivery.hook.id
                for delivery in self.deliveries.values()
                if delivery.due and delivery.hook.swept_status
            }
        claims = self.database.claim(batch, sweep=sweep)
        assert len({claim.delivery for claim in claims}) == len(claims) <= batch
        assert {claim.delivery for claim in claims} <= ready
        if batch > len(ready):
            expected = {
                delivery_id for delivery_id in ready if closed[self.deliveries[delivery_id].hook.id]
            }
            assert expected <= {claim.delivery for claim in claims}
        for new_claim in claims:
            self.deliveries[new_claim.delivery].start_sending(new_claim.token)
        self.claims += claims

    @rule(outcome=st.sampled_from(OUTCOMES))
    def send(self, outcome: str) -> None:
        """Claims and records immediately, the usual case."""
        self.claim(64, sweep=False)
        self.record([0, 1], outcome, code=500, pause_s=0)

    @rule(between=st.sampled_from(MEANWHILE), outcome=st.sampled_from(OUTCOMES), code=CODES)
    def late(self, between: str, outcome: str, code: int) -> None:
        """Changes a delivery in flight before its result arrives."""
        self.claim(64, sweep=False)
        for delivery in [
            delivery for delivery in self.deliveries.values() if delivery.status == "sending"
        ][:1]:
            if between == "cancel":
                assert self.database.value("select rowhook.cancel(%s)", [delivery.id]) == 1
                delivery.update_status("cancelled")
            elif between == "die":
                self.database.expire_lease(delivery.id)
                delivery.lose_claim()
            elif not delivery.hook.deleted:
                delivery.hook.revision += 1
                self.database.change(delivery.hook)
                self.pending_sweeps.add(delivery.hook.id)
        self.record([0, 1, 2, 3, 4, 5], outcome, code=code, pause_s=0)

    @rule(
        picks=st.lists(PICK, min_size=1, max_size=3),
        outcome=st.sampled_from(OUTCOMES),
        code=CODES,
        pause_s=st.sampled_from([0, 0, 3600]),
    )
    def record_claims(self, picks: list[int], outcome: str, code: int, pause_s: int) -> None:
        self.record(picks, outcome, code=code, pause_s=pause_s)

    def record(self, picks: list[int], outcome: str, *, code: int, pause_s: int) -> None:
        """Records results of current or stale claims in one batch."""
        chosen = {claim.token: claim for pick in picks for claim in self.any_claim(pick)}
        counting = [claim for claim in chosen.values() if self.is_current(claim)]
        status_code = code if outcome == "http_status" else None
        retry_after_s = pause_s if status_code == 503 else 0
        fields = {"outcome": outcome, "status_code": status_code, "retry_after_s": retry_after_s}
        keeps_step = {hook.id: self.database.circuit(hook) != "closed" for hook in self.hooks}
        counted = self.database.record(*((claim, fields) for claim in chosen.values()))
        assert counted == {claim.token for claim in counting}
        settled = [self.deliveries[claim.delivery] for claim in counting]
        for claim, delivery in zip(counting, settled, strict=True):
            delivery.settle(
                claim,
                outcome,
                code=status_code,
                pause_s=retry_after_s,
                keeps_step=keeps_step[delivery.hook.id],
            )
        for delivery in settled:
            if status_code == 410 and delivery.status == "dead":
                delivery.hook.state = "disabled"
                self.pending_sweeps.add(delivery.hook.id)

    @rule(pick=PICK)
    def release(self, pick: int) -> None:
        for claim in self.any_claim(pick):
            sending = self.is_sending(claim)
            self.database.release(claim)
            if sending:
                self.deliveries[claim.delivery].wait()

    @rule(pick=PICK)
    def renew(self, pick: int) -> None:
        for claim in self.any_claim(pick):
            assert self.database.renew(claim) == self.is_sending(claim)

    @rule(pick=PICK, worn=st.booleans())
    def die(self, pick: int, worn: bool) -> None:  # noqa: FBT001  # hypothesis names it
        """Lets a worker die with a delivery; with `worn`, four have died before."""
        sending = [
            delivery for delivery in self.deliveries.values() if delivery.status == "sending"
        ]
        for delivery in sending[pick % max(len(sending), 1) :][:1]:
            if worn:
                delivery.lost = LOST_CLAIMS - 1
                self.database.set_lost_claims(delivery.id, delivery.lost)
            self.database.expire_lease(delivery.id)
            delivery.lose_claim()

    @rule()
    def time_passes(self) -> None:
        self.database.pass_time()
        for delivery in self.deliveries.values():
            delivery.due = delivery.timed

    @rule()
    def sweep(self) -> None:
        while self.database.value("select rowhook.sweep()"):
            pass
        for delivery in self.deliveries.values():
            if delivery.hook.id in self.pending_sweeps:
                delivery.sweep()
        self.pending_sweeps.clear()
