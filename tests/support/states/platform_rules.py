"""What the platform and its people do: completions, webhooks, changes."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.support.states.delivery_machine import Sequence
from tests.support.states.delivery_model import Hook

SCHEDULES = st.sampled_from([[0], [0, 0, 600], [0, 600, 0, 0], [600, 0]])
JOB_STATUSES = st.sampled_from(["running", "succeeded", "failed"])
MOST_HOOKS = 5
PICK = st.integers(0, 1_000_000)


class ByPlatform(Sequence):
    """Jobs and commits come; webhooks are saved, changed, paused, disabled and deleted."""

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
        self.world.hook(hook)
        self.hooks.append(hook)

    @rule()
    def commit(self) -> None:
        self.world.commit()
        self.captured(self.linked())

    @rule(status=JOB_STATUSES)
    def job(self, status: str) -> None:
        self.jobs.append(self.world.job(status))
        self.captured(self.linked() if status != "running" else [])

    @rule(pick=PICK, status=JOB_STATUSES)
    @precondition(lambda self: self.jobs)
    def change_job(self, pick: int, status: str) -> None:
        job = self.jobs[pick % len(self.jobs)]
        old = self.world.value("select status from rowhook.job where id = %s", job)
        self.world.run("update rowhook.job set status = %s where id = %s", status, job)
        fires = status not in ("running", old)
        self.captured(self.linked() if fires else [])

    @rule(linked_after=st.booleans())
    def miss(self, linked_after: bool) -> None:  # noqa: FBT001  # hypothesis names it
        """A commit that no trigger sees; a webhook that is linked after it gets nothing of it."""
        self.world.run("set session_replication_role = replica")
        self.world.commit()
        self.world.run("set session_replication_role = origin")
        self.missed.append(self.linked())
        if linked_after and len(self.hooks) < MOST_HOOKS:
            self.save([0], ordered=False)

    @rule()
    def heal(self) -> None:
        assert self.world.value("select rowhook.heal()") == len(self.missed)
        still = set(map(id, self.linked()))
        self.captured(*([hook for hook in then if id(hook) in still] for then in self.missed))
        self.missed = []

    @rule(pick=PICK, state=st.sampled_from(["active", "active", "paused", "disabled"]))
    def set_state(self, pick: int, state: str) -> None:
        hook = self.any_hook(pick)
        if state == "disabled":
            moves = not hook.gone and hook.state != "disabled"
            self.world.value("select rowhook.disable(%s, 'enough')::text", hook.id)
        else:
            query = "select rowhook.set_state(%s, %s)"
            moves = self.world.value(query, hook.id, state)
            assert moves == (
                not hook.gone and hook.state != state and "active" in (state, hook.state)
            )
        if moves:
            hook.state = state
            self.chores.add(hook.id)

    @rule(pick=PICK)
    @precondition(lambda self: len(self.linked()) > 1)
    def delete(self, pick: int) -> None:
        hook = self.any_hook(pick)
        with self.world.db.transaction():
            self.world.run("delete from rowhook.link where webhook_id = %s", hook.id)
            assert self.world.value("select rowhook.delete_webhook(%s)", hook.id) != hook.gone
        if not hook.gone:
            hook.gone = True
            self.chores.add(hook.id)

    @rule(pick=PICK, secret=st.booleans())
    def change(self, pick: int, secret: bool) -> None:  # noqa: FBT001  # hypothesis names it
        hook = self.any_hook(pick)
        if hook.gone:
            return
        if secret:
            hook.secrets += 1
            query = "select rowhook.rotate_signing_secret(%s, %s, %s, 'new')"
            assert self.world.value(query, self.world.organization, hook.id, hook.secrets)
        else:
            hook.revision += 1
            assert self.world.change(hook) == hook.revision
        self.chores.add(hook.id)
