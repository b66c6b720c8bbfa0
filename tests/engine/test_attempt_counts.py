"""Counts of attempts by class, and the health of a webhook."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from psycopg import AsyncConnection

from rowhook.db import engine, statements
from rowhook.db.connection_pool import Pool
from rowhook.migrate import steps
from rowhook.model import Verdict
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, every_server]
CLASS_OF = {
    ("delivered", 204): "2xx",
    ("delivered", None): "2xx",
    ("http_status", 302): "3xx",
    ("http_status", 410): "4xx",
    ("http_status", 503): "5xx",
    ("http_status", 700): "refused",
    ("timeout", None): "timeout",
    ("dns_failed", None): "refused",
    ("connect_failed", None): "refused",
    ("tls_failed", None): "refused",
    ("target_forbidden", None): "refused",
    ("response_invalid", None): "refused",
    ("config_rejected", None): "held",
    ("render_failed", None): "held",
    ("schema_failed", None): "held",
}
TOTALS = """
  select coalesce(sum(status_2xx), 0) as "2xx", coalesce(sum(status_3xx), 0) as "3xx",
         coalesce(sum(status_4xx), 0) as "4xx", coalesce(sum(status_5xx), 0) as "5xx",
         coalesce(sum(timeout), 0) as timeout, coalesce(sum(refused), 0) as refused,
         coalesce(sum(held), 0) as held, coalesce(sum(dead), 0) as dead
