"""The circuit of a webhook, shared by all workers."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from rowhook.db import installation_queries
from rowhook.db.connection_pool import Pool
from tests.support.receiver import answer
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio
OPENS_AFTER = 10


async def lane(platform: Platform) -> dict[str, Any]:
    rows = await platform.rows("select * from rowhook.lane_state")
    return rows[0] if rows else {"circuit": "closed", "failures": 0, "allowed": None}


async def fail_deliveries(platform: Platform, pool: Pool, count: int) -> None:
    """Claims deliveries one after another and records a failure for each."""
    for _ in range(count):
        (claim,) = await platform.claim(pool, batch=1)
        await platform.record(pool, claim, "http_status", status_code=503)


async def backlog(platform: Platform, count: int = 60, **fields: Any) -> UUID:
    webhook = await platform.webhook_of_goal(**{"retry_schedule_s": [0, 3600, 3600]} | fields)
    await platform.run(
        "insert into rowhook.commit (goal_id, data) select %s, '{}' from generate_series(1, %s)",
        platform.goal,
        count,
    )
    return webhook


async def allow_probe(platform: Platform) -> None:
    await platform.run("update rowhook.lane_state set probe_at = now() where circuit = 'open'")


async def test_ten_consecutive_failures_open_the_circuit_and_nothing_is_claimed(
    platform: Platform, pool: Pool
) -> None:
    await backlog(platform)
    await fail_deliveries(platform, pool, OPENS_AFTER - 1)
    assert (await lane(platform))["circuit"] == "closed"
    await fail_deliveries(platform, pool, 1)
    assert (await lane(platform))["circuit"] == "open"
    assert await platform.claim(pool) == []
    outlook = await platform.outlook(pool)
    assert not outlook.has_more
    assert outlook.due_in_s is not None
    assert outlook.due_in_s <= 1.2


async def test_a_success_resets_the_failure_count(platform: Platform, pool: Pool) -> None:
    await backlog(platform)
    await fail_deliveries(platform, pool, OPENS_AFTER - 1)
    (claim,) = await platform.claim(pool, batch=1)
    await platform.record(pool, claim, "delivered")
    await fail_deliveries(platform, pool, OPENS_AFTER - 1)
    assert (await lane(platform))["circuit"] == "closed"


@pytest.mark.parametrize(
    "outcome", ["render_failed", "schema_failed", "config_rejected", "skipped"]
)
async def test_outcomes_without_a_request_do_not_count_for_the_circuit(
    platform: Platform, pool: Pool, outcome: str
) -> None:
    await backlog(platform)
    for _ in range(2 * OPENS_AFTER):
        (claim,) = await platform.claim(pool, batch=1)
        await platform.record(pool, claim, outcome, error="said")
    assert await platform.rows("select * from rowhook.lane_state") == []


async def test_one_probe_is_sent_at_a_time_and_a_failure_doubles_the_pause(
    platform: Platform, pool: Pool
) -> None:
    await backlog(platform)
    await fail_deliveries(platform, pool, OPENS_AFTER)
    pauses = []
    for _ in range(12):
        await allow_probe(platform)
        (probe,) = await platform.claim(pool)
        assert await platform.claim(pool) == []
        await platform.record(pool, probe, "timeout")
        pauses.append((await lane(platform))["pause_s"])
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]
    assert (await lane(platform))["failures"] == OPENS_AFTER + 12


async def test_no_schedule_step_is_used_while_the_circuit_is_not_closed(
    platform: Platform, pool: Pool
) -> None:
    await backlog(platform, 1, retry_schedule_s=[0] * (OPENS_AFTER + 1))
    await fail_deliveries(platform, pool, OPENS_AFTER)
    for _ in range(5):
        await allow_probe(platform)
        await fail_deliveries(platform, pool, 1)
    (row,) = await platform.deliveries()
    assert (row["status"], row["schedule_step"]) == ("pending", OPENS_AFTER)
    assert row["attempts"] == OPENS_AFTER + 5


async def test_a_failed_probe_is_queued_behind_waiting_deliveries(
    platform: Platform, pool: Pool
) -> None:
    await backlog(platform)
    await fail_deliveries(platform, pool, OPENS_AFTER)
    probed = []
    for _ in range(3):
        await allow_probe(platform)
        (probe,) = await platform.claim(pool)
        await platform.record(pool, probe, "http_status", status_code=400)
        probed.append(probe.outbox_id)
    assert len(set(probed)) == 3


async def test_each_success_allows_one_more_request_until_the_circuit_closes(
    platform: Platform, pool: Pool
) -> None:
    await backlog(platform, max_in_flight=10)
    await fail_deliveries(platform, pool, OPENS_AFTER)
    await allow_probe(platform)
    sizes = []
    while (await lane(platform))["circuit"] != "closed":
        claimed = await platform.claim(pool)
        sizes.append(len(claimed))
        for claim in claimed:
            await platform.record(pool, claim, "delivered")
    assert sizes == [1, 2, 4, 8]
    assert len(await platform.claim(pool)) == 10


async def test_a_failure_while_half_open_reopens_the_circuit(
    platform: Platform, pool: Pool
) -> None:
    await backlog(platform)
    await fail_deliveries(platform, pool, OPENS_AFTER)
    await allow_probe(platform)
    (probe,) = await platform.claim(pool)
    await platform.record(pool, probe, "delivered")
    first, _ = await platform.claim(pool)
    await platform.record(pool, first, "connect_failed")
    assert (await lane(platform))["circuit"] == "open"


async def test_retry_after_delays_the_probe(platform: Platform, pool: Pool) -> None:
    await backlog(platform)
    await fail_deliveries(platform, pool, OPENS_AFTER - 1)
    (claim,) = await platform.claim(pool, batch=1)
    await platform.record(pool, claim, "http_status", status_code=429, retry_after_s=120)
    wait = "select extract(epoch from probe_at - now()) from rowhook.lane_state"
    assert 60 < await platform.value(wait) <= 120


async def test_a_lost_probe_is_replaced(platform: Platform, pool: Pool) -> None:
    await backlog(platform)
    await fail_deliveries(platform, pool, OPENS_AFTER)
    await allow_probe(platform)
    (lost_claims,) = await platform.claim(pool)
    await platform.run("update rowhook.outbox set leased_until = now() where status = 'sending'")
    (other,) = await platform.claim(pool)
    assert other.outbox_id != lost_claims.outbox_id


async def test_a_changed_webhook_is_probed_immediately(platform: Platform, pool: Pool) -> None:
    webhook = await backlog(platform)
    await fail_deliveries(platform, pool, OPENS_AFTER)
    await platform.run(
        "update rowhook.webhook set url = 'http://127.0.0.1:8/' where id = %s", webhook
    )
    assert len(await platform.claim(pool)) == 1
    assert (await lane(platform))["failures"] == 0


async def test_health_reports_the_circuit(platform: Platform, pool: Pool) -> None:
    await backlog(platform)
    (before,) = await installation_queries.webhook_health(pool)
    await fail_deliveries(platform, pool, OPENS_AFTER)
    (after,) = await installation_queries.webhook_health(pool)
    assert (before["circuit"], before["failing_since"]) == ("closed", None)
    assert after["circuit"] == "open"
    assert after["failing_since"] < after["next_probe_at"]


async def test_doctor_and_metrics_report_an_open_circuit(platform: Platform, pool: Pool) -> None:
    await backlog(platform)
    await fail_deliveries(platform, pool, OPENS_AFTER)
    findings = {
        diagnosi["subject"]: diagnosi for diagnosi in await installation_queries.diagnosis(pool)
    }
    assert not findings["circuits"]["healthy"]
    assert findings["circuits"]["finding"] == "1 webhook receives only probes"
    assert (await installation_queries.gauges(pool)).circuits_open == 1


async def test_a_recovered_receiver_gets_its_backlog_gradually(rig: Rig) -> None:
    down = [True]
    open_now = most_open = 0

    async def behave(request: Any, writer: Any) -> None:
        nonlocal open_now, most_open
        if down[0]:
            return await answer(503)(request, writer)
        open_now += 1
        most_open = max(most_open, open_now)
        await asyncio.sleep(0.01)
        open_now -= 1
        return await answer(204, b"", ())(request, writer)

    rig.receiver.script("/hook", behave)
    await rig.webhook(max_in_flight=20, retry_schedule_s=[0, 0, 0, 0])
    await rig.platform.run(
        "insert into rowhook.commit (goal_id, data) select %s, '{}' from generate_series(1, 300)",
        rig.platform.goal,
    )
    async with rig.worker(), rig.worker():

        async def open_circuit() -> bool:
            state: str = (await lane(rig.platform))["circuit"]
            return state == "open"

        await until(open_circuit, description="an open circuit")
        down[0] = False
        refused = len(rig.receiver.requests)
        await rig.reaches("delivered", count=300)
    assert refused < 100
    assert most_open <= 20
    assert {row["status"] for row in await rig.platform.deliveries()} == {"delivered"}


async def test_the_status_waits_for_the_probe_of_an_open_circuit_and_skips_paused_webhooks(
    platform: Platform, pool: Pool
) -> None:
    webhook = await backlog(platform)
    await fail_deliveries(platform, pool, OPENS_AFTER)
    await platform.run("update rowhook.lane_state set probe_at = now() + interval '1 hour'")
    assert await next_due_min(platform) == 60
    await platform.run("update rowhook.lane_state set circuit = 'closed', probe_at = null")
    assert await next_due_min(platform) == 0
    await platform.run("select rowhook.set_state(%s, 'paused')", webhook)
    assert await next_due_min(platform) is None


async def next_due_min(platform: Platform) -> int | None:
    """Returns the minutes until the next pending delivery is sent, rounded."""
    return await platform.value(  # type: ignore[no-any-return]
        "select round(extract(epoch from next_due) / 60)::int from rowhook.status()"
        " where status = 'pending'"
    )
