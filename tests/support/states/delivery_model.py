"""A model of a delivery without a database: its transitions and counters, as in states.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

FINAL = frozenset({"delivered", "dead", "cancelled", "skipped"})
WAITING = frozenset({"pending", "held"})
TRANSITIONS = {
    "pending": {"sending", "cancelled", "skipped"},
    "sending": {"delivered", "pending", "held", "dead", "skipped", "cancelled"},
    "held": {"sending", "pending", "cancelled", "skipped"},
    **{status: {"pending"} for status in FINAL},
}
MANUAL_SOURCES = {
    "pending": {*FINAL, *WAITING},
    "cancelled": {"pending", "sending", "held"},
}
HELD_OUTCOMES = frozenset({"config_rejected", "render_failed", "schema_failed"})
OUTCOMES = ("delivered", "skipped", "timeout", "http_status", *sorted(HELD_OUTCOMES))
LOST_CLAIMS = 5


@dataclass(slots=True)
class Hook:
    """A webhook. `schedule` is in seconds."""

    id: UUID
    schedule: list[int]
    ordered: bool
    state: str = "active"
    revision: int = 1
    secrets: int = 1
    deleted: bool = False

    @property
    def swept_status(self) -> str | None:
        """The status of a waiting delivery after a sweep; None if it may be sent."""
        if self.deleted:
            return "cancelled"
        return "skipped" if self.state == "disabled" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim of a worker, which may be stale."""

    delivery: int
    token: int
    revision: int
    secrets: int


@dataclass(slots=True)
class Delivery:
    """A row of the outbox. `due`: claimable now; `timed`: it has a next attempt."""

    id: int
    event: int
    hook: Hook
    status: str = "pending"
    attempts: int = 0
    step: int = 0
    lost: int = 0
    due: bool = True
    timed: bool = True
    token: int | None = None

    def visible(self) -> tuple[Any, ...]:
        """Returns the columns that a reader of the outbox sees."""
        return (
            self.status,
            self.attempts,
            self.step,
            self.lost,
            self.due,
            self.timed,
            self.status in FINAL,
        )

    def end(self, status: str) -> None:
        self.status, self.due, self.timed = status, False, False

    def wait(self, *, fresh: bool = False) -> None:
        """Becomes pending and due now."""
        self.status, self.due, self.timed, self.token = "pending", True, True, None
        if fresh:
            self.step = 0

    def start_sending(self, token: int) -> None:
        self.status, self.due, self.timed, self.token = "sending", False, False, token

    def lose_claim(self) -> None:
        """Handles the death of its worker."""
        self.lost += 1
        self.wait()
        if self.lost == LOST_CLAIMS:
            self.end("dead")

    def update_status(self, expected: str) -> bool:
        """Updates the status manually; returns False if this must be rejected."""
        if self.status not in MANUAL_SOURCES.get(expected, ()):
            return expected == self.status
        if expected == "cancelled":
            self.end("cancelled")
        else:
            self.lost = 0
            self.wait(fresh=self.status != "pending")
        return True

    def sweep(self) -> None:
        """Handles a changed, disabled or deleted webhook."""
        if self.hook.swept_status is None and self.status == "held":
            self.wait(fresh=True)
        elif self.hook.swept_status is not None and self.status in WAITING:
            self.end(self.hook.swept_status)
            self.step, self.token = 0, None

    def settle(
        self, claim: Claim, outcome: str, *, code: int | None, pause_s: int, keeps_step: bool
    ) -> None:
        """Records a result with a current token."""
        self.token, self.lost = None, 0
        self.attempts += outcome != "skipped"
        keeps_step = keeps_step and outcome not in HELD_OUTCOMES
        delay = 0 if keeps_step else next(iter(self.hook.schedule[self.step + 1 :]), None)
        next_status = self._next_status(claim, outcome, code=code, exhausted=delay is None)
        if next_status == "fixed":
            self.wait(fresh=True)
            return
        self.step += not keeps_step
        self.end(next_status)
        if next_status in WAITING and delay is not None:
            self.timed, self.due = True, max(delay, pause_s) == 0

    def _next_status(self, claim: Claim, outcome: str, *, code: int | None, exhausted: bool) -> str:
        if self.status == "cancelled":
            return "cancelled"
        if outcome in ("delivered", "skipped"):
            return outcome
        if self.hook.swept_status is not None:
            return self.hook.swept_status
        if outcome in HELD_OUTCOMES:
            newer = self.hook.revision > claim.revision or self.hook.secrets > claim.secrets
            return "fixed" if newer else "held"
        return "dead" if exhausted or code == 410 else "pending"