"""


async def counts(platform: Platform) -> dict[str, int]:
    """Returns the totals of both views, which are equal."""
    (minutes,) = await platform.rows(f"{TOTALS} from rowhook.attempts_by_minute")
    (quarters,) = await platform.rows(f"{TOTALS} from rowhook.attempts_by_quarter")
    assert minutes == quarters
    return minutes


async def attempt(platform: Platform, pool: Pool, outcome: str, status: int | None = None) -> int:
    """Commits, claims and records one attempt; returns the delivery."""
    await platform.commit()
    (claim,) = await platform.claim(pool, batch=1)
    await platform.record(pool, claim, outcome, status_code=status)
    return int(claim.outbox_id)


async def test_every_outcome_but_skipped_has_a_class_and_is_counted_once(
    platform: Platform, pool: Pool
) -> None:
    assert {outcome for outcome, _ in CLASS_OF} == set(Verdict) - {Verdict.SKIPPED}
    expected = dict.fromkeys(("2xx", "3xx", "4xx", "5xx", "timeout", "refused", "held", "dead"), 0)
    for (outcome, status), name in CLASS_OF.items():
        # A webhook each, because a 410 disables it and a held delivery is claimed again.
        await platform.run("delete from rowhook.link")
        await platform.webhook_of_goal(retry_schedule_s=[0, 3600])
        await attempt(platform, pool, outcome, status)
        expected[name] += 1
        expected["dead"] += status == 410
        assert await counts(platform) == expected, outcome
    await platform.run("delete from rowhook.link")
    await platform.webhook_of_goal()
    await attempt(platform, pool, "skipped")
    assert await counts(platform) == expected
    attempts = await platform.value("select count(*) from rowhook.attempt")
    assert attempts == sum(expected.values()) - expected["dead"]


async def test_folding_changes_no_count_and_adds_to_earlier_counts(
    platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_goal(retry_schedule_s=[0, 3600])
    await attempt(platform, pool, "delivered", 200)
    await attempt(platform, pool, "timeout")
    before = await counts(platform)
    assert await engine.fold_attempts(pool) == 2
    assert await counts(platform) == before
    failed = await attempt(platform, pool, "http_status", 503)
    assert await engine.fold_attempts(pool) == 1
    assert await engine.fold_attempts(pool) == 0
    assert await counts(platform) == before | {"5xx": 1}
    assert await platform.value("select count(*) from rowhook.attempt_delta") == 0
    assert await platform.value("select rowhook.last_failed_delivery(%s)", webhook) == failed


async def test_the_day_of_the_demo_is_counted_once_for_its_organization(
    platform: Platform, pool: Pool, superuser: AsyncConnection
) -> None:
    await platform.webhook_of_goal()
    await attempt(platform, pool, "delivered", 200)
    # A worker folds counts at any time, also before the day is moved into the past.
    assert await engine.fold_attempts(pool) == 1
    script = (steps.sql_folder() / "demo" / "day_aging.sql").read_text("utf-8")
    await statements.run_script(superuser, script)
    organization = await platform.value(
        "select sum(attempts) from"
        " rowhook.organization_counts(null, '24 h', now() - '25 h'::interval, '31 days')"
    )
    assert (organization, (await counts(platform))["2xx"]) == (1, 1)


async def test_counts_are_exact_while_they_are_recorded_and_folded(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    async with asyncio.TaskGroup() as tasks:
        folding = tasks.create_task(_fold_for_ever(pool))
        for number in range(1, 41):
            await attempt(platform, pool, "delivered", 200)
            assert (await counts(platform))["2xx"] == number
        folding.cancel()


async def _fold_for_ever(pool: Pool) -> None:
    while True:
        await engine.fold_attempts(pool)


async def test_counts_that_no_window_reaches_are_removed(platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_goal()
    for age in ("3 hours", "5 hours", "30 days 12 hours", "32 days"):
        await attempt(platform, pool, "delivered", 200)
        await platform.run(
            "update rowhook.attempt_delta set at = rowhook.minute_of(now() - %s::interval)", age
        )
        await engine.fold_attempts(pool)
    assert await platform.value("select sum(status_2xx) from rowhook.attempt_minute") == 1
    assert await platform.value("select sum(status_2xx) from rowhook.attempt_quarter") == 3


async def test_a_delivery_that_dies_of_lost_claims_is_counted_as_dead(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    (claim,) = await platform.claim(pool)
    await platform.run("update rowhook.outbox set lost_claims = 4, token = -token")
    await platform.run(
        "select rowhook.count_lost_claims(array(select ctid from rowhook.outbox where id = %s))",
        claim.outbox_id,
    )
    assert (await platform.deliveries())[0]["status"] == "dead"
    assert {name: count for name, count in (await counts(platform)).items() if count} == {"dead": 1}


async def test_a_probe_of_an_open_circuit_is_counted_though_it_uses_no_step(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal(retry_schedule_s=[0, 3600])
    for number in range(11):
        await platform.run("update rowhook.lane_state set probe_at = now() where circuit = 'open'")
        await attempt(platform, pool, "connect_failed")
        (health,) = await platform.rows("select * from rowhook.webhook_health")
        assert (health["attempts_24h"], health["success_rate_24h"]) == (number + 1, 0)
    assert health["health"] == "circuit_open"
    assert (await platform.deliveries())[-1]["schedule_step"] == 0


@pytest.mark.parametrize(
    ("expected", "facts"),
    [
        ("healthy", {}),
        ("healthy", {"attempts": 20, "accepted": 19}),
        ("degraded", {"attempts": 19, "accepted": 18}),
        ("degraded", {"failures": 2}),
        ("degraded", {"held": 1}),
        ("degraded", {"attempts": 9, "accepted": 0}),
        ("degraded", {"circuit": "half_open"}),
        ("failing", {"failures": 3}),
        ("failing", {"attempts": 10, "accepted": 4}),
        ("degraded", {"attempts": 10, "accepted": 5}),
        ("circuit_open", {"circuit": "open", "failures": 10}),
        ("circuit_open", {"circuit": "half_open", "failures": 10}),
        ("paused", {"state": "paused", "circuit": "open", "failures": 10}),
        ("disabled", {"state": "disabled", "failures": 10}),
    ],
)
async def test_health_is_one_word(platform: Platform, expected: str, facts: dict[str, Any]) -> None:
    values = {
        "state": "active",
        "circuit": "closed",
        "failures": 0,
        "attempts": 0,
        "accepted": 0,
        "held": 0,
    } | facts
    word = await platform.value(
        "select rowhook.health_word(%s, %s, %s, %s, %s, %s)", *values.values()
    )
    assert word == expected
