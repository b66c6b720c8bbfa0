"""A batch of delivered results is recorded with less work, and with the same rows."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from rowhook.db import engine
from rowhook.db.connection_pool import Pool
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, every_server]

# By webhook: before its deliveries are recorded.
CIRCUITS = {
    "none": "select",
    "failing": "insert into rowhook.lane_state (webhook_id, failures, failing_since)"
    " values (%s, 3, now())",
    "open": "insert into rowhook.lane_state"
    " (webhook_id, circuit, failures, failing_since, probe_at)"
    " values (%s, 'open', 10, now(), now() + interval '1 h')",
    "half_open": "insert into rowhook.lane_state"
    " (webhook_id, circuit, failures, failing_since, allowed, probe_at)"
    " values (%s, 'half_open', 10, now(), 1, now() + interval '1 h')",
    "nearly_closed": "insert into rowhook.lane_state"
    " (webhook_id, circuit, failures, failing_since, allowed, probe_at)"
    " values (%s, 'half_open', 10, now(), 5, now() + interval '1 h')",
    "limited": "insert into rowhook.lane_state (webhook_id, tokens, refilled_at)"
    " values (%s, 2, now())",
}


def result_of(claim: Any, **fields: Any) -> dict[str, Any]:
    return {
        "outbox_id": claim.outbox_id,
        "token": claim.token,
        "revision": claim.revision,
        "secrets_version": claim.secrets_version,
        "outcome": "delivered",
        "started_at": "2026-01-01T00:00:00Z",
        "duration_ms": 1.5,
        "rendered_ms": 0.25,
        "status_code": 204,
        "response_headers": [["B", "c"]],
        "response_body": "body",
        **fields,
    }


async def recorded_rows(platform: Platform, webhook: UUID) -> dict[str, Any]:
    """Returns the values that a batch wrote, without ids and times."""
    return {
        "statuses": await platform.rows(
            "select status, ready, attempts, schedule_step, lost_claims, last_status_code,"
            " last_error, next_attempt_at, finished_at = now() as is_finished_now,"
            " num_nonnulls(worker_id, leased_until, claimed_at, stuck_at) as claim_fields"
            " from rowhook.outbox"
            " where webhook_id = %s order by id",
            webhook,
        ),
        "attempts": await platform.rows(
            "select a.number, a.revision, a.duration_ms, a.rendered_ms, a.validated_ms,"
            " a.status_code, a.outcome, a.error, a.request::text, a.response_headers::text,"
            " a.response_body from rowhook.attempt a join rowhook.outbox o on o.id = a.outbox_id"
            " where o.webhook_id = %s order by o.id",
            webhook,
        ),
        "counts": await platform.rows(
            "select organization_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout,"
            " refused, held, dead, failed_at, failed_outbox_id from rowhook.attempt_delta"
            " where webhook_id = %s",
            webhook,
        ),
        "circuit": await platform.rows(
            "select circuit, failures, failing_since is null as accepts, pause_s, allowed, tokens,"
            " probe_at <= now() as probes_now from rowhook.lane_state where webhook_id = %s",
            webhook,
        ),
    }


async def record_two(
    platform: Platform, pool: Pool, circuit: str, *, all_delivered: bool
) -> dict[str, Any]:
    """Records a delivery, a cancelled one, and one whose token is stale, of a new webhook."""
    webhook = await platform.webhook_of_goal(max_in_flight=6)
    for _ in range(3):
        await platform.commit()
    claims = [claim for claim in await platform.claim(pool) if claim.webhook_id == webhook]
    await platform.run(
        "update rowhook.outbox set status = 'cancelled' where id = %s", claims[1].outbox_id
    )
    await platform.run(CIRCUITS[circuit], *([webhook] if circuit != "none" else []))
    request = {"method": "POST", "url": "http://localhost/", "headers": [], "body": "sent"}
    results = [
        result_of(claims[0], request=request),
        result_of(claims[1], error="cancelled meanwhile", response_body=None),
        result_of(claims[2], token=claims[2].token - 1_000_000),
    ]
    async with platform.db.transaction():
        statuses = await platform.rows(
            "select token, status from rowhook.record(%s::json, all_delivered => %s)",
            json.dumps(results),
            all_delivered,
        )
        by_token = {row["token"]: row["status"] for row in statuses}
        assert by_token == {claims[0].token: "delivered", claims[1].token: "cancelled"}
        return await recorded_rows(platform, webhook)


@pytest.mark.parametrize("circuit", CIRCUITS)
async def test_a_delivered_batch_writes_the_rows_that_a_mixed_one_writes(
    platform: Platform, pool: Pool, circuit: str
) -> None:
    expected = await record_two(platform, pool, circuit, all_delivered=False)
    assert await record_two(platform, pool, circuit, all_delivered=True) == expected
    assert len(expected["attempts"]) == 2


async def test_a_batch_without_results_changes_nothing(pool: Pool) -> None:
    assert await engine.record(pool, b"[]", all_delivered=True) == []
