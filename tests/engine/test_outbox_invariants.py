"""The invariants of an `outbox` row, by name, with and without triggers."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
import pytest

from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio

BROKEN = {
    "status = 'lost'": "status_is_known",
    "finished_at = now()": "finished_iff_final",
    "status = 'dead'": "finished_iff_final",
    "leased_until = now(), worker_id = gen_random_uuid()": "leased_iff_sending",
    "status = 'sending', leased_until = now()": "leased_iff_sending",
    "status = 'held', ready = true, next_attempt_at = null": "ready_only_if_waiting",
    "ready = false, next_attempt_at = null": "pending_has_its_time",
    "status = 'skipped', ready = false, finished_at = now()": "only_waiting_has_a_time",
}


async def broken_rules(platform: Platform, update: str, changes: Iterable[str]) -> dict[str, str]:
    """Returns the rules that reject each change, with and without triggers."""
    refusals = {}
    for change in changes:
        names = set()
        for role in ("origin", "replica"):
            await platform.db.execute(f"set session_replication_role = {role}".encode())
            try:
                await platform.db.execute(f"{update} {change}".encode())
            except psycopg.errors.CheckViolation as error:
                names.add(str(error.diag.constraint_name))
            else:
                names.add(f"none as {role}")
        refusals[change] = ", ".join(sorted(names))
    return refusals


async def test_a_delivery_breaks_no_rule(platform: Platform) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    update = "update rowhook.outbox set token = nextval('rowhook.token'),"
    assert await broken_rules(platform, update, BROKEN) == BROKEN


@pytest.mark.parametrize(("step", "late"), [(0, False), (1, False), (2, True)])
async def test_a_delivery_is_late_from_its_third_try(
    platform: Platform, step: int, *, late: bool
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    change = "token = nextval('rowhook.token'), schedule_step = %s, late = not %s"
    await platform.db.execute(f"update rowhook.outbox set {change}".encode(), (step, late))
    assert await platform.value("select late from rowhook.outbox") is late


async def test_an_operator_may_cancel_without_a_right_to_the_rules(platform: Platform) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    await platform.run("set role rowhook_operator")
    assert await platform.run("update rowhook.outbox set status = 'cancelled'") == 1
    await platform.run("reset role")
    assert [row["status"] for row in await platform.deliveries()] == ["cancelled"]
