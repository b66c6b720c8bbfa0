"""What workers do: claim, record, give back, renew, die, sweep."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.support.states.delivery_machine import Sequence
from tests.support.states.delivery_model import LOST_CLAIMS, OUTCOMES

CODES = st.sampled_from([410, 500, 503])
MEANWHILE = ("cancel", "die", "change")
PICK = st.integers(0, 1_000_000)


class ByWorker(Sequence):
    """Claims, current and stale ones, and what comes of them."""

    @rule(batch=st.sampled_from([64, 64, 3, 1]), sweep=st.booleans())
    def claim(self, batch: int, sweep: bool) -> None:  # noqa: FBT001  # hypothesis names it
        closed = {hook.id: self.world.circuit(hook) == "closed" for hook in self.hooks}
        ready = self.ready()
        if sweep:
            self.chores |= {
                one.hook.id for one in self.deliveries.values() if one.due and one.hook.closed
            }
        given = self.world.claim(batch, sweep=sweep)
        assert len({one.delivery for one in given}) == len(given) <= batch
        assert {one.delivery for one in given} <= ready
        if batch > len(ready):
            wanted = {one for one in ready if closed[self.deliveries[one].hook.id]}
            assert wanted <= {one.delivery for one in given}
        for one in given:
            self.deliveries[one.delivery].claimed(one.token)
        self.claims += given

    @rule(outcome=st.sampled_from(OUTCOMES))
    def send(self, outcome: str) -> None:
        """The usual way: claimed, and recorded at once."""
        self.claim(64, sweep=False)
        self.record([0, 1], outcome, code=500, pause_s=0)

    @rule(between=st.sampled_from(MEANWHILE), outcome=st.sampled_from(OUTCOMES), code=CODES)
    def late(self, between: str, outcome: str, code: int) -> None:
        """Something happens to what is being sent, before its result comes."""
        self.claim(64, sweep=False)
        for one in [one for one in self.deliveries.values() if one.status == "sending"][:1]:
            if between == "cancel":
                assert self.world.value("select rowhook.cancel(%s)", [one.id]) == 1
                one.by_hand("cancelled")
            elif between == "die":
                self.world.reap(one.id)
                one.lose()
            elif not one.hook.gone:
                one.hook.revision += 1
                self.world.change(one.hook)
                self.chores.add(one.hook.id)
        self.record([0, 1, 2, 3, 4, 5], outcome, code=code, pause_s=0)

    @rule(
        picks=st.lists(PICK, min_size=1, max_size=3),
        outcome=st.sampled_from(OUTCOMES),
        code=CODES,
        pause_s=st.sampled_from([0, 0, 3600]),
    )
    def land(self, picks: list[int], outcome: str, code: int, pause_s: int) -> None:
        self.record(picks, outcome, code=code, pause_s=pause_s)

    def record(self, picks: list[int], outcome: str, *, code: int, pause_s: int) -> None:
        """Results of claims, current or stale, in one batch."""
        chosen = {claim.token: claim for pick in picks for claim in self.any_claim(pick)}
        counting = [claim for claim in chosen.values() if self.holds(claim)]
        status_code = code if outcome == "http_status" else None
        asked_s = pause_s if status_code == 503 else 0
        fields = {"outcome": outcome, "status_code": status_code, "retry_after_s": asked_s}
        spared = {hook.id: self.world.circuit(hook) != "closed" for hook in self.hooks}
        counted = self.world.record(*((claim, fields) for claim in chosen.values()))
        assert counted == {claim.token for claim in counting}
        settled = [self.deliveries[claim.delivery] for claim in counting]
        for claim, one in zip(counting, settled, strict=True):
            one.settle(
                claim, outcome, code=status_code, pause_s=asked_s, spared=spared[one.hook.id]
            )
        for one in settled:
            if status_code == 410 and one.status == "dead":
                one.hook.state = "disabled"
                self.chores.add(one.hook.id)

    @rule(pick=PICK)
    def release(self, pick: int) -> None:
        for claim in self.any_claim(pick):
            sending = self.is_sending(claim)
            self.world.release(claim)
            if sending:
                self.deliveries[claim.delivery].wait()

    @rule(pick=PICK)
    def renew(self, pick: int) -> None:
        for claim in self.any_claim(pick):
            assert self.world.renew(claim) == self.is_sending(claim)

    @rule(pick=PICK, worn=st.booleans())
    def die(self, pick: int, worn: bool) -> None:  # noqa: FBT001  # hypothesis names it
        """A worker dies with one that it holds; four did so before it, if that is `worn`."""
        sending = [one for one in self.deliveries.values() if one.status == "sending"]
        for one in sending[pick % max(len(sending), 1) :][:1]:
            if worn:
                one.lost = LOST_CLAIMS - 1
                self.world.wear(one.id, one.lost)
            self.world.reap(one.id)
            one.lose()

    @rule()
    def time_passes(self) -> None:
        self.world.pass_time()
        for one in self.deliveries.values():
            one.due = one.timed

    @rule()
    def sweep(self) -> None:
        while self.world.value("select rowhook.sweep()"):
            pass
        for one in self.deliveries.values():
            if one.hook.id in self.chores:
                one.sweep()
        self.chores.clear()
