"""Steps of the platform: completions, webhooks and changes."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.support.states.delivery_machine import DeliveryMachine
from tests.support.states.delivery_model import Hook

SCHEDULES = st.sampled_from([[0], [0, 0, 600], [0, 600, 0, 0], [600, 0]])
JOB_STATUSES = st.sampled_from(["running", "succeeded", "failed"])
MOST_HOOKS = 5
PICK = st.integers(0, 1_000_000)


class PlatformRules(DeliveryMachine):
    """Creates jobs and commits; saves, changes, pauses, disables and deletes webhooks."""

    @initialize(schedule=SCHEDULES)
    def begin(self, schedule: list[int]) -> None:
        self._keep(Hook(self.next_id(), schedule, ordered=False))
        self._keep(Hook(self.next_id(), [0, 0, 600], ordered=False))
        for _ in range(3):
            self.commit()

    @rule(schedule=SCHEDULES, ordered=st.booleans())
    @precondition(lambda self: len(self.hooks) < MOST_HOOKS)
    def save(self, schedule: list[int], ordered: bool) -> None:  # noqa: FBT001  # hypothesis names it
        self._keep(Hook(self.next_id(), schedule, ordered=ordered))

    def _keep(self, hook: Hook) -> None:
        self.database.hook(hook)
        self.hooks.append(hook)

    @rule()
    def commit(self) -> None:
        self.database.commit()
        self.expect_deliveries(self.linked())

    @rule(status=JOB_STATUSES)
    def job(self, status: str) -> None:
        self.jobs.append(self.database.job(status))
        self.expect_deliveries(self.linked() if status != "running" else [])

    @rule(pick=PICK, status=JOB_STATUSES)
    @precondition(lambda self: self.jobs)
    def change_job(self, pick: int, status: str) -> None:
        job = self.jobs[pick % len(self.jobs)]
        old = self.database.value("select status from rowhook.job where id = %s", job)
        self.database.run("update rowhook.job set status = %s where id = %s", status, job)
        fires = status not in ("running", old)
        self.expect_deliveries(self.linked() if fires else [])

    @rule(linked_after=st.booleans())
    def miss_capture(self, linked_after: bool) -> None:  # noqa: FBT001  # hypothesis names it
        """Inserts a commit without triggers; a webhook linked later gets no event of it."""
        self.database.run("set session_replication_role = replica")
        self.database.commit()
        self.database.run("set session_replication_role = origin")
        self.missed.append(self.linked())
        if linked_after and len(self.hooks) < MOST_HOOKS:
            self.save([0], ordered=False)

    @rule()
    def heal(self) -> None:
        assert self.database.value("select rowhook.heal()") == len(self.missed)
        still = set(map(id, self.linked()))
        self.expect_deliveries(
            *([hook for hook in then if id(hook) in still] for then in self.missed)
        )
        self.missed = []

    @rule(pick=PICK, state=st.sampled_from(["active", "active", "paused", "disabled"]))
    def set_state(self, pick: int, state: str) -> None:
        hook = self.any_hook(pick)
        if state == "disabled":
            moves = not hook.deleted and hook.state != "disabled"
            self.database.value("select rowhook.disable(%s, 'enough')::text", hook.id)
        else:
            query = "select rowhook.set_state(%s, %s)"
            moves = self.database.value(query, hook.id, state)
            assert moves == (
                not hook.deleted and hook.state != state and "active" in (state, hook.state)
            )
        if moves:
            hook.state = state
            self.pending_sweeps.add(hook.id)

    @rule(pick=PICK)
    @precondition(lambda self: len(self.linked()) > 1)
    def delete(self, pick: int) -> None:
        hook = self.any_hook(pick)
        with self.database.db.transaction():
            self.database.run("delete from rowhook.link where webhook_id = %s", hook.id)
            assert self.database.value("select rowhook.delete_webhook(%s)", hook.id) != hook.deleted
        if not hook.deleted:
            hook.deleted = True
            self.pending_sweeps.add(hook.id)

    @rule(pick=PICK, secret=st.booleans())
    def change(self, pick: int, secret: bool) -> None:  # noqa: FBT001  # hypothesis names it
        hook = self.any_hook(pick)
        if hook.deleted:
            return
        if secret:
            hook.secrets += 1
            query = "select rowhook.rotate_signing_secret(%s, %s, %s, 'new')"
            assert self.database.value(query, self.database.organization, hook.id, hook.secrets)
        else:
            hook.revision += 1
            assert self.database.change(hook) == hook.revision
        self.pending_sweeps.add(hook.id)
